/* SPDX-License-Identifier: ISC */
/* Tokens of a GitHub App's installation: "OWNER[/REPOSITORY]". */
#include <string.h>
#include <time.h>

#include "cloud.h"
#include "sign.h"

enum { PEM_MAX = 32 * 1024 };

static const char github[] = "GitHub";

struct app {
	const char *endpoint, *id, *installation, *permissions;
	struct vk_server_tls tls;
	struct vk_buf bearer; /* of the app itself */
};

static void
clear(struct app *p)
{
	vk_buf_clear(&p->bearer);
}

/* https://docs.github.com/en/apps, "Generating a JSON Web Token (JWT) for a GitHub App" */
static enum vk_err
sign_in(struct app *p, const char *key)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf pem = VK_BUF_SECRET(PEM_MAX), claims = VK_BUF(512);
	long long now = (long long)time(NULL);
	enum vk_err e = vk_cloud_file(key, &pem);

	/* A minute earlier and later for clocks that differ; ten minutes are the most. */
	vk_buf_fmt(&claims, "{\"iat\":%lld,\"exp\":%lld,\"iss\":\"%s\"}", now - 60, now + 540, p->id);
	vk_buf_str(&p->bearer, "Authorization: Bearer ");
	if (e == VK_OK && (e = claims.err) == VK_OK)
		e = vk_jwt_rs256(&pem, NULL, claims.p, &p->bearer);
	return e;
}

static enum vk_err
ask(const struct app *p, const char *method, const char *path, const struct vk_buf *body, json_t **ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(2048);
	struct vk_http h = { .method = method, .again = true, .tls = p->tls, .body = body ? body->p : NULL,
		.n_body = body ? body->len : 0,
		.headers = { "Accept: application/vnd.github+json", "X-GitHub-Api-Version: 2022-11-28", p->bearer.p,
			body ? "Content-Type: application/json" : NULL } };
	enum vk_err e = vk_http_url(&url, p->endpoint, "%s", path);

	h.url = url.p;
	return e == VK_OK ? vk_cloud_ask(github, &h, ret) : e;
}

/* Where the app is installed: at the repository, or for the organisation, or for the person. */
static enum vk_err
find(const struct app *p, const char *owner, const char *repository, json_int_t *ret)
{
	static const char *const kinds[] = { "repos", "orgs", "users" };
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	size_t first = repository ? 0 : 1, end = repository ? 1 : VK_COUNT(kinds);
	enum vk_err e = VK_ENOENT;
	json_int_t id;

	for (size_t i = first; e == VK_ENOENT && i < end; i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf path = VK_BUF(1024);

		e = vk_buf_fmt(&path, "/%s/%s%s%s/installation", kinds[i], owner, repository ? "/" : "",
		    repository ? repository : "");
		if (e == VK_OK)
			e = ask(p, "GET", path.p, NULL, &j);
	}
	if (e == VK_ENOENT)
		return vk_fail(VK_EPOLICY, "%s says that the app is not installed there (404)", github);
	if (e != VK_OK)
		return e;
	if ((id = json_integer_value(json_object_get(j, "id"))) <= 0)
		return vk_cloud_strange(github);
	*ret = id;
	return VK_OK;
}

/* "contents=read, packages=write" as members of an object. */
static enum vk_err
add_permissions(struct vk_buf *out, const char *list)
{
	VK_CLEANUP(vk_freep) char *copy = vk_strdup(list);
	char *rest = copy, *word;

	if (!copy)
		return VK_ENOMEM;
	while ((word = strsep(&rest, ", "))) {
		char *level = strchr(word, '=');

		if (!*word)
			continue;
		if (level)
			*level++ = '\0';
		if (!level || !vk_cloud_is_word(word, "_") || !vk_cloud_is_word(level, ""))
			return vk_fail(VK_EPROTO, "permissions are written as contents=read, packages=write");
		vk_buf_fmt(out, "%s\"%s\":\"%s\"", out->p[out->len - 1] == '{' ? "" : ",", word, level);
	}
	return out->err;
}

/* What is asked for, so that the token can do no more. */
static enum vk_err
make_body(const struct app *p, const char *repository, struct vk_buf *out)
{
	enum vk_err e = VK_OK;

	vk_buf_char(out, '{');
	if (repository)
		vk_buf_fmt(out, "\"repositories\":[\"%s\"]%s", repository, p->permissions ? "," : "");
	if (p->permissions) {
		vk_buf_str(out, "\"permissions\":{");
		e = add_permissions(out, p->permissions);
		vk_buf_char(out, '}');
	}
	return e == VK_OK ? vk_buf_char(out, '}') : e;
}

/* https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app */
static enum vk_err
make_token(const struct app *p, const char *repository, json_int_t installation, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf path = VK_BUF(1024), body = VK_BUF(4096);
	VK_CLEANUP(vk_secret_clear) struct vk_secret token = { NULL, 0 };
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	int64_t expires;
	enum vk_err e = make_body(p, repository, &body);

	vk_buf_fmt(&path, "/app/installations/%lld/access_tokens", (long long)installation);
	if (e == VK_OK && (e = path.err) == VK_OK)
		e = ask(p, "POST", path.p, &body, &j);
	if (e == VK_ENOENT)
		return VK_EPOLICY;
	if (e == VK_OK)
		e = vk_cloud_token(github, vk_cloud_member(j, "token"), &token);
	if (e != VK_OK)
		return e;
	if (!vk_cloud_time(vk_cloud_member(j, "expires_at"), &expires))
		return vk_cloud_strange(github);
	return vk_cloud_answer_until(out, &token, expires);
}

static enum vk_err
settings(struct vk_ask *a, struct app *p, const char **ret_key, json_int_t *ret_installation)
{
	const char *installation = vk_cloud_setting(a, "installation", NULL);
	uint64_t id = 0;

	p->endpoint = vk_cloud_setting(a, "endpoint", "https://api.github.com");
	p->permissions = vk_cloud_setting(a, "permissions", NULL);
	p->id = vk_cloud_setting(a, "app-id", NULL);
	*ret_key = vk_cloud_setting(a, "private-key", NULL);
	vk_http_tls(a, &p->tls);
	if (!p->id || !vk_cloud_is_word(p->id, ".-_") || !*ret_key)
		return vk_fail(VK_EPROTO, "say app-id and private-key in [server NAME]");
	if (installation && (vk_str_u64(installation, INT64_MAX, &id) != VK_OK || id == 0))
		return vk_fail(VK_EPROTO, "installation is a number");
	*ret_installation = (json_int_t)id;
	return vk_ask_all_used(a);
}

enum vk_err
vk_github_app_get(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(clear) struct app p = { .bearer = VK_BUF_SECRET(8192) };
	struct vk_cloud_ref ref;
	const char *key = NULL;
	char *repository;
	json_int_t installation = 0;
	enum vk_err e = vk_cloud_ref(a, &ref);

	if (e != VK_OK)
		return e;
	if ((repository = strchr(ref.name, '/')))
		*repository++ = '\0';
	if (ref.field || !vk_cloud_is_word(ref.name, "-_") ||
	    (repository && (!vk_cloud_is_word(repository, ".-_") || *repository == '.')))
		return vk_fail(VK_EPROTO, "this is not OWNER or OWNER/REPOSITORY");
	if ((e = settings(a, &p, &key, &installation)) == VK_OK)
		e = sign_in(&p, key);
	if (e == VK_OK && installation == 0)
		e = find(&p, ref.name, repository, &installation);
	return e == VK_OK ? make_token(&p, repository, installation, out) : e;
}
