/* SPDX-License-Identifier: ISC */
/* Files of a workspace that hold credentials by their names, read as doctor reads those of the home directory. */
#include <string.h>

#include "cli/lint.h"

static vk_doctor_scan scan_env, scan_key, scan_lines;

/*
 * The first that fits the end of a path, at a '/'.  ${id}: for messages, and what "valetkey import" calls it if
 * ${import}.
 */
static const struct cred {
	const char *file, *id;
	bool import;
	vk_doctor_scan *scan;
} creds[] = {
	{ ".npmrc", "npmrc", true, vk_doctor_scan_npmrc },
	{ ".netrc", "netrc", true, vk_doctor_scan_netrc },
	{ "_netrc", "netrc", true, vk_doctor_scan_netrc },
	{ ".git-credentials", "git-credentials", true, vk_doctor_scan_urls },
	{ ".git/config", "git", false, vk_doctor_scan_git },
	{ ".gitconfig", "gitconfig", false, vk_doctor_scan_git },
	{ ".git", "git", false, NULL },
	{ ".pypirc", "pypirc", true, vk_doctor_scan_pypirc },
	{ "pip.conf", "pip.conf", false, scan_lines },
	{ "settings.xml", "settings.xml", false, vk_doctor_scan_maven },
	{ ".docker/config.json", "docker", true, vk_doctor_scan_docker },
	{ ".dockercfg", "docker", false, scan_lines },
	{ "auth.json", "auth.json", false, vk_doctor_scan_docker },
	{ ".cargo/credentials.toml", "cargo", false, vk_doctor_scan_cargo },
	{ ".env", "env", false, scan_env },
	{ "id_rsa", "ssh", false, scan_key },
	{ "id_ed25519", "ssh", false, scan_key },
	{ "id_ecdsa", "ssh", false, scan_key },
	{ "id_dsa", "ssh", false, scan_key },
	{ ".ssh", "ssh", false, NULL },
	{ ".aws/credentials", "aws", false, scan_lines },
};

static bool
is_sample(const char *name)
{
	static const char *const words[] = { "example", "sample", "template", "dist", "schema", "default" };

	for (size_t i = 0; i < VK_COUNT(words); i++)
		if (strstr(name, words[i]))
			return true;
	return false;
}

static const struct cred *
find(const char *path)
{
	static const struct cred env = { ".env.*", "env", false, scan_env };
	size_t n = strlen(path);
	const char *name;

	while (n > 1 && path[n - 1] == '/')
		n--;
	for (size_t i = 0; i < VK_COUNT(creds); i++) {
		size_t len = strlen(creds[i].file);

		if (n >= len && memcmp(path + n - len, creds[i].file, len) == 0 &&
		    (n == len || path[n - len - 1] == '/'))
			return &creds[i];
	}
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	return vk_str_starts(name, ".env.") && !is_sample(name) ? &env : NULL;
}

const char *
vk_lint_cred_name(const char *name)
{
	const struct cred *c = find(name);

	return c ? c->id : NULL;
}

/* NAME=VALUE lines, as in .env. */
static void
scan_env(struct vk_doctor *d, const char *path, const char *text, size_t n)
{
	for (const char *p = text, *end = text + n; p < end;) {
		size_t len = strcspn(p, "\n"), name, token;
		const char *s = p + strspn(p, " \t"), *v;

		if (vk_str_starts(s, "export "))
			s += strlen("export ");
		name = strcspn(s, "=\n#");
		v = s + name + (s[name] == '=');
		d->at = s;
		if (s[name] == '=' && (vk_lint_token(v, (size_t)(p + len - v), &token) ||
		    (vk_lint_secret_name(s, name) && *v != '$' && *v != '\r' &&
		    !vk_lint_no_secret(v, strcspn(v, " \t\r\n"))))) {
			VK_CLEANUP(vk_freep) char *key = strndup(s, name);

			vk_doctor_plaintext(d, path, "", 0, key ? key : "a variable");
		}
		d->at = NULL;
		p += len + 1;
	}
}

static void
scan_key(struct vk_doctor *d, const char *path, const char *text, size_t n)
{
	if (memmem(text, n, "PRIVATE KEY", strlen("PRIVATE KEY")))
		vk_doctor_plaintext(d, path, text, 0, "a private key");
}

/* URLs, "password = x", and what looks like a token. */
static void
scan_lines(struct vk_doctor *d, const char *path, const char *text, size_t n)
{
	for (const char *p = text, *end = text + n; p < end;) {
		size_t len = strcspn(p, "\n"), found, name;
		const char *s = p + strspn(p, " \t\""), *v;

		name = strcspn(s, "=:\" \t\n");
		v = s + name + strspn(s + name, " \t\"=:");
		d->at = p;
		if (*s != '#' && *s != ';' && vk_lint_url(p, len, &found))
			vk_doctor_plaintext(d, path, "", 0, "a URL with a password");
		else if (*s != '#' && *s != ';' && (vk_lint_token(p, len, &found) || (vk_lint_secret_name(s, name) &&
		    v < p + len &&
		    *v != '$' && *v != '{' && !vk_lint_no_secret(v, strcspn(v, " \t\r\n\"")))))
			vk_doctor_plaintext(d, path, "", 0, "a credential");
		d->at = NULL;
		p += len + 1;
	}
}

bool
vk_lint_scan(struct vk_lint *l, const char *path, const char *text, size_t n)
{
	VK_CLEANUP(vk_doctor_release) struct vk_doctor found = { .scanned = text, .scanned_n = n };
	const struct cred *c = find(path);

	if (!c || !c->scan)
		return false;
	c->scan(&found, path, text, n);
	l->d->failed |= found.failed;
	for (size_t i = 0; i < found.n && i < VK_LINT_MAX_CRED; i++) {
		struct vk_doctor_item *f = &found.v[i], *it;

		if (!vk_lint_add(l, VK_LINT_PLAIN, f->line ? f->line : 1, "%s%s%s in clear", f->key,
			*f->host ? " for " : "", f->host))
			continue;
		it = &l->d->v[l->d->n - 1];
		it->host = VK_TAKE(f->host);
		it->key = VK_TAKE(f->key);
		if (c->import)
			vk_doctor_fix(l->d, "valetkey import %s %s --wipe-source", c->id, path);
		else
			vk_doctor_fix(l->d,
			    "valetkey add, or a variable of the platform; then take it out, and replace it where it "
			    "was published");
	}
	return found.n > 0;
}
