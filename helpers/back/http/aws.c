/* SPDX-License-Identifier: ISC */
/* Amazon's Secrets Manager ("NAME-OR-ARN[#FIELD]") and CodeArtifact ("DOMAIN[/OWNER]"). */
#include <string.h>
#include <time.h>

#include "aws.h"

static const char secrets[] = "AWS Secrets Manager", artifacts[] = "AWS CodeArtifact";

struct aws {
	const char *who, *service, *region, *endpoint;
	struct vk_server_tls tls;
	struct vk_aws_keys keys;
};

static void
clear(struct aws *w)
{
	vk_aws_keys_clear(&w->keys);
}

/* "arn:aws:secretsmanager:REGION:..." */
static bool
region_of_arn(const char *name, char *ret, size_t n)
{
	const char *p = name;
	size_t len;

	for (int i = 0; p && i < 3; i++)
		p = strchr(p, ':') ? strchr(p, ':') + 1 : NULL;
	if (!p || !vk_str_starts(name, "arn:") || (len = strcspn(p, ":")) == 0 || len >= n)
		return false;
	memcpy(ret, p, len);
	ret[len] = '\0';
	return true;
}

/* Settings, and then keys. */
static enum vk_err
begin(struct vk_ask *a, const char *of_name, struct aws *w)
{
	enum vk_err e;

	w->endpoint = vk_cloud_setting(a, "endpoint", NULL);
	w->region = vk_cloud_setting(a, "region", NULL);
	if (of_name)
		w->region = of_name;
	if (!w->region || !vk_cloud_is_word(w->region, "-"))
		return vk_fail(VK_EPROTO, "no region: say it in [server NAME], or in AWS_REGION");
	vk_http_tls(a, &w->tls);
	vk_aws_login_known(a);
	if ((e = vk_ask_all_used(a)) == VK_OK)
		e = vk_aws_login(a, w->region, &w->tls, &w->keys);
	return e;
}

static enum vk_err
ask(const struct aws *w, struct vk_aws_request *r, const char *path_and_query, json_t **ret)
{
	VK_CLEANUP(vk_aws_headers_clear) struct vk_aws_headers headers = VK_AWS_HEADERS;
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(4096);
	struct vk_http h = { .method = r->method, .again = true, .tls = w->tls };
	enum vk_err e;
	size_t n = 0;

	if (w->endpoint)
		e = vk_http_url(&url, w->endpoint, "%s", path_and_query);
	else
		e = vk_buf_fmt(&url, "https://%s.%s.%s%s", w->service, w->region, vk_aws_domain(w->region),
		    path_and_query);
	if (e != VK_OK)
		return e;
	r->service = w->service;
	r->region = w->region;
	r->url = h.url = url.p;
	if ((e = vk_aws_sign(&w->keys, r, (int64_t)time(NULL), &headers)) != VK_OK)
		return e;
	h.headers[n++] = headers.host.p;
	h.headers[n++] = headers.date.p;
	h.headers[n++] = headers.authorization.p;
	/* Without a value: none, where libcurl would say that it is a form. */
	h.headers[n++] = r->type ? headers.type.p : "Content-Type:";
	if (r->target)
		h.headers[n++] = headers.target.p;
	if (w->keys.token.p)
		h.headers[n++] = headers.token.p;
	h.body = r->body;
	h.n_body = strlen(r->body);
	return vk_cloud_ask(w->who, &h, ret);
}

/* What a program stored as bytes. */
static enum vk_err
answer_binary(struct vk_buf *out, const struct vk_cloud_ref *ref, const char *text)
{
	VK_CLEANUP(vk_arena_freep) unsigned char *bytes = vk_arena_alloc(VK_BASE64_ROOM(strlen(text)));
	size_t n = 0;

	if (!bytes)
		return VK_ENOMEM;
	if (vk_base64_decode(text, strlen(text), bytes, &n) != VK_OK)
		return vk_cloud_strange(secrets);
	return vk_cloud_answer(out, secrets, ref, (const char *)bytes, n);
}

/* https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html */
enum vk_err
vk_aws_secret_get(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(clear) struct aws w = { .who = secrets, .service = "secretsmanager" };
	VK_CLEANUP(vk_buf_clear) struct vk_buf body = VK_BUF(8192);
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	struct vk_aws_request r = { .method = "POST", .type = "application/x-amz-json-1.1",
		.target = "secretsmanager.GetSecretValue" };
	struct vk_cloud_ref ref;
	char region[64];
	const char *text;
	enum vk_err e = vk_cloud_ref(a, &ref);

	if (e == VK_OK && !vk_cloud_is_word(ref.name, "/_+=.@-:!"))
		e = vk_fail(VK_EPROTO, "this is no name of a secret, and no ARN");
	if (e == VK_OK)
		e = begin(a, region_of_arn(ref.name, region, sizeof(region)) ? region : NULL, &w);
	if (e == VK_OK)
		e = vk_buf_fmt(&body, "{\"SecretId\":\"%s\"}", ref.name);
	r.body = body.p;
	if (e == VK_OK)
		e = ask(&w, &r, "/", &j);
	if (e != VK_OK)
		return e;
	if ((text = vk_cloud_member(j, "SecretString")))
		return vk_cloud_answer(out, secrets, &ref, text,
		    json_string_length(json_object_get(j, "SecretString")));
	text = vk_cloud_member(j, "SecretBinary");
	return text ? answer_binary(out, &ref, text) : vk_cloud_strange(secrets);
}

/* https://docs.aws.amazon.com/codeartifact/latest/APIReference/API_GetAuthorizationToken.html */
enum vk_err
vk_aws_codeartifact_get(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(clear) struct aws w = { .who = artifacts, .service = "codeartifact" };
	VK_CLEANUP(vk_buf_clear) struct vk_buf path = VK_BUF(4096);
	VK_CLEANUP(vk_secret_clear) struct vk_secret token = { NULL, 0 };
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	struct vk_aws_request r = { .method = "POST", .body = "" };
	struct vk_cloud_ref ref;
	const json_t *expires;
	char *owner;
	enum vk_err e = vk_cloud_ref(a, &ref);

	if (e != VK_OK)
		return e;
	if ((owner = strchr(ref.name, '/')))
		*owner++ = '\0';
	if (ref.field || !vk_cloud_is_word(ref.name, "-") || (owner && !vk_cloud_is_word(owner, "")))
		return vk_fail(VK_EPROTO, "this is not DOMAIN or DOMAIN/OWNER, the number of an account");
	vk_buf_fmt(&path, "/v1/authorization-token?domain=%s", ref.name);
	if (owner)
		vk_buf_fmt(&path, "&domain-owner=%s", owner);
	if ((e = begin(a, NULL, &w)) == VK_OK && (e = path.err) == VK_OK)
		e = ask(&w, &r, path.p, &j);
	if (e == VK_OK)
		e = vk_cloud_token(artifacts, vk_cloud_member(j, "authorizationToken"), &token);
	if (e != VK_OK)
		return e;
	expires = json_object_get(j, "expiration");
	if (!json_is_number(expires) || !(json_number_value(expires) >= 0 && json_number_value(expires) < 1e11))
		return vk_cloud_strange(artifacts);
	return vk_cloud_answer_until(out, &token, (int64_t)json_number_value(expires));
}
