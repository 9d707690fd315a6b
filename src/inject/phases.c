/* SPDX-License-Identifier: ISC */
/*
 * What each tool's documentation says of fetching without running: npm-install(1) and npm-rebuild(1), "pnpm fetch",
 * yarn's install options of both generations, cargo-fetch(1), "go help mod download", "composer install".
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "build_secret.h"
#include "npm_view.h"
#include "phases_words.h"

static bool
has_word(char *const *args, const char *word)
{
	for (; *args && strcmp(*args, "--") != 0; args++)
		if (strcmp(*args, word) == 0)
			return true;
	return false;
}

/* Of the options those with a value, in the same word or the next, that are in ${valued}, and those in ${alone}. */
static void
add_chosen(struct vk_part *w, char *const *args, const char *const *valued, const char *const *alone)
{
	for (size_t i = 0; args[i] && strcmp(args[i], "--") != 0; i++) {
		VK_CLEANUP(vk_freep) char *name = vk_asprintf("%.*s", (int)strcspn(args[i], "="), args[i]);

		if (!name) {
			w->e = VK_ENOMEM;
			return;
		}
		if (vk_word_is_of(args[i], alone) || (strchr(args[i], '=') && vk_word_is_of(name, valued)))
			vk_part_add(w, args[i]);
		else if (vk_word_is_of(args[i], valued) && args[i + 1]) {
			vk_part_add(w, args[i]);
			vk_part_add(w, args[++i]);
		}
	}
}

/* ---- npm, pnpm, yarn ------------------------------------------------------------------------------------------- */

/* Options whose value may stand in the next word; that is no package's name. */
static const char *const npm_valued[] = { "--prefix", "-C", "--registry", "--userconfig", "--globalconfig", "--cache",
	"--omit", "--include", "--workspace", "-w", "--loglevel", "--install-strategy", "--before", "--min-release-age",
	"--audit-level", "--os", "--cpu", "--libc", "--fetch-retries", "--fetch-timeout", "--maxsockets", "--tag",
	"--cafile", "--ca", "--https-proxy", "--proxy", "--noproxy", NULL };
static const char *const pnpm_valued[] = { "--dir", "-C", "--filter", "-F", "--store-dir", "--registry", "--loglevel",
	"--reporter", "--lockfile-dir", "--virtual-store-dir", "--modules-dir", "--network-concurrency",
	"--child-concurrency", "--node-linker", NULL };
static const char *const yarn_valued[] = { "--cwd", "--cache-folder", "--modules-folder", "--network-timeout",
	"--network-concurrency", "--registry", "--mutex", "--use-yarnrc", "--global-folder", "--link-folder", NULL };

/*
 * What the first part must not be told: a package that is named would be the only one that "rebuild" sees to, without
 * what it needs; after "--" our own options would be names; and scripts are not to be allowed again, in whatever
 * abbreviation.
 */
static enum vk_err
check_words(const char *tool, char *const *args, const char *const *valued)
{
	for (size_t i = 0; args[i]; i++) {
		if (strcmp(args[i], "--") == 0 || vk_str_starts(args[i], "--ig") || vk_str_starts(args[i], "--no-ig") ||
		    vk_str_starts(args[i], "--mode"))
			return vk_fail(VK_EUSAGE, "--two-phase decides whether scripts run: leave %s out", args[i]);
		if (args[i][0] != '-') {
			vk_hint("put it into package.json first: %s install --ignore-scripts --save ...; the value of "
				"an option goes into the same word, as in --omit=dev", tool);
			return vk_fail(VK_EUSAGE, "--two-phase: %s is told of a package, %s", tool, args[i]);
		}
		if (vk_word_is_of(args[i], valued) && args[i + 1])
			i++;
	}
	return VK_OK;
}

