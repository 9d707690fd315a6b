/* SPDX-License-Identifier: ISC */
/*
 * Where a lock file says that packages come from.  A lock file of a large project has tens of
 * megabytes, and only one field of it matters, so it is searched, not parsed: a false match
 * could at most name one more registry for which the user has a credential.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "npm_view.h"

enum { CHUNK = 65536, URL_MAX = 2048 };

static const char field[] = "\"resolved\":";

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

/* The URL in quotes at ${s}, cut before what is not part of a registry's name; false: not all of it is here. */
static bool
note_url(struct vk_npm_view *v, const char *s, const char *end, enum vk_err *e)
{
	char url[URL_MAX];
	size_t n = 0;

	while (s < end && (*s == ' ' || *s == '"'))
		s++;
	while (s + n < end && n < sizeof(url) - 1 && s[n] != '"')
		n++;
	if (s + n == end)
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
search(struct vk_npm_view *v, int fd)
{
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
		    (hit = memmem(at, (size_t)(end - at), field, sizeof(field) - 1))) {
			if (!note_url(v, hit + sizeof(field) - 1, end, &e))
				break;
			at = hit + sizeof(field) - 1;
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
	static const char *const names[] = { "npm-shrinkwrap.json", "package-lock.json" };

	for (size_t i = 0; i < VK_COUNT(names); i++) {
		VK_CLEANUP(vk_freep) char *path = vk_asprintf("%s/%s", dir, names[i]);
		VK_CLEANUP(vk_closep) int fd = -1;

		if (!path)
			return vk_fail(VK_ENOMEM, "out of memory");
		if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) >= 0)
			return search(v, fd);
	}
	return VK_OK;
}
