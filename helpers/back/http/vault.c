/* SPDX-License-Identifier: ISC */
/*
 * OpenBao and HashiCorp Vault, by their HTTP API (https://openbao.org/api-docs/): "MOUNT/PATH#FIELD" of a key/value
 * store, either version.
 */
#include <string.h>

#include "proto/json.h"
#include "stores.h"

struct vault {
	const char *address, *namespace, *nodes;
	struct vk_server_tls tls;
	struct vk_secret token;
	struct vk_buf token_header, namespace_header;
};

static void
clear(struct vault *v)
{
	vk_secret_clear(&v->token);
	vk_buf_clear(&v->token_header);
	vk_buf_clear(&v->namespace_header);
}

static enum vk_err
settings(struct vk_ask *a, struct vault *v)
{
	enum vk_err e = vk_ask_need(a, "address", &v->address);

	if (e != VK_OK)
		return vk_fail(VK_EPROTO, "no address: say it in [server vault], or in BAO_ADDR or VAULT_ADDR");
	v->namespace = vk_ask_get(a, "namespace");
	v->nodes = vk_ask_get(a, "nodes");
	vk_http_tls(a, &v->tls);
	return vk_ask_secret(a, "token", &v->token);
}

static enum vk_err
request(struct vault *v, const char *url, struct vk_http_answer *ret)
{
	struct vk_http h = { .method = "GET", .url = url, .again = true, .follow = true, .nodes = v->nodes, .tls = v->tls };
	size_t n = 0;

	vk_buf_clear(&v->token_header);
	vk_buf_clear(&v->namespace_header);
	vk_buf_str(&v->token_header, "X-Vault-Token: ");
	vk_buf_add(&v->token_header, v->token.p, v->token.n);
	if (v->token_header.err != VK_OK)
		return v->token_header.err;
	h.headers[n++] = "X-Vault-Request: true";
	h.headers[n++] = v->token_header.p;
	if (v->namespace && vk_buf_fmt(&v->namespace_header, "X-Vault-Namespace: %s", v->namespace) == VK_OK)
		h.headers[n++] = v->namespace_header.p;
	return vk_http_do(&h, ret);
}

enum vk_err
vk_vault_get(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(clear) struct vault v = { .token_header = VK_BUF_SECRET(65536), .namespace_header = VK_BUF(4096) };
	VK_CLEANUP(vk_http_answer_clear) struct vk_http_answer answer = VK_HTTP_ANSWER;
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(8192);
	const char *ref = NULL;
	enum vk_err e = vk_ask_need(a, "ref", &ref);

	(void)out;
	if (e == VK_OK)
		e = settings(a, &v);
	if (e == VK_OK && (e = vk_http_url(&url, v.address, "/v1/")) == VK_OK)
		e = vk_http_path(&url, ref);
	if (e == VK_OK)
		e = vk_ask_all_used(a);
	return e == VK_OK ? request(&v, url.p, &answer) : e;
}
