/* SPDX-License-Identifier: ISC */
/*
 * uv cannot do without other programs, since it asks each Python for its version, and the C library for its own.
 * It has "--no-build", which settings that name a package can take back: these are looked for.  The code of a wheel
 * runs in a Python that has it installed, and the first part starts none after that.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/secret.h"
#include "phases_words.h"

#define UV_OPTIONS \
	{ "--extra", true, BOTH }, { "--all-extras", false, BOTH }, { "--group", true, BOTH }, \
	{ "--index", true, BOTH }, { "--default-index", true, BOTH }, { "-i", true, BOTH }, \
	{ "--index-url", true, BOTH }, { "--extra-index-url", true, BOTH }, { "-f", true, BOTH }, \
	{ "--find-links", true, BOTH }, { "--index-strategy", true, BOTH }, { "--keyring-provider", true, BOTH }, \
	{ "--resolution", true, BOTH }, { "--prerelease", true, BOTH }, { "--exclude-newer", true, BOTH }, \
	{ "--link-mode", true, BOTH }, { "--cache-dir", true, BOTH }, { "--no-cache", false, BOTH }, \
	{ "-n", false, BOTH }, { "--python", true, BOTH }, { "-p", true, BOTH }, { "--managed-python", false, BOTH }, \
	{ "--no-managed-python", false, BOTH }, { "--no-python-downloads", false, BOTH }, \
	{ "--allow-insecure-host", true, BOTH }, { "--native-tls", false, BOTH }, { "--system-certs", false, BOTH }, \
	{ "--color", true, BOTH }, { "--no-progress", false, BOTH }, { "--no-sources", false, BOTH }, \
	{ "-q", false, BOTH }, { "--quiet", false, BOTH }, { "-v", false, BOTH }, { "--verbose", false, BOTH }, \
	{ "-U", false, FIRST }, { "--upgrade", false, FIRST }, { "-P", true, FIRST }, \
	{ "--upgrade-package", true, FIRST }, { "--refresh", false, FIRST }, { "--refresh-package", true, FIRST }, \
	{ "--reinstall", false, BOTH }, { "--reinstall-package", true, BOTH }, { "--no-build", false, SECOND }, \
	{ "--compile-bytecode", false, SECOND }, { "--no-compile-bytecode", false, SECOND }, { NULL, false, BOTH }

static const struct vk_option uv_project_options[] = {
	{ "--no-extra", true, BOTH }, { "--dev", false, BOTH }, { "--no-dev", false, BOTH },
	{ "--only-dev", false, BOTH },
	{ "--no-group", true, BOTH }, { "--only-group", true, BOTH }, { "--all-groups", false, BOTH },
	{ "--no-default-groups", false, BOTH }, { "--locked", false, BOTH }, { "--frozen", false, BOTH },
	{ "--active", false, BOTH }, { "--package", true, BOTH }, { "--all-packages", false, BOTH },
	{ "--no-editable", false, SECOND }, { "--inexact", false, SECOND },
	{ "--no-install-project", false, SECOND }, { "--no-install-workspace", false, SECOND },
	{ "--no-install-package", true, BOTH },
	UV_OPTIONS,
};
static const struct vk_option uv_pip_options[] = {
	{ "-r", true, BOTH }, { "--requirement", true, BOTH }, { "--requirements", true, BOTH }, { "-c", true, BOTH },
	{ "--constraint", true, BOTH }, { "--constraints", true, BOTH }, { "--override", true, BOTH },
	{ "--overrides", true, BOTH }, { "--no-deps", false, BOTH }, { "--require-hashes", false, BOTH },
	{ "--no-verify-hashes", false, BOTH }, { "--system", false, BOTH }, { "--break-system-packages", false, BOTH },
	{ "-t", true, BOTH }, { "--target", true, BOTH }, { "--prefix", true, BOTH },
	{ "--python-version", true, BOTH },
	{ "--python-platform", true, BOTH }, { "--exact", false, BOTH }, { "--strict", false, BOTH },
	UV_OPTIONS,
};

/* Whoever wants a package built whatever "--no-build" says is obeyed by uv. */
static enum vk_err
check_builds_nothing(const char *path)
{
	if (!vk_file_is_there(path) || (!vk_file_mentions(path, "no-binary") && !vk_file_mentions(path, "only-binary")))
		return VK_OK;
	return vk_fail(VK_EUSAGE, "--two-phase: what %s says of no-binary or only-binary makes uv build while it "
				  "fetches", path);
}

