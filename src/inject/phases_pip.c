/* SPDX-License-Identifier: ISC */
/*
 * pip has no way to fetch without building: a wheel may ask for a package by URL, and that is built whatever
 * "--only-binary" says; so the kernel keeps it from starting anything (noexec.h).  And it downloads only: what is
 * installed beside pip may be a module that pip itself loads a moment later.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "command.h"
#include "phases_words.h"

/* What "pip download" knows too, and what is about installing. */
static const struct vk_option pip_options[] = {
	{ "-r", true, BOTH }, { "--requirement", true, BOTH }, { "-c", true, BOTH }, { "--constraint", true, BOTH },
	{ "--no-deps", false, BOTH }, { "--pre", false, BOTH }, { "--no-binary", true, BOTH },
	{ "--only-binary", true, BOTH }, { "--prefer-binary", false, BOTH }, { "--require-hashes", false, BOTH },
	{ "--platform", true, BOTH }, { "--python-version", true, BOTH }, { "--implementation", true, BOTH },
	{ "--abi", true, BOTH }, { "--ignore-requires-python", false, BOTH }, { "--progress-bar", true, BOTH },
	{ "-i", true, BOTH }, { "--index-url", true, BOTH }, { "--extra-index-url", true, BOTH },
	{ "--no-index", false, BOTH }, { "-f", true, BOTH }, { "--find-links", true, BOTH }, { "-q", false, BOTH },
	{ "--quiet", false, BOTH }, { "-v", false, BOTH }, { "--verbose", false, BOTH }, { "--isolated", false, BOTH },
	{ "--require-virtualenv", false, BOTH }, { "--no-input", false, BOTH }, { "--keyring-provider", true, BOTH },
	{ "--proxy", true, BOTH }, { "--retries", true, BOTH }, { "--timeout", true, BOTH },
	{ "--trusted-host", true, BOTH }, { "--cert", true, BOTH }, { "--client-cert", true, BOTH },
	{ "--cache-dir", true, BOTH }, { "--no-cache-dir", false, BOTH },
	{ "--disable-pip-version-check", false, BOTH }, { "--no-color", false, BOTH },
	{ "--no-python-version-warning", false, BOTH }, { "--use-feature", true, BOTH },
	{ "--no-build-isolation", false, BOTH }, { "--use-deprecated", true, BOTH },
	{ "-U", false, SECOND }, { "--upgrade", false, SECOND }, { "--upgrade-strategy", true, SECOND },
	{ "--force-reinstall", false, SECOND }, { "-I", false, SECOND }, { "--ignore-installed", false, SECOND },
	{ "--user", false, SECOND }, { "-t", true, SECOND }, { "--target", true, SECOND }, { "--root", true, SECOND },
	{ "--prefix", true, SECOND }, { "--compile", false, SECOND }, { "--no-compile", false, SECOND },
	{ "--break-system-packages", false, SECOND }, { "--no-warn-script-location", false, SECOND },
	{ "--no-warn-conflicts", false, SECOND }, { "--root-user-action", true, SECOND }, { "--report", true, SECOND },
	{ NULL, false, BOTH },
};

/* A script for env, sh or bash, as pyenv's, starts the program that it is for. */
static enum vk_err
check_is_python(const char *path)
{
	VK_CLEANUP(vk_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char head[256], *at = head + 2, *base;
	ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof(head) - 1);

	if (n < 2 || head[0] != '#' || head[1] != '!')
		return VK_OK;
	head[n] = '\0';
	at += strspn(at, " \t");
	at[strcspn(at, " \t\n")] = '\0';
	base = strrchr(at, '/');
	if (vk_str_starts(base ? base + 1 : at, "py"))
		return VK_OK;
	vk_hint("name the interpreter itself, such as /usr/bin/python3 -m pip install ...");
	return vk_fail(VK_EUSAGE, "--two-phase lets pip start no other program, and %s is a script of %s, "
				  "which does", path, at);
}

/* ${value} is a variable's, a list of directories, or NULL. */
static enum vk_err
check_settings_in(const char *value, const char *file)
{
	for (const char *end; value && *value; value = end) {
		VK_CLEANUP(vk_freep) char *path = NULL;

		end = value + strcspn(value, ":");
		if (!(path = vk_asprintf("%.*s%s", (int)(end - value), value, file)))
			return VK_ENOMEM;
		if (vk_file_is_there(path) && vk_file_mentions(path, "[install]")) {
			vk_hint("put it under [global] there");
			return vk_fail(VK_EUSAGE, "--two-phase: pip download does not read what %s says under "
						  "[install]", path);
		}
		end += *end == ':';
	}
	return VK_OK;
}

