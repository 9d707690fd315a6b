/* SPDX-License-Identifier: ISC */
/*
 * Well-known variables of CI platforms.  The variable with the secret says nothing about where it
 * may go, so the host always comes from another variable that the platform itself sets; without
 * that one the secret goes nowhere.
 *
 *	GitHub Actions  docs.github.com, "Variables reference" and "Automatic token authentication"
 *	GitLab CI/CD    docs.gitlab.com, "Predefined CI/CD variables reference" and "CI/CD job token"
 */
#include <string.h>

#include "valetkey/source.h"
#include "policy/ci.h"

static const char *
variable(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

enum vk_err
vk_ci_offer(struct vk_ci *ci, const char *token, const char *user, const struct vk_scope *scope,
    struct vk_cred **ret_cred)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = vk_cred_new();
	struct vk_scope own;
	enum vk_err e;

	if (!c || (e = vk_scope_copy(scope, &own)) != VK_OK)
		return VK_ENOMEM;
	vk_scope_clear(&c->scope);
	c->scope = own;
	c->kind = *user ? VK_KIND_BASIC : VK_KIND_BEARER;
	if ((e = vk_cred_set(&c->name, token)) != VK_OK ||
	    (e = vk_cred_set(&c->username, user)) != VK_OK ||
	    (e = vk_cred_set(&c->authtype, *user ? "" : "Bearer")) != VK_OK)
		return e;
	/* The secret is read last, so that one that is no use does not fail what it does not concern. */
	if (ci->query && !vk_cred_matches(c, ci->query))
		return VK_OK;
	if ((e = vk_source_env(token, &c->secret)) != VK_OK ||
	    (e = vk_cred_list_add(ci->list, c)) != VK_OK)
		return e;
	if (ret_cred)
		*ret_cred = c;
	c = NULL;
	return VK_OK;
}

/* Offer for a scope that was just parsed, and release it. */
static enum vk_err
offer(struct vk_ci *ci, const char *token, const char *user, enum vk_err parsed, struct vk_scope *s)
{
	/* A host that does not parse is none that could be asked for: nothing is offered. */
	if (parsed == VK_EPROTO) {
		vk_reason_clear();
		return VK_OK;
	}
	if (parsed == VK_OK) {
		parsed = vk_ci_offer(ci, token, user, s, NULL);
		vk_scope_clear(s);
	}
	return parsed;
}

static enum vk_err
offer_host(struct vk_ci *ci, const char *token, const char *user, const char *scheme,
    const char *hostport)
{
	struct vk_scope s;
	enum vk_err e = vk_scope_make(scheme, hostport, NULL, &s);

	return offer(ci, token, user, e, &s);
}

static enum vk_err
offer_url(struct vk_ci *ci, const char *token, const char *user, const char *url)
{
	struct vk_scope s;
	enum vk_err e = vk_scope_parse(url, &s, NULL);

	return offer(ci, token, user, e, &s);
}

/*
 * The package registries of a GitHub server: github.com has its own names, another server
 * (Enterprise Server, data residency) has them as subdomains of its own name.
 */
static const struct {
	const char *host;      /* of github.com */
	const char *subdomain; /* of any other server */
	const char *user;      /* npm takes bearer tokens only */
} github_packages[] = {
	{ "npm.pkg.github.com", "npm", "" },
	{ "ghcr.io", "containers", "x-access-token" },
	{ "docker.pkg.github.com", "docker", "x-access-token" },
	{ "maven.pkg.github.com", "maven", "x-access-token" },
	{ "nuget.pkg.github.com", "nuget", "x-access-token" },
	{ "rubygems.pkg.github.com", "rubygems", "x-access-token" },
};

static enum vk_err
github(struct vk_ci *ci)
{
	const char *url = variable("GITHUB_TOKEN") ? variable("GITHUB_SERVER_URL") : NULL;
	VK_CLEANUP(vk_freep) char *server = NULL;
	struct vk_scope s;
	enum vk_err e;

	if (!url)
		return VK_OK;
	if ((e = offer_url(ci, "GITHUB_TOKEN", "x-access-token", url)) != VK_OK)
		return e;
	if (vk_scope_parse(url, &s, NULL) != VK_OK) {
		vk_reason_clear();
		return VK_OK;
	}
	server = VK_TAKE(s.host);
	vk_scope_clear(&s);
	for (size_t i = 0; i < VK_COUNT(github_packages) && e == VK_OK; i++) {
		VK_CLEANUP(vk_freep) char *host = strcmp(server, "github.com") == 0
		    ? vk_strdup(github_packages[i].host)
		    : vk_asprintf("%s.%s", github_packages[i].subdomain, server);

		if (!host)
			return VK_ENOMEM;
		e = offer_host(ci, "GITHUB_TOKEN", github_packages[i].user, "https", host);
	}
	return e;
}

static enum vk_err
gitlab(struct vk_ci *ci)
{
	VK_CLEANUP(vk_freep) char *hostport = NULL;
	const char *host, *port, *scheme, *v;
	enum vk_err e = VK_OK;

	if (!variable("CI_JOB_TOKEN"))
		return VK_OK;
	if ((host = variable("CI_SERVER_HOST"))) {
		scheme = variable("CI_SERVER_PROTOCOL");
		port = variable("CI_SERVER_PORT");
		hostport = vk_asprintf("%s%s%s", host, port ? ":" : "", port ? port : "");
		if (!hostport)
			return VK_ENOMEM;
		e = offer_host(ci, "CI_JOB_TOKEN", "gitlab-ci-token", scheme ? scheme : "https", hostport);
	}
	if (e == VK_OK && (v = variable("CI_REGISTRY")))
		e = offer_host(ci, "CI_JOB_TOKEN", "gitlab-ci-token", "https", v);
	/* The npm endpoints are /projects/ID/..., /groups/ID/... and /packages/npm below this. */
	if (e == VK_OK && (v = variable("CI_API_V4_URL")))
		e = offer_url(ci, "CI_JOB_TOKEN", "", v);
	return e;
}

static enum vk_err
offer_all(struct vk_ci *ci)
{
	enum vk_err e = github(ci);

	if (e == VK_OK)
		e = gitlab(ci);
	return e == VK_OK ? vk_ci_npm(ci) : e;
}

enum vk_err
vk_ci_find(const struct vk_query *q, struct vk_cred **ret_cred)
{
	struct vk_cred_list l = { 0 };
	struct vk_ci ci = { .query = q, .list = &l };
	enum vk_err e = offer_all(&ci);
	size_t best = 0;

	for (size_t i = 1; i < l.n; i++)
		if (strlen(l.v[i]->scope.path) > strlen(l.v[best]->scope.path))
			best = i;
	if (e == VK_OK && l.n > 0)
		*ret_cred = VK_TAKE(l.v[best]);
	vk_cred_list_clear(&l);
	return e;
}

enum vk_err
vk_ci_all(struct vk_cred_list *ret_list)
{
	struct vk_cred_list l = { 0 };
	struct vk_ci ci = { .query = NULL, .list = &l };
	enum vk_err e = offer_all(&ci);

	if (e == VK_OK)
		*ret_list = l;
	else
		vk_cred_list_clear(&l);
	return e;
}