static enum vk_err
check_in(const char *dir, const char *file)
{
	VK_CLEANUP(vk_freep) char *path = dir && *dir ? vk_asprintf("%s%s", dir, file) : NULL;

	if (!dir || !*dir)
		return VK_OK;
	return path ? check_builds_nothing(path) : VK_ENOMEM;
}

/* A project's settings lie here or in a directory above. */
static enum vk_err
check_project(void)
{
	VK_CLEANUP(vk_freep) char *at = realpath(".", NULL);
	enum vk_err e = at ? VK_OK : vk_fail_errno("the working directory");

	while (e == VK_OK && *at) {
		if ((e = check_in(at, "/pyproject.toml")) == VK_OK)
			e = check_in(at, "/uv.toml");
		*strrchr(at, '/') = '\0';
	}
	if (e == VK_OK)
		e = check_builds_nothing("/pyproject.toml");
	return e == VK_OK ? check_builds_nothing("/uv.toml") : e;
}

static enum vk_err
check_uv_settings(void)
{
	static const char *const elsewhere[] = { "UV_PROJECT", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY" };
	const char *own = getenv("XDG_CONFIG_HOME"), *all = getenv("XDG_CONFIG_DIRS");
	enum vk_err e = check_project();

	for (size_t i = 0; e == VK_OK && i < VK_COUNT(elsewhere); i++)
		if (getenv(elsewhere[i]))
			e = vk_fail(VK_EUSAGE, "--two-phase: %s leads uv to a project that is not looked at",
			    elsewhere[i]);
	if (e == VK_OK)
		e = check_in(getenv("UV_CONFIG_FILE"), "");
	if (e == VK_OK)
		e = own && *own ? check_in(own, "/uv/uv.toml") : check_in(getenv("HOME"), "/.config/uv/uv.toml");
	if (e == VK_OK)
		e = check_builds_nothing("/etc/uv/uv.toml");
	if (e == VK_OK && all && strchr(all, ':'))
		return vk_fail(VK_EUSAGE, "--two-phase: XDG_CONFIG_DIRS has more directories than one");
	return e == VK_OK ? check_in(all && *all ? all : "/etc/xdg", "/uv/uv.toml") : e;
}

/* A requirements file may name others, and say what is to be built. */
static enum vk_err
check_requirements(const char *path, unsigned depth)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *slash = strrchr(path, '/');
	enum vk_err e = check_builds_nothing(path);

	if (e != VK_OK || fd < 0 || (e = vk_buf_read(&b, fd)) != VK_OK || (e = vk_buf_add(&b, "\n", 1)) != VK_OK)
		return e;
	for (char *at = b.p, *end; e == VK_OK && (end = memchr(at, '\n', b.len - (size_t)(at - b.p))); at = end + 1) {
		VK_CLEANUP(vk_freep) char *file = NULL;

		*end = '\0';
		at += strspn(at, " \t");
		if (!vk_str_starts(at, "-r") && !vk_str_starts(at, "-c") && !vk_str_starts(at, "--r") &&
		    !vk_str_starts(at, "--c"))
			continue;
		at += at[1] == '-' ? strcspn(at, "= \t") : 2;
		at += strspn(at, "= \t");
		at[strcspn(at, " \t\r")] = '\0';
		if (strstr(at, "://") || depth == 0)
			return vk_fail(VK_EUSAGE, "--two-phase: %s names requirements that are not looked at, %s",
			    path, at);
		file = *at == '/' || !slash ? vk_strdup(at) : vk_asprintf("%.*s/%s", (int)(slash - path), path, at);
		e = !file ? VK_ENOMEM : vk_file_is_there(file) ? check_requirements(file, depth - 1) : VK_OK;
	}
	return e;
}