/* First, where no option before it takes it for a value; and last, where none after it undoes it. */
static void
add_without_scripts(struct vk_part *w, char *const *command, size_t from, const char *option, bool twice)
{
	vk_part_add(w, command[0]);
	vk_part_add(w, from > 1 ? command[1] : "install");
	vk_part_add(w, option);
	vk_part_add_all(w, command + from);
	if (twice)
		vk_part_add(w, option);
}

static enum vk_err
npm_run(struct vk_phases *p, char *const *command, const char *event)
{
	struct vk_part w = VK_PART;

	vk_part_add(&w, command[0]);
	vk_part_add(&w, "run");
	vk_part_add(&w, "--if-present");
	vk_part_add_all(&w, command + 2);
	vk_part_add(&w, event);
	return vk_part_end(&w, p);
}

/*
 * What "npm ci" and "npm install" run of the project itself in the end; "npm rebuild" has run its install scripts.
 * "npm run" runs what goes before and after an event with it, if there is the event.
 */
static enum vk_err
npm_own_scripts(struct vk_phases *p, char *const *command)
{
	static const char *const events[][3] = {
		{ "", "prepublish", "" }, { "preprepare", "prepare", "postprepare" },
	};
	const char *dir = vk_npm_option(command, "prefix");
	VK_CLEANUP(vk_freep) char *file = vk_asprintf("%s/package.json", dir ? dir : ".");
	enum vk_err e = file ? VK_OK : VK_ENOMEM;

	for (size_t i = 0; e == VK_OK && i < VK_COUNT(events); i++) {
		bool there[3] = { false };

		for (size_t k = 0; k < 3; k++) {
			VK_CLEANUP(vk_freep) char *quoted = vk_asprintf("\"%s\"", events[i][k]);

			if (!quoted)
				return VK_ENOMEM;
			there[k] = *events[i][k] && vk_file_mentions(file, quoted);
		}
		for (size_t k = 0; e == VK_OK && k < 3; k++)
			if (there[k] && (k == 1 || !there[1]))
				e = npm_run(p, command, events[i][k]);
	}
	return e;
}

static enum vk_err
npm(struct vk_phases *p, char *const *command)
{
	static const char *const fetches[] = { "ci", "clean-install", "ic", "install-clean", "install", "i", NULL };
	struct vk_part w = VK_PART;
	enum vk_err e;

	if (!vk_word_is_of(command[1], fetches))
		return VK_ENOENT;
	if ((e = check_words("npm", command + 2, npm_valued)) != VK_OK)
		return e;
	add_without_scripts(&w, command, 2, "--ignore-scripts", true);
	if ((e = vk_part_end(&w, p)) != VK_OK)
		return e;
	vk_part_add(&w, command[0]);
	vk_part_add(&w, "rebuild");
	vk_part_add_all(&w, command + 2);
	e = vk_part_end(&w, p);
	return e == VK_OK ? npm_own_scripts(p, command) : e;
}

/* Its "configDependencies" are fetched and then run, before anything else.  Here and in every directory above. */
static enum vk_err
no_plugins(char *const *command)
{
	static const char *const files[] = { "pnpm-workspace.yaml", "package.json" };
	const char *dir = vk_npm_option(command, "dir");

	for (size_t i = 0; !dir && command[i]; i++)
		if (strcmp(command[i], "-C") == 0)
			dir = command[i + 1];
	VK_CLEANUP(vk_freep) char *at = realpath(dir ? dir : ".", NULL);

	while (at && *at) {
		for (size_t i = 0; i < VK_COUNT(files); i++) {
			VK_CLEANUP(vk_freep) char *file = vk_asprintf("%s/%s", at, files[i]);

			if (!file)
				return VK_ENOMEM;
			if (vk_file_is_there(file) && vk_file_mentions(file, "configDependencies"))
				return vk_fail(VK_EUSAGE, "--two-phase: pnpm would run the configDependencies of %s "
							  "while it fetches", file);
		}
		*strrchr(at, '/') = '\0';
	}
	return VK_OK;
}

