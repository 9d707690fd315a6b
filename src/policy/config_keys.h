/* SPDX-License-Identifier: ISC */
/*
 * config_keys.h - what sections and keys of the config mean; the parser calls it as it reads.
 */
#ifndef VK_POLICY_CONFIG_KEYS_H
#define VK_POLICY_CONFIG_KEYS_H

#include "valetkey/config.h"

enum vk_config_where { VK_IN_NOTHING, VK_IN_SETTINGS, VK_IN_SECTION, VK_IN_PROFILE, VK_IN_TOOL, VK_IN_SERVER };

struct vk_config_at {
	struct vk_config *config;
	enum vk_config_where where; /* the last one of its kind in ${config} is the current one */
	bool had_settings;
	unsigned seen;              /* keys of the current section, as bits */
	unsigned line;
};

/**
 * vk_config_begin(at, header), vk_config_key(at, key, value), vk_config_end(at):
 * Begin "[header]" (ending what was open); take one key; end the file.  On failure the reason
 * has no file and line yet: the parser puts them in front.
 */
enum vk_err vk_config_begin(struct vk_config_at *at, const char *header) VK_MUST;
enum vk_err vk_config_key(struct vk_config_at *at, const char *key, const char *value) VK_MUST;
enum vk_err vk_config_end(struct vk_config_at *at) VK_MUST;

/** vk_config_server_begin(at, name), vk_config_server_key(at, key, value), vk_config_server_end(at): For a server. */
enum vk_err vk_config_server_begin(struct vk_config_at *at, const char *name) VK_MUST;
enum vk_err vk_config_server_key(struct vk_config_at *at, const char *key, const char *value) VK_MUST;
enum vk_err vk_config_server_end(struct vk_config_at *at) VK_MUST;

#endif
