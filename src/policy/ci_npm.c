/* SPDX-License-Identifier: ISC */
/*
 * NODE_AUTH_TOKEN: actions/setup-node writes a .npmrc, names it in NPM_CONFIG_USERCONFIG, and lets it
 * say "//host/path/:_authToken=${NODE_AUTH_TOKEN}".  That line is what names the host.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "valetkey/io.h"
#include "valetkey/proto.h"
#include "policy/ci.h"

static const char token[] = "NODE_AUTH_TOKEN";
static const char reference[] = "${NODE_AUTH_TOKEN}";
static const char suffix[] = ":_authToken";

static const char *
user_config(void)
{
	const char *path = getenv("NPM_CONFIG_USERCONFIG");

	if (!path || !*path)
		path = getenv("npm_config_userconfig");
	return path && *path == '/' ? path : NULL;
}

/* A file that is not there, or that anybody could have written, names nothing. */
static enum vk_err
read_file(const char *path, struct vk_buf *text)
{
	VK_CLEANUP(vk_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & S_IWOTH))
		return VK_OK;
	return vk_buf_read(text, fd);
}

static enum vk_err
offer_line(struct vk_ci *ci, const char *text, const struct vk_npmrc *f, const char *key)
{
	size_t n = strlen(key) - 2 - strlen(suffix);
	VK_CLEANUP(vk_freep) char *url = NULL;
	VK_CLEANUP(vk_freep) char *npm_scope = NULL;
	struct vk_cred *c = NULL;
	struct vk_scope s;
	bool clear = false;
	enum vk_err e;

	if (n > 0 && key[2 + n - 1] == '/')
		n--;
	if ((e = vk_npmrc_registry(text, f, key + 2, n, &clear, &npm_scope)) != VK_OK)
		return e;
	if (!(url = vk_asprintf("%s://%.*s", clear ? "http" : "https", (int)n, key + 2)))
		return VK_ENOMEM;
	if ((e = vk_scope_parse(url, &s, NULL)) == VK_EPROTO) {
		vk_reason_clear();
		return VK_OK;
	}
	if (e == VK_OK) {
		e = vk_ci_offer(ci, token, "", &s, &c);
		vk_scope_clear(&s);
	}
	return e == VK_OK && c && npm_scope ? vk_cred_set(&c->npm_scope, npm_scope) : e;
}

enum vk_err
vk_ci_npm(struct vk_ci *ci)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_MAX_FILE);
	const char *path, *value = getenv(token);
	struct vk_npmrc f = { 0 };
	enum vk_err e;

	if (!value || !*value || !(path = user_config()))
		return VK_OK;
	if ((e = read_file(path, &text)) == VK_OK && text.len > 0)
		e = vk_npmrc_parse(text.p, text.len, &f);
	if (e == VK_EPROTO || e == VK_ELIMIT) {
		vk_reason_clear();
		return VK_OK;
	}
	for (size_t i = 0; i < f.n && e == VK_OK; i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf v = VK_BUF_SECRET(VK_MAX_FIELD);
		const char *key = f.v[i].key;

		if (!vk_str_starts(key, "//") || !vk_str_ends(key, suffix) ||
		    strlen(key) < 2 + strlen(suffix) ||
		    vk_npmrc_value(text.p, &f.v[i], &v) != VK_OK || !v.p || strcmp(v.p, reference) != 0)
			continue;
		e = offer_line(ci, text.p, &f, key);
	}
	vk_npmrc_clear(&f);
	return e;
}