/* ("pnpm fetch" would run scripts; and after it an install finds that all is there, and runs none.) */
static enum vk_err
pnpm(struct vk_phases *p, char *const *command)
{
	static const char *const fetches[] = { "install", "i", NULL };
	static const char *const where[] = { "--dir", "-C", "--filter", "-F", NULL };
	static const char *const all[] = { "-r", "--recursive", "-w", "--workspace-root", NULL };
	struct vk_part w = VK_PART;
	enum vk_err e;

	if (!vk_word_is_of(command[1], fetches))
		return VK_ENOENT;
	if ((e = check_words("pnpm", command + 2, pnpm_valued)) != VK_OK || (e = no_plugins(command)) != VK_OK)
		return e;
	add_without_scripts(&w, command, 2, "--ignore-scripts", true);
	if ((e = vk_part_end(&w, p)) != VK_OK)
		return e;
	vk_part_add(&w, command[0]);
	add_chosen(&w, command + 2, where, all);
	vk_part_add(&w, "rebuild");
	vk_part_add(&w, "--pending");
	return vk_part_end(&w, p);
}

/* Without a command it installs too.  The second generation has a settings file of its own. */
static enum vk_err
yarn(struct vk_phases *p, char *const *command)
{
	bool berry = vk_file_is_there(".yarnrc.yml") ||
	    (vk_file_is_there("yarn.lock") && vk_file_mentions("yarn.lock", "__metadata:"));
	size_t from = command[1] && command[1][0] != '-' ? 2 : 1;
	struct vk_part w = VK_PART;
	enum vk_err e;

	if (from == 2 && strcmp(command[1], "install") != 0)
		return VK_ENOENT;
	if ((e = check_words("yarn", command + from, yarn_valued)) != VK_OK)
		return e;
	add_without_scripts(&w, command, from, berry ? "--mode=skip-build" : "--ignore-scripts", !berry);
	if ((e = vk_part_end(&w, p)) != VK_OK)
		return e;
	vk_part_add(&w, command[0]);
	vk_part_add(&w, "install");
	vk_part_add_all(&w, command + from);
	if (!berry) {
		vk_part_add(&w, "--offline");
		vk_part_add(&w, "--force");
	}
	p->offline = "YARN_ENABLE_NETWORK=0";
	return vk_part_end(&w, p);
}

/* ---- cargo, go, Composer --------------------------------------------------------------------------------------- */

static enum vk_err
cargo(struct vk_phases *p, char *const *command)
{
	static const char *const builds[] = { "build", "b", "check", "c", "test", "t", "run", "r", "bench", "clippy",
		"doc", "d", "rustc", NULL };
	/* What "cargo fetch" knows too. */
	static const char *const valued[] = { "--manifest-path", "--config", "--color", NULL };
	static const char *const alone[] = { "--locked", "-q", "--quiet", "-v", "--verbose", NULL };
	struct vk_part w = VK_PART;
	enum vk_err e;

	if (!vk_word_is_of(command[1], builds))
		return VK_ENOENT;
	vk_part_add(&w, command[0]);
	vk_part_add(&w, "fetch");
	add_chosen(&w, command + 2, valued, alone);
	/* The lock file as it is, but not without the network. */
	if (has_word(command + 2, "--frozen"))
		vk_part_add(&w, "--locked");
	if ((e = vk_part_end(&w, p)) != VK_OK)
		return e;
	vk_part_add(&w, command[0]);
	vk_part_add(&w, command[1]);
	vk_part_add(&w, "--offline");
	vk_part_add_all(&w, command + 2);
	return vk_part_end(&w, p);
}

