/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "source/helper_call.h"
#include "valetkey/remote.h"

enum { HTTP_DEADLINE_MS = 60 * 1000 };

#define TEXT VK_SETTING_TEXT
#define PATH VK_SETTING_PATH
#define FILED VK_SETTING_FILE
#define SECRET VK_SETTING_SECRET

/* Who we are, for whom to tell: identity.h of valetkey-http.  GitHub's variables have no other name. */
#define IDENTITY                                                                       \
	{ SECRET, "jwt", { "" } }, { TEXT, "audience", { "" } },                   \
	{ SECRET, "oidc-url", { "ACTIONS_ID_TOKEN_REQUEST_URL" } },                    \
	{ SECRET, "oidc-token", { "ACTIONS_ID_TOKEN_REQUEST_TOKEN" } }

/* Names of variables: https://openbao.org/docs/commands/#environment-variables, which has the VAULT_ ones second. */
static const struct vk_setting vault[] = {
	{ TEXT, "address", { "BAO_ADDR", "VAULT_ADDR" } },
	{ TEXT, "nodes", { "" } },
	{ TEXT, "namespace", { "BAO_NAMESPACE", "VAULT_NAMESPACE" } },
	{ PATH, "ca", { "BAO_CACERT", "VAULT_CACERT" } },
	{ PATH, "certificate", { "BAO_CLIENT_CERT", "VAULT_CLIENT_CERT" } },
	{ FILED, "key", { "BAO_CLIENT_KEY", "VAULT_CLIENT_KEY" } },
	{ TEXT, "auth", { "" } },
	{ TEXT, "mount", { "" } },
	{ TEXT, "role", { "" } },
	{ SECRET, "token", { "BAO_TOKEN", "VAULT_TOKEN" } },
	{ SECRET, "role-id", { "" } },
	{ SECRET, "secret-id", { "" } },
	{ SECRET, "wrapped-secret-id", { "" } },
	{ FILED, "token-file", { "" } },
	IDENTITY,
	{ TEXT, "username", { "" } },
	{ SECRET, "password", { "" } },
	{ TEXT, "timeout", { "" } },
};

/* https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html */
#define AWS(own_endpoint)                                                              \
	{ TEXT, "endpoint", { own_endpoint, "AWS_ENDPOINT_URL" } },                    \
	{ TEXT, "sts-endpoint", { "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL" } },      \
	{ TEXT, "metadata-endpoint", { "AWS_EC2_METADATA_SERVICE_ENDPOINT" } },        \
	{ TEXT, "metadata-disabled", { "AWS_EC2_METADATA_DISABLED" } },                \
	{ TEXT, "region", { "AWS_REGION", "AWS_DEFAULT_REGION" } },                    \
	{ PATH, "ca", { "AWS_CA_BUNDLE" } },                                           \
	{ TEXT, "access-key", { "AWS_ACCESS_KEY_ID" } },                               \
	{ SECRET, "secret-key", { "AWS_SECRET_ACCESS_KEY" } },                         \
	{ SECRET, "session-token", { "AWS_SESSION_TOKEN" } },                          \
	{ TEXT, "role-arn", { "AWS_ROLE_ARN" } },                                      \
	{ TEXT, "session-name", { "AWS_ROLE_SESSION_NAME" } },                         \
	{ FILED, "token-file", { "AWS_WEB_IDENTITY_TOKEN_FILE" } },                     \
	IDENTITY,                                                                      \
	{ TEXT, "container-uri", { "AWS_CONTAINER_CREDENTIALS_FULL_URI" } },           \
	{ TEXT, "container-path", { "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" } },      \
	{ SECRET, "container-token", { "AWS_CONTAINER_AUTHORIZATION_TOKEN" } },        \
	{ FILED, "container-token-file", { "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" } }, \
	{ TEXT, "timeout", { "" } }

