/* SPDX-License-Identifier: ISC */
/*
 * A file of properties (java.util.Properties), from which coursier takes any number of credentials, each
 * under a prefix, and sbt one, without.  Both go by the host's name alone: they do not know ports or paths.
 */
#include <string.h>

#include "valetkey/proto.h"
#include "json_text.h"

static enum vk_err
refuse(const struct vk_cred *c, const char *why)
{
	vk_hint("choose with --credential");
	return vk_fail(VK_EPOLICY, "coursier and sbt cannot be told of %s: %s", *c->name ? c->name : c->scope.host,
	    why);
}

/* Escaped so far that it does not matter whether the reader takes it for Latin-1 or UTF-8. */
static enum vk_err
add_value(const char *s, size_t n, struct vk_buf *out)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + n;

	while (p < end) {
		unsigned c = vk_utf8_next(&p);

		if (c > 0xffff)
			vk_buf_fmt(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
		else if (c > '~')
			vk_buf_fmt(out, "\\u%04x", c);
		else if (strchr("\\ #!=:", (int)c))
			vk_buf_fmt(out, "\\%c", (int)c);
		else
			vk_buf_char(out, (char)c);
	}
	return vk_buf_char(out, '\n');
}

static bool
is_plain(const char *s, size_t n)
{
	return n > 0 && !vk_str_has_control(s, n) && vk_utf8_valid(s, n) && s[0] != ' ' && s[n - 1] != ' ';
}

static enum vk_err
check(const struct vk_cred *c)
{
	if (c->kind != VK_KIND_BASIC)
		return refuse(c, "it is not a user name and password");
	if (strcmp(c->scope.scheme, "https") != 0)
		return refuse(c, "it would be sent over https too");
	if (c->scope.port != vk_scheme_port(c->scope.scheme))
		return refuse(c, "they know no ports, so it would be sent to all of the host");
	if (*c->scope.path)
		return refuse(c, "they know no paths, so it would be sent to all of the host");
	if (!is_plain(c->username, strlen(c->username)) || strchr(c->username, ':'))
		return refuse(c, "its user name is empty, has a blank at an end, a colon or a control character, or is "
				 "not UTF-8");
	if (!is_plain(c->secret.p, c->secret.n))
		return refuse(c, "its secret is empty, has a blank at an end, a control character, or is not UTF-8");
	return VK_OK;
}

static enum vk_err
add_account(const struct vk_cred *c, const char *prefix, struct vk_buf *out)
{
	vk_buf_fmt(out, "%shost=", prefix);
	add_value(c->scope.host, strlen(c->scope.host), out);
	vk_buf_fmt(out, "%s%s=", prefix, *prefix ? "username" : "user");
	add_value(c->username, strlen(c->username), out);
	vk_buf_fmt(out, "%spassword=", prefix);
	return add_value(c->secret.p, c->secret.n, out);
}

enum vk_err
vk_coursier_render(const struct vk_cred_list *creds, struct vk_buf *out)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < creds->n; i++) {
		VK_CLEANUP(vk_freep) char *prefix = vk_asprintf("valetkey%zu.", i + 1);

		if (!prefix)
			return VK_ENOMEM;
		e = check(creds->v[i]);
		for (size_t k = 0; e == VK_OK && k < i; k++)
			if (strcmp(creds->v[k]->scope.host, creds->v[i]->scope.host) == 0)
				e = refuse(creds->v[i], "another credential of this run is for the same host");
		if (e == VK_OK)
			e = add_account(creds->v[i], prefix, out);
		/* Sent when it is asked for, and never over http or to where a redirect leads. */
		if (e == VK_OK)
			e = vk_buf_fmt(out, "%sauto=true\n%shttps-only=true\n%spass-on-redirect=false\n", prefix,
			    prefix, prefix);
	}
	return e == VK_OK && creds->n == 1 ? add_account(creds->v[0], "", out) : e;
}
