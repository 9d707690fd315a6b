/* SPDX-License-Identifier: ISC */
/*
 * docker.h - the parts of docker's credential helper.
 */
#ifndef VK_HELPERS_DOCKER_H
#define VK_HELPERS_DOCKER_H

#include "valetkey/policy.h"
#include "valetkey/proto.h"

/** docker_say(text, n, status): Write the whole reply to stdout; ${status}, or 1 when it cannot be written. */
int docker_say(const char *text, size_t n, int status);

/** docker_fail(e): Say why on stdout, as docker wants it, and return 1. */
int docker_fail(enum vk_err e);

/** docker_read(b): All of standard input. */
enum vk_err docker_read(struct vk_buf *b) VK_MUST;

/** docker_read_server(m): The server that "get" and "erase" are about, from standard input. */
enum vk_err docker_read_server(struct vk_docker_msg *m) VK_MUST;

/**
 * docker_open_store(p, ret_store):
 * Open the policy and its unlocked keystore.  VK_ENOENT when there is no keystore.
 */
enum vk_err docker_open_store(struct vk_policy **p, struct vk_store **ret_store) VK_MUST;

/** docker_store(), docker_erase(): Carry it out; the exit code. */
int docker_store(void);
int docker_erase(void);

#endif