/* An index that "pip install" alone is told of must not become the public one. */
static enum vk_err
check_settings(const char *program)
{
	const char *home = getenv("HOME"), *own = getenv("XDG_CONFIG_HOME"), *all = getenv("XDG_CONFIG_DIRS");
	VK_CLEANUP(vk_freep) char *prefix = vk_asprintf("%s/../..", program);
	enum vk_err e = prefix ? VK_OK : VK_ENOMEM;

	if (e == VK_OK) {
		/* Not by "..": the program may be a link out of its environment. */
		prefix[strlen(prefix) - strlen("/../..")] = '\0';
		for (int i = 0; i < 2 && strrchr(prefix, '/'); i++)
			*strrchr(prefix, '/') = '\0';
		e = check_settings_in(prefix, "/pip.conf");
	}
	if (e == VK_OK)
		e = check_settings_in(getenv("VIRTUAL_ENV"), "/pip.conf");
	if (e == VK_OK)
		e = check_settings_in(getenv("PIP_CONFIG_FILE"), "");
	if (e == VK_OK)
		e = check_settings_in("/etc", "/pip.conf");
	if (e == VK_OK)
		e = check_settings_in(all && *all ? all : "/etc/xdg", "/pip/pip.conf");
	if (e == VK_OK)
		e = check_settings_in(home, "/.pip/pip.conf");
	if (e == VK_OK)
		e = own && *own ? check_settings_in(own, "/pip/pip.conf") :
		    check_settings_in(home, "/.config/pip/pip.conf");
	return e;
}

static enum vk_err
make_dir(struct vk_phases *p)
{
	const char *top = getenv("TMPDIR");
	enum vk_err e;

	if (!(p->dir = vk_asprintf("%s/valetkey-pip.XXXXXX", top && *top == '/' ? top : "/tmp")))
		return VK_ENOMEM;
	if (vk_litter_dir(p->dir))
		return VK_OK;
	e = vk_fail_errno("cannot make %s for what pip fetches", p->dir);
	vk_freep(&p->dir);
	return e;
}

static enum vk_err
check_pip(char *const *command)
{
	VK_CLEANUP(vk_freep) char *path = NULL;
	int status;
	enum vk_err e = vk_command_find(command[0], &path, &status);

	/* Which is said when it is to be started. */
	if (e == VK_ENOENT)
		return VK_OK;
	if (e == VK_OK)
		e = check_is_python(path);
	return e == VK_OK ? check_settings(path) : e;
}

enum vk_err
vk_phases_pip(struct vk_phases *p, char *const *command)
{
	const char *slash = strrchr(command[0], '/'), *name = slash ? slash + 1 : command[0];
	size_t head = vk_str_starts(name, "pip") ? 1 : 3;
	struct vk_part first = VK_PART, second = VK_PART;
	enum vk_err e;

	if (head == 3 && !(command[1] && strcmp(command[1], "-m") == 0 && command[2] && strcmp(command[2], "pip") == 0))
		return VK_ENOENT;
	if (!command[head] || strcmp(command[head], "install") != 0)
		return VK_ENOENT;
	if ((e = check_pip(command)) != VK_OK || (e = make_dir(p)) != VK_OK)
		return e;
	for (size_t i = 0; i < head; i++) {
		vk_part_add(&first, command[i]);
		vk_part_add(&second, command[i]);
	}
	vk_part_add(&first, "download");
	vk_part_add(&first, "--dest");
	vk_part_add(&first, p->dir);
	vk_part_add(&second, "install");
	vk_part_add(&second, "--no-index");
	vk_part_add(&second, "--find-links");
	vk_part_add(&second, p->dir);
	e = vk_words_sort("pip", command + head + 1, pip_options, false, &first, &second);
	if (e == VK_OK)
		e = vk_part_end(&first, p);
	if (e == VK_OK)
		e = vk_part_end(&second, p);
	vk_part_drop(&first);
	vk_part_drop(&second);
	p->alone = true;
	return e;
}
