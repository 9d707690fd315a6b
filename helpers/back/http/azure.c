/* SPDX-License-Identifier: ISC */
/* Azure Key Vault: "VAULT/NAME[/VERSION][#FIELD]". */
#include <string.h>

#include "cloud.h"
#include "identity.h"

static const char vault[] = "Azure Key Vault", entra[] = "Microsoft Entra";
static const char managed[] = "the service of managed identities";

struct azure {
	const char *resource; /* what a token is for: "https://vault.azure.net" */
	const char *tenant, *client, *authority, *endpoint, *metadata, *identity;
	struct vk_server_tls tls;
	struct vk_secret token;
};

static void
clear(struct azure *z)
{
	vk_secret_clear(&z->token);
}

static void
settings(struct vk_ask *a, struct azure *z)
{
	z->resource = vk_cloud_setting(a, "resource", "https://vault.azure.net");
	z->tenant = vk_cloud_setting(a, "tenant", NULL);
	z->client = vk_cloud_setting(a, "client-id", NULL);
	z->authority = vk_cloud_setting(a, "authority", "https://login.microsoftonline.com");
	z->endpoint = vk_cloud_setting(a, "endpoint", NULL);
	z->metadata = vk_cloud_setting(a, "metadata-endpoint", "http://169.254.169.254");
	z->identity = vk_cloud_setting(a, "identity-endpoint", NULL);
	(void)!vk_ask_get(a, "identity-header");
	(void)!vk_ask_get(a, "client-secret");
	(void)!vk_identity_have(a);
	vk_http_tls(a, &z->tls);
}

static enum vk_err
ask_token(struct azure *z, const char *who, const struct vk_http *h)
{
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	enum vk_err e = vk_cloud_login(who, h, &j);

	return e == VK_OK ? vk_cloud_token(who, vk_cloud_member(j, "access_token"), &z->token) : e;
}

/* https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow */
static enum vk_err
from_client(struct vk_ask *a, struct azure *z)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret proof = { NULL, 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf form = VK_BUF_SECRET(VK_CLOUD_TOKEN_MAX), url = VK_BUF(2048);
	VK_CLEANUP(vk_freep) char *scope = vk_asprintf("%s/.default", z->resource);
	struct vk_http h = { .method = "POST", .again = true, .tls = z->tls,
		.headers = { "Content-Type: application/x-www-form-urlencoded" } };
	bool is_secret = vk_cloud_setting(a, "client-secret", NULL);
	enum vk_err e = scope ? VK_OK : VK_ENOMEM;

	if (e == VK_OK)
		e = is_secret ? vk_ask_secret(a, "client-secret", &proof) :
		    vk_identity_token(a, "api://AzureADTokenExchange", &proof);
	if (e == VK_OK && !vk_cloud_is_word(z->tenant, "-."))
		e = vk_fail(VK_EPROTO, "tenant is the id or the domain of one");
	if (e == VK_OK)
		e = vk_http_url(&url, z->authority, "/%s/oauth2/v2.0/token", z->tenant);
	if (e != VK_OK)
		return e;
	vk_cloud_form(&form, "grant_type", "client_credentials");
	vk_cloud_form(&form, "client_id", z->client);
	vk_cloud_form(&form, "scope", scope);
	if (!is_secret)
		vk_cloud_form(&form, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
	if ((e = vk_cloud_form(&form, is_secret ? "client_secret" : "client_assertion", proof.p)) != VK_OK)
		return e;
	h.url = url.p;
	h.body = form.p;
	h.n_body = form.len;
	return ask_token(z, entra, &h);
}

/* https://learn.microsoft.com/en-us/azure/app-service/overview-managed-identity#rest-endpoint-reference */
static enum vk_err
from_app_service(struct vk_ask *a, struct azure *z)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret secret = { NULL, 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(4096), header = VK_BUF_SECRET(4096);
	struct vk_http h = { .method = "GET", .again = true, .metadata = true };
	enum vk_err e = vk_ask_secret(a, "identity-header", &secret);

	if (e != VK_OK)
		return e;
	vk_buf_fmt(&url, "%s?", z->identity);
	vk_cloud_form(&url, "resource", z->resource);
	vk_cloud_form(&url, "api-version", "2019-08-01");
	if (z->client)
		vk_cloud_form(&url, "client_id", z->client);
	vk_buf_str(&header, "X-IDENTITY-HEADER: ");
	if ((e = vk_buf_add(&header, secret.p, secret.n)) == VK_OK)
		e = url.err;
	h.url = url.p;
	h.headers[0] = header.p;
	return e == VK_OK ? ask_token(z, managed, &h) : e;
}

/* https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token */
static enum vk_err
from_machine(struct azure *z)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(4096);
	struct vk_http h = { .method = "GET", .again = true, .metadata = true, .headers = { "Metadata: true" } };
	enum vk_err e = vk_http_url(&url, z->metadata, "/metadata/identity/oauth2/token?");

	vk_cloud_form(&url, "api-version", "2018-02-01");
	vk_cloud_form(&url, "resource", z->resource);
	if (z->client)
		vk_cloud_form(&url, "client_id", z->client);
	h.url = url.p;
	if (e == VK_OK && (e = url.err) == VK_OK && (e = ask_token(z, managed, &h)) != VK_OK)
		vk_fail(e,
		    "no login: no tenant and client-id with client-secret or an identity token, no App Service; %s",
		    vk_reason());
	return e;
}

