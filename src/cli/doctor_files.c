/* SPDX-License-Identifier: ISC */
/* Where tools keep credentials in clear. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/secret.h"
#include "cli/doctor.h"

/*
 * A place: ${env} names the file, else it is ${dir_env}/${file}, else ~/${dir}/${file}; with none of
 * them it is in the current directory.
 */
static const struct place {
	const char *env, *dir_env, *dir, *file;
	vk_doctor_scan *scan;
} places[] = {
	{ "NPM_CONFIG_USERCONFIG", NULL, ".", ".npmrc", vk_doctor_scan_npmrc },
	{ NULL, NULL, NULL, ".npmrc", vk_doctor_scan_npmrc },
	{ "NETRC", NULL, ".", ".netrc", vk_doctor_scan_netrc },
	{ NULL, NULL, ".", ".git-credentials", vk_doctor_scan_urls },
	{ NULL, "XDG_CONFIG_HOME", ".config", "git/credentials", vk_doctor_scan_urls },
	{ "GIT_CONFIG_GLOBAL", NULL, ".", ".gitconfig", vk_doctor_scan_git },
	{ NULL, "XDG_CONFIG_HOME", ".config", "git/config", vk_doctor_scan_git },
	{ NULL, NULL, NULL, ".git/config", vk_doctor_scan_git },
	{ NULL, "DOCKER_CONFIG", ".docker", "config.json", vk_doctor_scan_docker },
	{ "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", NULL, "containers/auth.json", vk_doctor_scan_docker },
	{ NULL, NULL, ".", ".pypirc", vk_doctor_scan_pypirc },
	{ NULL, "CARGO_HOME", ".cargo", "credentials.toml", vk_doctor_scan_cargo },
	{ NULL, NULL, ".", ".m2/settings.xml", vk_doctor_scan_maven },
};

static const char *
absolute(const char *env)
{
	const char *v = env ? getenv(env) : NULL;

	return v && *v == '/' ? v : NULL;
}

/* NULL: this place does not exist here. */
static char *
path_of(const struct place *p)
{
	const char *v;

	if ((v = absolute(p->env)))
		return vk_strdup(v);
	if ((v = absolute(p->dir_env)))
		return vk_asprintf("%s/%s", v, p->file);
	if (p->dir_env && !p->dir)
		return NULL;
	if (!p->dir)
		return vk_asprintf("./%s", p->file);
	if (!(v = absolute("HOME")))
		return NULL;
	return strcmp(p->dir, ".") == 0 ? vk_asprintf("%s/%s", v, p->file)
					: vk_asprintf("%s/%s/%s", v, p->dir, p->file);
}

/* Has a file of this device and number been looked at already?  "./.npmrc" may be "~/.npmrc". */
static bool
seen(struct stat *list, size_t *n, const struct stat *st)
{
	for (size_t i = 0; i < *n; i++)
		if (list[i].st_dev == st->st_dev && list[i].st_ino == st->st_ino)
			return true;
	list[(*n)++] = *st;
	return false;
}

static void
look(struct vk_doctor *d, const struct place *p, const char *path, struct stat *list, size_t *n_list)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_MAX_FILE);
	VK_CLEANUP(vk_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t before = d->findings;
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return;
	if (fd < 0 || fstat(fd, &st) < 0 || (S_ISREG(st.st_mode) && !seen(list, n_list, &st) &&
		vk_buf_read(&text, fd) != VK_OK)) {
		vk_doctor_add(d, VK_DOCTOR_NOTE, "plaintext", "%s cannot be read, so was not looked at", path);
		vk_reason_clear();
		return;
	}
	if (text.len == 0)
		return;
	p->scan(d, path, text.p, text.len);
	if (d->findings > before && (st.st_mode & (S_IRGRP | S_IROTH))) {
		vk_doctor_add(d, VK_DOCTOR_FINDING, "plaintext", "others can read %s", path);
		vk_doctor_fix(d, "chmod 600 %s", path);
	}
}

void
vk_doctor_files(struct vk_doctor *d)
{
	struct stat list[VK_COUNT(places)];
	size_t n_list = 0, before = d->findings;

	for (size_t i = 0; i < VK_COUNT(places); i++) {
		VK_CLEANUP(vk_freep) char *path = path_of(&places[i]);

		if (path)
			look(d, &places[i], path, list, &n_list);
	}
	if (d->findings == before)
		vk_doctor_add(d, VK_DOCTOR_OK, "plaintext", "no credentials in clear in the usual files");
}

/* Variables that tools and platforms use for secrets. */
static const char *const variables[] = {
	"NPM_TOKEN", "NODE_AUTH_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN",
	"DOCKER_AUTH_CONFIG", "VAULT_TOKEN", "CARGO_REGISTRY_TOKEN", "TWINE_PASSWORD", "COMPOSER_AUTH",
	"AWS_SECRET_ACCESS_KEY", "HUGGING_FACE_HUB_TOKEN",
};

static bool
holds_secret(const char *name)
{
	VK_CLEANUP(vk_freep) char *lower = vk_strdup(name);

	for (size_t i = 0; i < VK_COUNT(variables); i++)
		if (strcmp(name, variables[i]) == 0)
			return true;
	if (!lower)
		return false;
	vk_str_lower(lower);
	return vk_str_starts(lower, "npm_config_//") || vk_str_starts(lower, "npm_config__auth") ||
	    (vk_str_starts(name, "CARGO_REGISTRIES_") && vk_str_ends(name, "_TOKEN"));
}

void
vk_doctor_environment(struct vk_doctor *d)
{
	size_t before = d->findings;

	for (char **v = environ; *v; v++) {
		const char *eq = strchr(*v, '=');
		VK_CLEANUP(vk_freep) char *name = eq ? strndup(*v, (size_t)(eq - *v)) : NULL;

		if (name && eq[1] && holds_secret(name))
			vk_doctor_plaintext(d, "environment", "", 0, name);
	}
	if (d->findings == before)
		vk_doctor_add(d, VK_DOCTOR_OK, "environment", "no well-known variable with a secret is set");
}
