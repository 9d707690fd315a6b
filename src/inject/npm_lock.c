/* SPDX-License-Identifier: ISC */
/*
 * Where a lock file, or the settings of one of npm's relatives, say that packages come from.  A lock file of a large
 * project has tens of megabytes, and only one field of it matters, so it is searched, not parsed: a false match
 * could at most name one more registry for which the user has a credential.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "npm_view.h"

enum { CHUNK = 65536, URL_MAX = 2048 };

/* Which text tells of a URL, and where it begins behind that. */
struct sign {
	const char *text;
	size_t skip;
};
static const struct {
	const char *file;
	struct sign sign;
} places[] = {
	{ "npm-shrinkwrap.json", { "\"resolved\":", 11 } },
	{ "package-lock.json", { "\"resolved\":", 11 } },
	{ "pnpm-lock.yaml", { "tarball: ", 9 } },
	{ "yarn.lock", { "resolved ", 9 } },
	/* All that these have URLs for. */
	{ "pnpm-workspace.yaml", { "http", 0 } },
	{ ".yarnrc", { "http", 0 } },
	{ ".yarnrc.yml", { "http", 0 } },
	{ "bunfig.toml", { "http", 0 } },
};

/* "https://h/npm/pkg/-/pkg-1.tgz" and "https://h/npm/@s/pkg/..." are of the registry "https://h/npm". */
static void
cut_package(char *url)
{
	char *at = strstr(url, "/@"), *dash = strstr(url, "/-/");

	if (at) {
		*at = '\0';
	} else if (dash) {
		*dash = '\0';
		if ((at = strrchr(url, '/')) && at > url && at[-1] != '/')
			*at = '\0';
	}
}

static bool
ends_url(char c)
{
	return (unsigned char)c <= ' ' || strchr("\"',}]", c);
}

/* The URL at ${s}, cut before what is not part of a registry's name; false: not all of it is here. */
static bool
note_url(struct vk_npm_view *v, const char *s, const char *end, bool last, enum vk_err *e)
{
	char url[URL_MAX];
	size_t n = 0;

	while (s < end && (*s == ' ' || *s == '"' || *s == '\''))
		s++;
	while (s + n < end && n < sizeof(url) - 1 && !ends_url(s[n]))
		n++;
	if (s + n == end && !last)
		return false;
	memcpy(url, s, n);
	url[n] = '\0';
	url[strcspn(url, "?#%\\")] = '\0';
	cut_package(url);
	if (vk_str_starts(url, "http"))
		*e = vk_npm_registry(v, url);
	return true;
}

static enum vk_err
search(struct vk_npm_view *v, const struct sign *sign, int fd)
{
	const size_t len = strlen(sign->text);
	VK_CLEANUP(vk_freep) char *b = malloc(CHUNK + URL_MAX);
	size_t kept = 0, got = 1;
	enum vk_err e = VK_OK;

	if (!b)
		return vk_fail(VK_ENOMEM, "out of memory");
	while (e == VK_OK && got > 0) {
		char *at = b, *end, *hit;

		if ((e = vk_read_upto(fd, b + kept, CHUNK, &got)) != VK_OK)
			return e;
		end = b + kept + got;
		while (e == VK_OK &&
		    (hit = memmem(at, (size_t)(end - at), sign->text, len))) {
			if (!note_url(v, hit + sign->skip, end, got == 0, &e))
				break;
			at = hit + len;
		}
		/* What may be the beginning of a field and its URL is looked at again. */
		kept = (size_t)(end - at) < URL_MAX ? (size_t)(end - at) : URL_MAX - 1;
		memmove(b, end - kept, kept);
	}
	return e;
}

enum vk_err
vk_npm_lock(struct vk_npm_view *v, const char *dir)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < VK_COUNT(places); i++) {
		VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/%s", dir, places[i].file);
		VK_CLEANUP(vk_closep) int fd = -1;

		if (!path)
			return vk_fail(VK_ENOMEM, "out of memory");
		if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) >= 0)
			e = search(v, &places[i].sign, fd);
	}
	return e;
}
