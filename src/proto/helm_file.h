/* SPDX-License-Identifier: ISC */
/*
 * helm_file.h - helm's repositories.yaml (helm 3.22: pkg/repo, and sigs.k8s.io/yaml, which writes it), line by line:
 * each key with its value on a line of its own, and no other YAML.  A key that is not exactly one of helm's is refused,
 * since helm would take "URL" for "url", and of two the last.
 */
#ifndef VK_PROTO_HELM_FILE_H
#define VK_PROTO_HELM_FILE_H

#include "valetkey/secret.h"

enum vk_helm_key {
	VK_HELM_NAME,
	VK_HELM_URL,
	VK_HELM_USERNAME,
	VK_HELM_PASSWORD,
	VK_HELM_PASS_ALL,
	VK_HELM_UNVERIFIED,
	VK_HELM_CA_FILE,
	VK_HELM_CERT_FILE,
	VK_HELM_KEY_FILE,
	VK_HELM_KEYS,
};

/* As they are written. */
extern const char *const vk_helm_keys[VK_HELM_KEYS];

/* Of the file: from ${at} on, up to ${end}. */
struct vk_helm_span {
	size_t at, end;
};

struct vk_helm_repository {
	struct vk_helm_span values[VK_HELM_KEYS]; /* as written, without blanks around; ${end} 0: no such line */
	size_t order[VK_HELM_KEYS];               /* the keys, as they come */
	size_t n;
	size_t end;                               /* behind its last line */
};

struct vk_helm_file {
	const char *text;
	size_t indent; /* blanks before the dash of each */
	struct vk_helm_repository *v; /* heap */
	size_t n;
};

/** vk_helm_file_read(text, n, ret): ${text} stays in use.  VK_EPROTO with the line, which is not quoted. */
enum vk_err vk_helm_file_read(const char *text, size_t n, struct vk_helm_file *ret) VK_MUST;
void vk_helm_file_clear(struct vk_helm_file *f);

/** vk_helm_is(text, s, word), vk_helm_is_null(text, s): Is that what is written there? */
bool vk_helm_is(const char *text, struct vk_helm_span s, const char *word) VK_MUST;
bool vk_helm_is_null(const char *text, struct vk_helm_span s) VK_MUST;

/** vk_helm_resolve(text, v, out): Append a name or a URL, as it is meant. */
enum vk_err vk_helm_resolve(const char *text, struct vk_helm_span v, struct vk_buf *out) VK_MUST;

#endif