static enum vk_err
go(struct vk_phases *p, char *const *command)
{
	static const char *const builds[] = { "build", "test", "vet", "run", "install", "generate", "list", NULL };
	/* What "go mod download" knows too. */
	static const char *const valued[] = { "-C", "-modfile", NULL };
	static const char *const alone[] = { "-x", "-modcacherw", NULL };
	struct vk_part w = VK_PART;
	enum vk_err e;

	if (!vk_word_is_of(command[1], builds))
		return VK_ENOENT;
	for (size_t i = 2; command[i]; i++)
		if (command[i][0] != '-' && strchr(command[i], '@'))
			return vk_fail(VK_EUSAGE, "--two-phase: %s is of no module here, but built as it comes",
			    command[i]);
	vk_part_add(&w, command[0]);
	vk_part_add(&w, "mod");
	vk_part_add(&w, "download");
	add_chosen(&w, command + 2, valued, alone);
	if ((e = vk_part_end(&w, p)) != VK_OK)
		return e;
	vk_part_add_all(&w, command);
	p->offline = "GOPROXY=off";
	return vk_part_end(&w, p);
}

/*
 * The first part leaves the packages in Composer's cache.  Were they installed without plugins, one that decides
 * where a package lies would come too late.
 */
static enum vk_err
composer(struct vk_phases *p, char *const *command)
{
	static const char *const fetches[] = { "install", "i", NULL };
	struct vk_part w = VK_PART;
	enum vk_err e;

	if (!vk_word_is_of(command[1], fetches))
		return VK_ENOENT;
	if (has_word(command + 2, "--no-cache"))
		return vk_fail(VK_EUSAGE, "--two-phase: in Composer's cache the second part finds what the first "
					  "fetched");
	/* First, where no option before them takes them for a value. */
	vk_part_add(&w, command[0]);
	vk_part_add(&w, command[1]);
	vk_part_add(&w, "--no-plugins");
	vk_part_add(&w, "--no-scripts");
	vk_part_add(&w, "--download-only");
	vk_part_add_all(&w, command + 2);
	if ((e = vk_part_end(&w, p)) != VK_OK)
		return e;
	vk_part_add_all(&w, command);
	p->offline = "COMPOSER_DISABLE_NETWORK=1";
	return vk_part_end(&w, p);
}

/* ---- which ----------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum vk_err (*take)(struct vk_phases *p, char *const *command);
} tools[] = {
	{ "npm", npm }, { "pnpm", pnpm }, { "yarn", yarn }, { "yarnpkg", yarn },
	{ "cargo", cargo }, { "go", go }, { "composer", composer }, { "composer.phar", composer },
	{ "pip", vk_phases_pip }, { "python", vk_phases_pip }, { "pypy", vk_phases_pip }, { "uv", vk_phases_uv },
};

/* "pip3.12" is pip. */
static size_t
without_version(const char *name)
{
	size_t n = strlen(name), end = n;

	while (end > 0 && strchr("0123456789.", name[end - 1]))
		end--;
	return vk_str_starts(name, "pip") || vk_str_starts(name, "py") ? end : n;
}

enum vk_err
vk_phases_choose(struct vk_phases *p, char *const *command)
{
	const char *slash = strrchr(command[0], '/'), *name = slash ? slash + 1 : command[0];
	enum vk_err e = VK_ENOENT;

	for (size_t i = 0; e == VK_ENOENT && i < VK_COUNT(tools); i++)
		if (strlen(tools[i].name) == without_version(name) && vk_str_starts(name, tools[i].name))
			e = tools[i].take(p, command);
	if (e != VK_ENOENT)
		return e;
	vk_hint("or in two steps of your own: what fetches with valetkey run, and what it fetched without");
	return vk_fail(VK_EUSAGE, "--two-phase knows npm ci, npm install, pnpm install, yarn install, pip install, "
				  "uv sync, uv run, uv pip install, composer install, and cargo and go where "
				  "they build");
}

/* What the first part left there are files.  Code of the second may have made more of it, which stays. */
static void
remove_dir(char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *e; d && (e = readdir(d));)
		(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	(void)rmdir(dir);
	vk_litter_forget(dir);
	free(dir);
}

void
vk_phases_clear(struct vk_phases *p)
{
	if (p->dir)
		remove_dir(p->dir);
	for (size_t i = 0; i < p->n; i++)
		vk_words_free(p->v[i]);
	*p = (struct vk_phases){ .n = 0 };
}