static bool
is_for_files(const char *word)
{
	return vk_str_starts(word, "-r") || vk_str_starts(word, "-c") || vk_str_starts(word, "--requirement") ||
	    vk_str_starts(word, "--constraint") || vk_str_starts(word, "--override");
}

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Every word, or its part after "-r" or "=", that names a file. */
static enum vk_err
check_uv_words(char *const *args)
{
	enum { DEEP = 10 };
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && args[i]; i++) {
		bool asks = is_for_files(args[i]), attached = asks && args[i][1] != '-' && args[i][2];
		const char *equals = args[i][0] == '-' ? strchr(args[i], '=') : NULL;
		const char *word = equals ? equals + 1 : attached ? args[i] + 2 : args[i];

		/* A web page, or a pipe, may say anything. */
		if (asks && word == args[i] && args[i + 1])
			word = args[++i];
		if (strcmp(word, "-") == 0 || (asks && strstr(word, "://")))
			e = vk_fail(VK_EUSAGE, "--two-phase: requirements that are not looked at, %s", word);
		else if (vk_file_is_there(word) && !is_directory(word))
			e = check_requirements(word, DEEP);
	}
	return e;
}

/* As the words of a command line are: "UV_CONSTRAINT" and its like name files. */
static enum vk_err
check_uv_variables(void)
{
	static const char *const files[] = { "UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE", "UV_BUILD_CONSTRAINT" };
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < VK_COUNT(files); i++) {
		const char *value = getenv(files[i]);

		if (value && strpbrk(value, " \t:"))
			e = vk_fail(VK_EUSAGE, "--two-phase: %s has more than one file's name", files[i]);
		else if (value && vk_file_is_there(value))
			e = check_requirements(value, 0);
	}
	return e;
}

static enum vk_err
uv_parts(struct vk_phases *p, char *const *command, size_t head, struct vk_part *first, struct vk_part *second)
{
	bool pip = strcmp(command[1], "pip") == 0, runs = strcmp(command[1], "run") == 0;
	enum vk_err e;

	vk_part_add(first, command[0]);
	for (size_t i = 1; i < head; i++)
		vk_part_add(first, runs ? "sync" : command[i]);
	for (size_t i = 0; i < head; i++)
		vk_part_add(second, command[i]);
	vk_part_add(first, "--no-build");
	vk_part_add(first, "--no-compile-bytecode");
	if (pip)
		vk_part_add(second, "--offline");
	else
		vk_part_add(first, "--no-install-workspace");
	/* What the second part is to remove, it removes. */
	if (!pip)
		vk_part_add(first, "--inexact");
	e = vk_words_sort("uv", command + head, pip ? uv_pip_options : uv_project_options, runs, first, second);
	if (e == VK_OK)
		e = vk_part_end(first, p);
	return e == VK_OK ? vk_part_end(second, p) : e;
}

enum vk_err
vk_phases_uv(struct vk_phases *p, char *const *command)
{
	static const char *const project[] = { "sync", "run", NULL }, *const pip[] = { "install", "sync", NULL };
	struct vk_part first = VK_PART, second = VK_PART;
	size_t head = vk_word_is_of(command[1], project) ? 2 : 3;
	enum vk_err e;

	if (head == 3 && !(command[1] && strcmp(command[1], "pip") == 0 && vk_word_is_of(command[2], pip)))
		return VK_ENOENT;
	if ((e = check_uv_settings()) != VK_OK || (e = check_uv_variables()) != VK_OK ||
	    (head == 3 && (e = check_uv_words(command + head)) != VK_OK))
		return e;
	e = uv_parts(p, command, head, &first, &second);
	vk_part_drop(&first);
	vk_part_drop(&second);
	/* Python runs what packages brought when it compiles them, and uv does not let the option and this meet. */
	p->withheld = "UV_COMPILE_BYTECODE";
	return e;
}
