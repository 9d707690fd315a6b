/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "cloud.h"
#include "identity.h"
#include "valetkey/source.h"

static const char github[] = "GitHub's service of identity tokens";

bool
vk_identity_have(struct vk_ask *a)
{
	bool jwt = vk_ask_get(a, "jwt"), file = vk_ask_get(a, "token-file"), url = vk_ask_get(a, "oidc-url");

	(void)!vk_ask_get(a, "audience");
	return (vk_ask_get(a, "oidc-token") && url) || jwt || file;
}

/* Three parts of base64url: what goes into forms and JSON as it is. */
static enum vk_err
check(const struct vk_secret *s)
{
	size_t dots = 0;

	for (const char *p = s->p; *p; p++)
		dots += *p == '.';
	if (dots != 2 || strlen(s->p) != s->n || !vk_cloud_is_word(s->p, "-_."))
		return vk_fail(VK_EBACKEND, "the identity token is no JSON Web Token");
	return VK_OK;
}

static enum vk_err
ask_github(struct vk_ask *a, const char *audience, struct vk_secret *ret)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret base = { NULL, 0 }, token = { NULL, 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF_SECRET(8192), bearer = VK_BUF_SECRET(VK_CLOUD_TOKEN_MAX);
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	struct vk_http h = { .method = "GET", .again = true,
		.headers = { "Accept: application/json; api-version=2.0" } };
	enum vk_err e = vk_ask_secret(a, "oidc-url", &base);

	if (e == VK_OK && (e = vk_ask_secret(a, "oidc-token", &token)) != VK_OK)
		return e;
	if (e != VK_OK || !base.p || !token.p)
		return e;
	vk_buf_str(&url, base.p);
	if (audience && !strchr(base.p, '?'))
		vk_buf_char(&url, '?');
	if ((e = audience ? vk_cloud_form(&url, "audience", audience) : url.err) == VK_OK)
		e = vk_cloud_bearer(&bearer, &token);
	if (e != VK_OK)
		return e;
	h.url = url.p;
	h.headers[1] = bearer.p;
	if ((e = vk_cloud_login(github, &h, &j)) != VK_OK)
		return e;
	return vk_cloud_token(github, vk_cloud_member(j, "value"), ret);
}

enum vk_err
vk_identity_token(struct vk_ask *a, const char *audience, struct vk_secret *ret_secret)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret s = { NULL, 0 };
	const char *file = vk_ask_get(a, "token-file");
	enum vk_err e = vk_ask_secret(a, "jwt", &s);

	if (e == VK_OK && !s.p && file)
		e = vk_source_file(file, &s);
	else if (e == VK_OK && !s.p)
		e = ask_github(a, vk_cloud_setting(a, "audience", audience), &s);
	if (e == VK_OK && s.p && (e = check(&s)) == VK_OK)
		e = vk_secret_set(ret_secret, s.p, s.n);
	return e;
}