static const struct vk_setting aws_sm[] = { AWS("AWS_ENDPOINT_URL_SECRETS_MANAGER") };
static const struct vk_setting aws_codeartifact[] = { AWS("AWS_ENDPOINT_URL_CODEARTIFACT") };

/* https://docs.cloud.google.com/docs/authentication/application-default-credentials */
static const struct vk_setting gcp_sm[] = {
	{ TEXT, "endpoint", { "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER" } },
	{ TEXT, "sts-endpoint", { "" } },
	{ TEXT, "iam-endpoint", { "" } },
	{ TEXT, "token-endpoint", { "" } },
	{ TEXT, "metadata-host", { "GCE_METADATA_HOST" } },
	{ PATH, "ca", { "" } },
	{ FILED, "credentials", { "GOOGLE_APPLICATION_CREDENTIALS" } },
	{ TEXT, "provider", { "" } },
	{ TEXT, "service-account", { "" } },
	{ FILED, "token-file", { "" } },
	IDENTITY,
	{ TEXT, "timeout", { "" } },
};

/* https://learn.microsoft.com/en-us/azure/developer/go/sdk/authentication/credential-chains */
static const struct vk_setting azure_kv[] = {
	{ TEXT, "endpoint", { "" } },
	{ TEXT, "resource", { "" } },
	{ TEXT, "authority", { "AZURE_AUTHORITY_HOST" } },
	{ TEXT, "metadata-endpoint", { "" } },
	{ PATH, "ca", { "" } },
	{ TEXT, "tenant", { "AZURE_TENANT_ID" } },
	{ TEXT, "client-id", { "AZURE_CLIENT_ID" } },
	{ SECRET, "client-secret", { "AZURE_CLIENT_SECRET" } },
	{ FILED, "token-file", { "AZURE_FEDERATED_TOKEN_FILE" } },
	IDENTITY,
	{ TEXT, "identity-endpoint", { "IDENTITY_ENDPOINT" } },
	{ SECRET, "identity-header", { "IDENTITY_HEADER" } },
	{ TEXT, "timeout", { "" } },
};

static const struct vk_setting github_app[] = {
	{ TEXT, "endpoint", { "GITHUB_API_URL" } },
	{ TEXT, "app-id", { "" } },
	{ FILED, "private-key", { "" } },
	{ TEXT, "installation", { "" } },
	{ TEXT, "permissions", { "" } },
	{ PATH, "ca", { "" } },
	{ TEXT, "timeout", { "" } },
};

#define ROW(name, program, deadline, settings, holds) { name, program, deadline, settings, VK_COUNT(settings), holds }

static const struct vk_remote_store stores[] = {
	{ "secret-service", "secret-service", VK_HELPER_DEADLINE_MS, NULL, 0, false },
	ROW("vault", "http", HTTP_DEADLINE_MS, vault, true),
	ROW("aws-sm", "http", HTTP_DEADLINE_MS, aws_sm, false),
	ROW("aws-codeartifact", "http", HTTP_DEADLINE_MS, aws_codeartifact, false),
	ROW("gcp-sm", "http", HTTP_DEADLINE_MS, gcp_sm, false),
	ROW("azure-kv", "http", HTTP_DEADLINE_MS, azure_kv, false),
	ROW("github-app", "http", HTTP_DEADLINE_MS, github_app, false),
	/* Anybody's program: helper@NAME:WHAT asks valetkey-NAME. */
	{ "helper", NULL, VK_HELPER_DEADLINE_MS, NULL, 0, false },
};

const struct vk_remote_store *
vk_remote_store(const char *name)
{
	for (size_t i = 0; i < VK_COUNT(stores); i++)
		if (strcmp(stores[i].name, name) == 0)
			return &stores[i];
	return NULL;
}

const char *
vk_remote_names(void)
{
	static char all[128];

	for (size_t i = 0, n = 0; !*all || (i > 0 && i < VK_COUNT(stores)); i++)
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i > 0 ? ", " : "", stores[i].name);
	return all;
}

