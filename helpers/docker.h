/* SPDX-License-Identifier: ISC */
/*
 * docker.h - the parts of docker's credential helper.
 */
#ifndef VK_HELPERS_DOCKER_H
#define VK_HELPERS_DOCKER_H

#include "valetkey/log.h"
#include "valetkey/policy.h"
#include "valetkey/proto.h"

/** vk_docker_fail(e): Say why on stdout, as docker wants it, and return 1. */
int vk_docker_fail(enum vk_err e);

/* Whom the log names. */
extern const struct vk_policy_opts vk_docker_opts;

/** vk_docker_read_server(m): The server that "get" and "erase" are about, from standard input. */
enum vk_err vk_docker_read_server(struct vk_docker_msg *m) VK_MUST;

/**
 * vk_docker_open_store(p, ret_store):
 * Open the policy and its unlocked keystore.  VK_ENOENT when there is no keystore.
 */
enum vk_err vk_docker_open_store(struct vk_policy **p, struct vk_store **ret_store) VK_MUST;

/** vk_docker_store(), vk_docker_erase(): Carry it out; the exit code. */
int vk_docker_store(void);
int vk_docker_erase(void);

#endif
