/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <time.h>

#include "gcp.h"
#include "identity.h"
#include "sign.h"

#define SCOPE "https://www.googleapis.com/auth/cloud-platform"

enum { KEY_FILE_MAX = 64 * 1024 };

static const char metadata[] = "the metadata service of Google Cloud", sts[] = "Google's token exchange",
    oauth[] = "Google's token service", iam[] = "Google's service of IAM credentials";
static const char form_type[] = "Content-Type: application/x-www-form-urlencoded";

void
vk_gcp_login_known(struct vk_ask *a)
{
	static const char *const names[] = { "credentials", "provider", "service-account", "metadata-host",
		"sts-endpoint", "iam-endpoint", "token-endpoint" };

	for (size_t i = 0; i < VK_COUNT(names); i++)
		(void)!vk_ask_get(a, names[i]);
	(void)!vk_identity_have(a);
}

static enum vk_err
post_form(const char *who, const char *url, const struct vk_server_tls *tls, const struct vk_buf *form,
    struct vk_secret *ret)
{
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	struct vk_http h = { .method = "POST", .url = url, .again = true, .headers = { form_type }, .body = form->p,
		.n_body = form->len, .tls = *tls };
	enum vk_err e = form->err;

	if (e == VK_OK)
		e = vk_cloud_login(who, &h, &j);
	return e == VK_OK ? vk_cloud_token(who, vk_cloud_member(j, "access_token"), ret) : e;
}

