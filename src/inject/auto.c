/* SPDX-License-Identifier: ISC */
#include <fnmatch.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/secret.h"
#include "auto.h"

/* Of one family only the first that is found counts, since it is the better sign. */
enum family { NODE, URLS, PYTHON, JVM, GO, RUST, PHP, RUBY, TERRAFORM, DOTNET, SWIFT, IMAGES, GIT, FAMILIES };

static const struct {
	enum family family;
	const char *file;    /* a name, or a pattern for fnmatch() */
	const char *says;    /* the file has to hold this text; NULL: that it is there suffices */
	const char *recipe;
} signs[] = {
	{ NODE, "pnpm-lock.yaml", NULL, "pnpm" },
	{ NODE, "pnpm-workspace.yaml", NULL, "pnpm" },
	{ NODE, "bun.lock", NULL, "bun" },
	{ NODE, "bun.lockb", NULL, "bun" },
	{ NODE, ".yarnrc.yml", NULL, "yarn-berry" },
	{ NODE, "yarn.lock", "__metadata:", "yarn-berry" },
	{ NODE, "yarn.lock", NULL, "yarn" },
	{ NODE, "package-lock.json", NULL, "npm" },
	{ NODE, "npm-shrinkwrap.json", NULL, "npm" },
	{ NODE, "deno.lock", NULL, "deno" },
	{ NODE, "deno.json", NULL, "deno" },
	{ URLS, "deno.lock", "\"remote\":", "deno-modules" },
	{ NODE, "package.json", NULL, "npm" },
	{ PYTHON, "uv.lock", NULL, "uv" },
	{ PYTHON, "poetry.lock", NULL, "poetry" },
	{ PYTHON, "*conda-lock.y*ml", NULL, "conda" },
	{ PYTHON, "pyproject.toml", "[tool.poetry", "poetry" },
	{ PYTHON, "pyproject.toml", "[tool.uv", "uv" },
	{ PYTHON, "requirements*.txt", NULL, "pip" },
	{ PYTHON, "pyproject.toml", NULL, "pip" },
	{ PYTHON, "environment.y*ml", NULL, "conda" },
	{ JVM, "pom.xml", NULL, "maven" },
	{ JVM, "settings.gradle", NULL, "gradle" },
	{ JVM, "settings.gradle.kts", NULL, "gradle" },
	{ JVM, "build.gradle", NULL, "gradle" },
	{ JVM, "build.gradle.kts", NULL, "gradle" },
	{ JVM, "build.sbt", NULL, "coursier" },
	{ RUST, "Cargo.toml", NULL, "cargo" },
	{ GO, "go.work", NULL, "go" },
	{ GO, "go.mod", NULL, "go" },
	{ PHP, "composer.json", NULL, "composer" },
	{ RUBY, "Gemfile", NULL, "bundler" },
	{ TERRAFORM, "*.tf", NULL, "terraform" },
	{ DOTNET, "[Nn]u[Gg]et.[Cc]onfig", NULL, "nuget" },
	{ DOTNET, "*.sln", NULL, "nuget" },
	{ DOTNET, "*.??proj", NULL, "nuget" },
	/* Packages that are cloned are git's. */
	{ SWIFT, "Package.resolved", "\"registry\"", "swift" },
	{ SWIFT, "Package.swift", "package(id:", "swift" },
	{ SWIFT, "Package.swift", "binaryTarget(", "swift" },
	{ IMAGES, "Dockerfile", NULL, "docker" },
	{ IMAGES, "Containerfile", NULL, "containers" },
	{ IMAGES, "Chart.yaml", NULL, "helm" },
	{ GIT, ".git", NULL, "git" },
};