const struct vk_setting *
vk_remote_setting(const struct vk_remote_store *store, const char *name)
{
	for (size_t i = 0; i < store->n_settings; i++)
		if (strcmp(store->settings[i].name, name) == 0)
			return &store->settings[i];
	return NULL;
}

static enum vk_err
begin(struct vk_buf *b, const char *verb, const struct vk_remote *r)
{
	enum vk_err e = VK_OK;

	vk_buf_fmt(b, "%s\nstore=%s\nref=%s\n", verb, r->store->name, r->what);
	for (size_t i = 0; e == VK_OK && i < r->n_values; i++) {
		const struct vk_setting_value *v = &r->values[i];

		if (v->setting->kind == VK_SETTING_SECRET)
			e = vk_helper_put_secret(b, v->setting->name, v->secret->p, v->secret->n);
		else if (vk_str_has_control(v->text, strlen(v->text)))
			e = vk_fail(VK_EUSAGE, "the setting %s holds control characters", v->setting->name);
		else
			e = vk_buf_fmt(b, "%s=%s\n", v->setting->name, v->text);
	}
	return e == VK_OK && r->alone ? vk_buf_str(b, "alone=yes\n") : e;
}

static struct vk_helper
helper(const struct vk_remote *r)
{
	return (struct vk_helper){
		.program = r->program ? r->program : r->store->program,
		.none = "has no such secret",
		.deadline_ms = r->store->deadline_ms,
		.hold = r->hold && r->store->holds,
	};
}

enum vk_err
vk_remote_get(const struct vk_remote *r, struct vk_secret *ret_secret, int64_t *ret_expires)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_HELPER_REQUEST_MAX);
	VK_CLEANUP(vk_buf_clear) struct vk_buf answer = VK_BUF_SECRET(VK_HELPER_ANSWER_MAX);
	struct vk_helper_attr attrs[] = { { .name = "secret", .needed = true }, { .name = "expires" } };
	const struct vk_helper h = helper(r);
	int64_t expires = 0;
	enum vk_err e = begin(&b, "get-secret", r);

	if (e == VK_OK && h.hold)
		e = vk_buf_str(&b, "hold=yes\n");
	if (e == VK_OK)
		e = vk_helper_ask(&h, &b, &answer, attrs, VK_COUNT(attrs));
	if (e == VK_OK)
		e = vk_helper_take_number(&h, &attrs[1], &expires);
	if (e == VK_OK && (e = vk_helper_take_secret(&h, &attrs[0], r->store->name, ret_secret)) == VK_OK)
		*ret_expires = expires;
	return e;
}

void
vk_remote_let_go(void)
{
	vk_helper_let_go();
}

enum vk_err
vk_remote_put(const struct vk_remote *r, const char *label, const struct vk_secret *secret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_HELPER_REQUEST_MAX);
	VK_CLEANUP(vk_buf_clear) struct vk_buf answer = VK_BUF(VK_HELPER_ANSWER_MAX);
	const struct vk_helper h = helper(r);
	enum vk_err e;

	if (vk_str_has_control(label, strlen(label)))
		return vk_fail(VK_EUSAGE, "a label holds control characters");
	if ((e = begin(&b, "put-secret", r)) == VK_OK && *label)
		e = vk_buf_fmt(&b, "label=%s\n", label);
	if (e == VK_OK)
		e = vk_helper_put_secret(&b, "secret", secret->p, secret->n);
	return e == VK_OK ? vk_helper_ask(&h, &b, &answer, NULL, 0) : e;
}

enum vk_err
vk_remote_remove(const struct vk_remote *r)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF_SECRET(VK_HELPER_REQUEST_MAX);
	VK_CLEANUP(vk_buf_clear) struct vk_buf answer = VK_BUF(VK_HELPER_ANSWER_MAX);
	const struct vk_helper h = helper(r);
	enum vk_err e = begin(&b, "remove-secret", r);

	return e == VK_OK ? vk_helper_ask(&h, &b, &answer, NULL, 0) : e;
}