/* https://developers.google.com/identity/protocols/oauth2/service-account#httprest */
static enum vk_err
sign_in(const json_t *key, const char *url, const struct vk_server_tls *tls, struct vk_secret *ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf pem = VK_BUF_SECRET(KEY_FILE_MAX), claims = VK_BUF(2048);
	VK_CLEANUP(vk_buf_clear) struct vk_buf jwt = VK_BUF_SECRET(8192), form = VK_BUF_SECRET(16384);
	const char *email = vk_cloud_member(key, "client_email"), *id = vk_cloud_member(key, "private_key_id");
	const char *text = vk_cloud_member(key, "private_key");
	long long now = (long long)time(NULL);
	enum vk_err e;

	if (!email || !vk_cloud_is_word(email, "@.-_") || (id && !vk_cloud_is_word(id, "")) || !text)
		return vk_fail(VK_EBACKEND,
		    "the file of the setting \"credentials\" lacks client_email or private_key");
	vk_buf_str(&pem, text);
	/* Who checks "aud" wants Google's address, by whatever way it was reached. */
	vk_buf_fmt(&claims, "{\"iss\":\"%s\",\"scope\":\"" SCOPE "\",\"aud\":\"https://oauth2.googleapis.com/token\","
	    "\"iat\":%lld,\"exp\":%lld}", email, now - 30, now + 600);
	if ((e = pem.err) == VK_OK && (e = claims.err) == VK_OK)
		e = vk_jwt_rs256(&pem, id, claims.p, &jwt);
	if (e != VK_OK)
		return e;
	vk_cloud_form(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
	vk_cloud_form(&form, "assertion", jwt.p);
	return post_form(oauth, url, tls, &form, ret);
}

static enum vk_err
from_key(struct vk_ask *a, const char *path, const struct vk_server_tls *tls, struct vk_secret *ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf file = VK_BUF_SECRET(KEY_FILE_MAX);
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	const char *type;
	enum vk_err e = vk_cloud_file(path, &file);

	if (e == VK_OK && vk_json_parse(file.p, file.len, &j) != VK_OK)
		e = vk_fail(VK_EBACKEND, "the file %s is no JSON", path);
	if (e != VK_OK)
		return e;
	type = vk_cloud_member(j, "type");
	if (!type || strcmp(type, "service_account") != 0)
		return vk_fail(VK_EBACKEND, "the file %s is no key of a service account; for another identity say "
		    "\"provider\" in [server NAME]", path);
	return sign_in(j, vk_cloud_setting(a, "token-endpoint", "https://oauth2.googleapis.com/token"), tls, ret);
}

/* https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token */
static enum vk_err
from_identity(struct vk_ask *a, const char *provider, const struct vk_server_tls *tls, struct vk_secret *ret)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret jwt = { NULL, 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf form = VK_BUF_SECRET(VK_CLOUD_TOKEN_MAX), url = VK_BUF(2048);
	const char *base;
	VK_CLEANUP(vk_freep) char *audience = vk_asprintf("https://iam.googleapis.com/%s", provider);
	enum vk_err e = audience ? VK_OK : VK_ENOMEM;

	if (e == VK_OK && !(vk_str_starts(provider, "projects/") && strstr(provider, "/providers/")))
		e = vk_fail(VK_EPROTO,
		    "provider is projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/NAME");
	if (e == VK_OK)
		e = vk_identity_token(a, audience, &jwt);
	if (e == VK_OK && !jwt.p)
		e = vk_fail(VK_EPROTO,
		    "provider needs an identity token: say jwt or token-file, or ask within GitHub Actions");
	if (e != VK_OK)
		return e;
	vk_cloud_form(&form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
	/* The same without a scheme is its name there. */
	vk_cloud_form(&form, "audience", audience + strlen("https:"));
	vk_cloud_form(&form, "scope", SCOPE);
	vk_cloud_form(&form, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token");
	vk_cloud_form(&form, "subject_token_type", "urn:ietf:params:oauth:token-type:jwt");
	vk_cloud_form(&form, "subject_token", jwt.p);
	base = vk_cloud_setting(a, "sts-endpoint", "https://sts.googleapis.com");
	if ((e = vk_http_url(&url, base, "/v1/token")) == VK_OK)
		e = post_form(sts, url.p, tls, &form, ret);
	return e;
}

/* https://docs.cloud.google.com/compute/docs/access/authenticate-workloads */
static enum vk_err
from_machine(struct vk_ask *a, struct vk_secret *ret)
{
	VK_CLEANUP(vk_http_answer_clear) struct vk_http_answer answer = VK_HTTP_ANSWER;
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(2048);
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	struct vk_http h = { .method = "GET", .again = true, .metadata = true,
		.headers = { "Metadata-Flavor: Google" } };
	enum vk_err e = vk_buf_fmt(&url, "http://%s/computeMetadata/v1/instance/service-accounts/default/token",
	    vk_cloud_setting(a, "metadata-host", "metadata.google.internal"));

	h.url = url.p;
	if (e == VK_OK && (e = vk_cloud_do(metadata, &h, &answer)) != VK_OK) {
		vk_fail(e, "no login: no credentials, no provider; %s", vk_reason());
		return e == VK_ENOENT ? VK_EBACKEND : e;
	}
	/* Another server at that name, a captive portal's say, has not the header. */
	if (e == VK_OK &&
	    (!answer.flavored || answer.body.len == 0 || vk_json_parse(answer.body.p, answer.body.len, &j) != VK_OK))
		return vk_cloud_strange(metadata);
	return e == VK_OK ? vk_cloud_token(metadata, vk_cloud_member(j, "access_token"), ret) : e;
}

/* https://docs.cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken */
static enum vk_err
impersonate(struct vk_ask *a, const char *account, const struct vk_server_tls *tls, struct vk_secret *token)
{
	static const char body[] = "{\"scope\":[\"" SCOPE "\"],\"lifetime\":\"600s\"}";
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(2048), bearer = VK_BUF_SECRET(VK_CLOUD_TOKEN_MAX);
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	struct vk_http h = { .method = "POST", .again = true, .headers = { "Content-Type: application/json" },
		.body = body, .n_body = strlen(body), .tls = *tls };
	const char *base = vk_cloud_setting(a, "iam-endpoint", "https://iamcredentials.googleapis.com");
	enum vk_err e = VK_OK;

	if (!vk_cloud_is_word(account, "@.-_"))
		e = vk_fail(VK_EPROTO, "service-account is its mail address");
	if (e == VK_OK)
		e = vk_http_url(&url, base, "/v1/projects/-/serviceAccounts/%s:generateAccessToken", account);
	if (e == VK_OK)
		e = vk_cloud_bearer(&bearer, token);
	h.url = url.p;
	h.headers[1] = bearer.p;
	if (e == VK_OK)
		e = vk_cloud_login(iam, &h, &j);
	return e == VK_OK ? vk_cloud_token(iam, vk_cloud_member(j, "accessToken"), token) : e;
}

enum vk_err
vk_gcp_login(struct vk_ask *a, const struct vk_server_tls *tls, struct vk_secret *ret_token)
{
	const char *file = vk_cloud_setting(a, "credentials", NULL), *provider = vk_cloud_setting(a, "provider", NULL);
	const char *account = vk_cloud_setting(a, "service-account", NULL);
	enum vk_err e;

	if (file)
		return from_key(a, file, tls, ret_token);
	e = provider ? from_identity(a, provider, tls, ret_token) : from_machine(a, ret_token);
	return e == VK_OK && account ? impersonate(a, account, tls, ret_token) : e;
}