/* A command that is the tool itself leaves nothing to guess. */
static const struct {
	const char *command;
	enum family family;
	const char *recipe;
} commands[] = {
	{ "npm", NODE, "npm" }, { "npx", NODE, "npm" },
	{ "pip", PYTHON, "pip" }, { "pip3", PYTHON, "pip" }, { "uv", PYTHON, "uv" }, { "uvx", PYTHON, "uv" },
	{ "poetry", PYTHON, "poetry" }, { "twine", PYTHON, "twine" }, { "conda", PYTHON, "conda" },
	{ "mamba", PYTHON, "conda" },
	{ "pnpm", NODE, "pnpm" }, { "pnpx", NODE, "pnpm" },
	{ "bun", NODE, "bun" }, { "bunx", NODE, "bun" }, { "deno", NODE, "deno" },
	{ "go", GO, "go" }, { "cargo", RUST, "cargo" },
	{ "mvn", JVM, "maven" }, { "mvnw", JVM, "maven" }, { "gradle", JVM, "gradle" }, { "gradlew", JVM, "gradle" },
	{ "sbt", JVM, "coursier" }, { "cs", JVM, "coursier" },
	{ "composer", PHP, "composer" }, { "bundle", RUBY, "bundler" }, { "bundler", RUBY, "bundler" },
	{ "terraform", TERRAFORM, "terraform" }, { "tofu", TERRAFORM, "terraform" },
	{ "dotnet", DOTNET, "nuget" }, { "nuget", DOTNET, "nuget" },
	{ "docker", IMAGES, "docker" }, { "podman", IMAGES, "containers" }, { "buildah", IMAGES, "containers" },
	{ "skopeo", IMAGES, "containers" },
	{ "helm", IMAGES, "helm" }, { "gem", RUBY, "gem" }, { "git", GIT, "git" },
};

struct search {
	bool have[FAMILIES];
	vk_auto_add *add;
	void *arg;
};

static enum vk_err
found(struct search *s, enum family family, const char *recipe, const char *why)
{
	if (s->have[family])
		return VK_OK;
	s->have[family] = true;
	return s->add(s->arg, recipe, why);
}

static bool
holds(int dir, const char *file, const char *text)
{
	VK_CLEANUP(vk_closep) int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_MAX_FILE);

	return fd >= 0 && vk_buf_read(&b, fd) == VK_OK && b.p && strstr(b.p, text);
}

/* The names of a directory that some sign is about, in the signs' order. */
static enum vk_err
look(struct search *s, int dir)
{
	char names[VK_COUNT(signs)][256] = { { 0 } };
	int again = dup(dir);
	DIR *d = again >= 0 ? fdopendir(again) : NULL;
	enum vk_err e = VK_OK;

	if (!d) {
		vk_closep(&again);
		return VK_OK; /* what cannot be read says nothing */
	}
	for (struct dirent *entry; (entry = readdir(d));)
		for (size_t i = 0; i < VK_COUNT(signs); i++)
			/* The least of several, whatever the directory's order is. */
			if (fnmatch(signs[i].file, entry->d_name, FNM_PERIOD) == 0 &&
			    (!names[i][0] || strcmp(entry->d_name, names[i]) < 0) &&
			    strlen(entry->d_name) < sizeof(names[i]))
				memcpy(names[i], entry->d_name, strlen(entry->d_name) + 1);
	closedir(d);
	for (size_t i = 0; e == VK_OK && i < VK_COUNT(signs); i++)
		if (names[i][0] && !s->have[signs[i].family] && (!signs[i].says || holds(dir, names[i], signs[i].says)))
			e = found(s, signs[i].family, signs[i].recipe, names[i]);
	return e;
}

/* Within a repository its files count up to its root; what lies above is somebody else's. */
static int
depth_to_root(void)
{
	struct stat st, up;

	for (int depth = 0;; depth++) {
		VK_CLEANUP(vk_freep) char *dots = NULL;
		VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(16384);

		vk_buf_str(&b, "./");
		for (int i = 0; i < depth; i++)
			vk_buf_str(&b, "../");
		if (b.err != VK_OK || stat(b.p, &st) < 0 || !(dots = vk_asprintf("%s.git", b.p)))
			return 0;
		if (stat(dots, &up) == 0)
			return depth;
		vk_buf_str(&b, "../");
		if (b.err != VK_OK || stat(b.p, &up) < 0 || (up.st_dev == st.st_dev && up.st_ino == st.st_ino))
			return 0;
	}
}

enum vk_err
vk_auto_choose(char *const *command, vk_auto_add *add, void *arg)
{
	const char *slash = strrchr(command[0], '/'), *name = slash ? slash + 1 : command[0];
	struct search s = { .add = add, .arg = arg };
	VK_CLEANUP(vk_closep) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < VK_COUNT(commands); i++)
		if (strcmp(commands[i].command, name) == 0)
			e = found(&s, commands[i].family, commands[i].recipe, "the command");
	for (int left = depth_to_root(); e == VK_OK && dir >= 0 && left >= 0; left--) {
		int up;

		if ((e = look(&s, dir)) != VK_OK)
			break;
		up = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		vk_closep(&dir);
		dir = up;
	}
	return e;
}
