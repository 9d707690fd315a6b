/* SPDX-License-Identifier: ISC */
/* One request to OpenBao or Vault, and what its answer means. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vault.h"

enum { MEMBERS_MAX = 16384, SAID_MAX = 120 };

static enum vk_err
header(struct vk_buf *out, const char *name, const char *value, size_t n)
{
	vk_buf_str(out, name);
	vk_buf_str(out, ": ");
	return vk_buf_add(out, value, n);
}

/* With success there is an object, or nothing; an error may come from what stands before the server, and be any. */
static enum vk_err
understand(const struct vk_vault *v, const struct vk_http_answer *got, struct vk_vault_answer *ret)
{
	json_t *j = NULL;
	enum vk_err e = VK_OK;

	if (got->body.len > 0)
		e = vk_json_parse_large(got->body.p, got->body.len, MEMBERS_MAX, &j);
	if (e == VK_OK && j && !json_is_object(j)) {
		vk_json_freep(&j);
		e = vk_fail(VK_EPROTO, "its JSON is no object");
	}
	if (e == VK_ENOMEM)
		return e;
	if (e != VK_OK && got->status < 300)
		return vk_fail(VK_EBACKEND, "%s answers what is not understood: %s", v->origin, vk_reason());
	vk_reason_clear();
	ret->status = got->status;
	ret->json = j;
	return VK_OK;
}

enum vk_err
vk_vault_ask(const struct vk_vault *v, const struct vk_vault_call *call, struct vk_vault_answer *ret)
{
	VK_CLEANUP(vk_http_answer_clear) struct vk_http_answer got = VK_HTTP_ANSWER;
	VK_CLEANUP(vk_buf_clear) struct vk_buf token = VK_BUF_SECRET(2 * VK_MAX_SECRET);
	VK_CLEANUP(vk_buf_clear) struct vk_buf namespace = VK_BUF(VK_MAX_FIELD);
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(4 * VK_MAX_FIELD);
	struct vk_http h = { .method = call->method, .again = call->again, .follow = true, .nodes = v->nodes,
		.tls = v->tls };
	size_t n = 0;
	enum vk_err e = vk_http_url(&url, v->address, "/v1/");

	if (e == VK_OK)
		e = vk_buf_str(&url, call->path);
	h.url = url.p;
	/* Agents and proxies may insist on it, against requests that a web page makes. */
	h.headers[n++] = "X-Vault-Request: true";
	if (e == VK_OK && call->token && (e = header(&token, "X-Vault-Token", call->token->p, call->token->n)) == VK_OK)
		h.headers[n++] = token.p;
	if (e == VK_OK && v->namespace && *v->namespace &&
	    (e = header(&namespace, "X-Vault-Namespace", v->namespace, strlen(v->namespace))) == VK_OK)
		h.headers[n++] = namespace.p;
	if (call->body) {
		h.headers[n] = "Content-Type: application/json";
		h.body = call->body->p;
		h.n_body = call->body->len;
		e = e == VK_OK ? call->body->err : e;
	}
	if (e == VK_OK)
		e = vk_http_do(&h, &got);
	return e == VK_OK ? understand(v, &got, ret) : e;
}

void
vk_vault_answer_clear(struct vk_vault_answer *a)
{
	vk_json_freep(&a->json);
}

const char *
vk_vault_text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s && *s ? s : NULL;
}

int64_t
vk_vault_after(json_int_t seconds)
{
	/* More than a century is as good as never. */
	if (seconds <= 0 || seconds > INT32_MAX)
		return 0;
	return (int64_t)time(NULL) + seconds;
}

static bool
repeats(const char *text, const struct vk_secret *s)
{
	return s->p && s->n > 0 && strstr(text, s->p);
}

/* What the server says, unless that repeats what nobody may read. */
static void
said(const struct vk_vault *v, const struct vk_vault_answer *a, char out[SAID_MAX])
{
	const char *text = json_string_value(json_array_get(json_object_get(a->json, "errors"), 0));
	bool bad = !text || !*text || repeats(text, &v->token);

	*out = '\0';
	for (size_t i = 0; !bad && i < v->n_told; i++)
		bad = repeats(text, &v->told[i]);
	if (!bad)
		snprintf(out, SAID_MAX, ": %.100s", text);
}

enum vk_err
vk_vault_refused(const struct vk_vault *v, const struct vk_vault_answer *a, const char *what)
{
	char text[SAID_MAX];

	said(v, a, text);
	if (a->status >= 500 && vk_str_ifind(text, strlen(text), "sealed"))
		return vk_fail(VK_ELOCKED, "%s is sealed", v->origin);
	switch (a->status) {
	case 400:
		return vk_fail(VK_EPOLICY, "%s refuses %s%s", v->origin, what, text);
	case 403:
		return vk_fail(VK_EPOLICY, "%s refuses %s: the token is not valid, or not for that, or there "
					   "is no such mount%s", v->origin, what, text);
	case 404:
		return vk_fail(VK_ENOENT, "%s has not: %s%s", v->origin, what, text);
	case 429:
		return vk_fail(VK_EBACKEND, "%s has had too many requests%s", v->origin, text);
	case 501:
		return vk_fail(VK_EBACKEND, "%s is not initialised%s", v->origin, text);
	default:
		return vk_fail(VK_EBACKEND, "%s answers %ld to %s%s", v->origin, a->status, what, text);
	}
}