static enum vk_err
login(struct vk_ask *a, struct azure *z)
{
	bool proof = vk_cloud_setting(a, "client-secret", NULL) || vk_identity_have(a);

	if (z->tenant && z->client && proof)
		return from_client(a, z);
	if (z->identity && vk_cloud_setting(a, "identity-header", NULL))
		return from_app_service(a, z);
	return from_machine(z);
}

/* The vault's name becomes a part of a host's name, so it is what Azure lets it be. */
static enum vk_err
secret_url(const struct azure *z, char *ref, struct vk_buf *out)
{
	char *name = strchr(ref, '/'), *version = name ? strchr(name + 1, '/') : NULL;

	if (name)
		*name++ = '\0';
	if (version)
		*version++ = '\0';
	if (!name || !vk_cloud_is_word(ref, "-") || !vk_cloud_is_word(name, "-") ||
	    (version && !vk_cloud_is_word(version, "")))
		return vk_fail(VK_EPROTO, "this is not VAULT/NAME or VAULT/NAME/VERSION");
	if (z->endpoint)
		(void)!vk_http_url(out, z->endpoint, "/secrets/");
	else
		vk_buf_fmt(out, "https://%s.%s/secrets/", ref,
		    strstr(z->resource, "://") ? strstr(z->resource, "://") + 3 : "");
	return vk_buf_fmt(out, "%s%s%s?api-version=7.4", name, version ? "/" : "", version ? version : "");
}

/* https://learn.microsoft.com/en-us/rest/api/keyvault/secrets/get-secret/get-secret */
enum vk_err
vk_azure_get(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(clear) struct azure z = { .token = { NULL, 0 } };
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(4096), bearer = VK_BUF_SECRET(VK_CLOUD_TOKEN_MAX);
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	struct vk_http h = { .method = "GET", .again = true };
	struct vk_cloud_ref ref;
	const json_t *value, *ends;
	enum vk_err e = vk_cloud_ref(a, &ref);

	settings(a, &z);
	h.tls = z.tls;
	if (e == VK_OK && (e = secret_url(&z, ref.name, &url)) == VK_OK)
		e = vk_ask_all_used(a);
	if (e == VK_OK && (e = login(a, &z)) == VK_OK)
		e = vk_cloud_bearer(&bearer, &z.token);
	h.url = url.p;
	h.headers[0] = bearer.p;
	if (e == VK_OK)
		e = vk_cloud_ask(vault, &h, &j);
	if (e != VK_OK)
		return e;
	value = json_object_get(j, "value");
	if (!json_is_string(value))
		return vk_cloud_strange(vault);
	ends = json_object_get(json_object_get(j, "attributes"), "exp");
	if ((e = vk_cloud_answer(out, vault, &ref, json_string_value(value), json_string_length(value))) == VK_OK &&
	    json_is_integer(ends) && json_integer_value(ends) >= 0)
		e = vk_buf_fmt(out, "expires=%lld\n", (long long)json_integer_value(ends));
	return e;
}
