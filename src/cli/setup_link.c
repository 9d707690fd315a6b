/* SPDX-License-Identifier: ISC */
/* For tools that start us by a name: a link where they look, or in a directory of the user's own PATH. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/helper.h"
#include "valetkey/io.h"
#include "cli/setup.h"

/* Has another tool than ${tool} a link at ${path}? */
static bool
is_shared(const struct vk_setup_tool *tool, const char *path)
{
	bool yes = false;

	for (size_t i = 0; vk_setup_tools[i]; i++) {
		struct vk_setup s = { 0 };

		if (vk_setup_tools[i] != tool && vk_setup_load(vk_setup_tools[i], &s) == VK_OK)
			yes |= vk_names_have(&s.links, path);
		vk_setup_clear(&s);
	}
	vk_reason_clear();
	return yes;
}

/* May it be replaced, or go, when it is remembered?  It leads nowhere any more, or to a valetkey, be it another one. */
static bool
is_of_valetkey(const char *link)
{
	char target[4096];
	ssize_t n = readlink(link, target, sizeof(target) - 1);
	struct stat st;

	if (n < 0)
		return false;
	target[n] = '\0';
	return stat(link, &st) < 0 || vk_setup_is_self(link) || vk_str_ends(target, "/valetkey");
}

/* Below the home, or where this program is itself: a link in any other directory would surprise somebody. */
static bool
is_fit(const char *dir, const char *self)
{
	const char *home = getenv("HOME"), *slash = strrchr(self, '/');
	size_t n = home ? strlen(home) : 0;
	struct stat st;

	if (!(n > 1 && strncmp(dir, home, n) == 0 && dir[n] == '/') &&
	    !(strlen(dir) == (size_t)(slash - self) && strncmp(dir, self, strlen(dir)) == 0))
		return false;
	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & S_IWOTH);
}

/* The first on PATH that is fit, before that of ${other}, which would win else. */
static enum vk_err
find_place(const char *name, const char *self, const char *other, char **ret)
{
	for (const char *d = getenv("PATH"); d; d = *d ? d + 1 : NULL) {
		size_t n = strcspn(d, ":");
		VK_CLEANUP(vk_freep) char *dir = strndup(d, n);

		if (!dir)
			return VK_ENOMEM;
		if (other && n > 0 && strncmp(other, dir, n) == 0 && other[n] == '/' && !strchr(other + n + 1, '/'))
			break;
		if (is_fit(dir, self))
			return (*ret = vk_asprintf("%s/%s", dir, name)) ? VK_OK : VK_ENOMEM;
		d += n;
	}
	vk_hint("mkdir -p ~/.local/bin, and let PATH begin with it");
	return vk_fail(VK_EUSAGE, "there is no directory of yours on PATH for a link called %s%s%s", name,
	    other ? ", before that of " : "", other ? other : "");
}

static enum vk_err
choose(const struct vk_setup_tool *tool, const struct vk_setup *old, bool force, struct vk_setup *s)
{
	VK_CLEANUP(vk_freep) char *found = vk_setup_on_path(tool->on_path);
	VK_CLEANUP(vk_freep) char *self = NULL;
	VK_CLEANUP(vk_freep) char *place = NULL;
	enum vk_err e = vk_setup_self(&self);

	if (e != VK_OK)
		return e;
	if (!found || !(vk_setup_is_self(found) || (vk_names_have(&old->links, found) && is_of_valetkey(found)))) {
		if (found && !force) {
			vk_hint("--force puts a link before it");
			return vk_fail(VK_EEXIST, "%s would start another %s: %s", tool->name, tool->on_path, found);
		}
		e = find_place(tool->on_path, self, found, &place);
		return e == VK_OK ? vk_names_push(&s->links, place) : e;
	}
	/* One that nobody remembers was there before us. */
	return vk_names_have(&old->links, found) || is_shared(tool, found) ? vk_names_push(&s->links, found) : VK_OK;
}

/* Where the tool looks and nowhere else. */
static enum vk_err
choose_fixed(const struct vk_setup_tool *tool, const struct vk_setup *old, struct vk_setup *s)
{
	VK_CLEANUP(vk_freep) char *place = NULL;
	struct stat st;
	enum vk_err e = tool->link(&place);

	if (e != VK_OK)
		return e;
	if (vk_setup_is_self(place) || lstat(place, &st) < 0 ||
	    (vk_names_have(&old->links, place) && is_of_valetkey(place)))
		return vk_names_push(&s->links, place);
	vk_hint("remove it if it is yours to remove");
	return vk_fail(VK_EEXIST, "%s is another program", place);
}

enum vk_err
vk_setup_link_choose(const struct vk_setup_tool *tool, const struct vk_setup *old, bool force, struct vk_setup *s)
{
	enum vk_err e;

	/* Those that were remembered, when ${s} was loaded. */
	vk_names_clear(&s->links);
	e = tool->link ? choose_fixed(tool, old, s) : VK_OK;
	if (e == VK_OK && tool->on_path)
		e = choose(tool, old, force, s);
	for (size_t i = 0; e == VK_OK && i < old->links.n; i++)
		if (is_of_valetkey(old->links.v[i]))
			e = vk_names_add(&s->links, old->links.v[i]);
	return e;
}

bool
vk_setup_link_whole(const struct vk_setup *s)
{
	for (size_t i = 0; i < s->links.n; i++)
		if (!vk_setup_is_self(s->links.v[i]))
			return false;
	return true;
}

static enum vk_err
make(const char *link, bool anew)
{
	VK_CLEANUP(vk_freep) char *self = NULL;
	enum vk_err e;

	if ((e = vk_setup_self(&self)) != VK_OK || (e = vk_mkdir_parents(link, 0700)) != VK_OK)
		return e;
	if (anew && is_of_valetkey(link))
		(void)unlink(link);
	if (symlink(self, link) < 0)
		return vk_fail_errno("cannot make the link %s", link);
	vk_msg_note("%s is a link to this program now", link);
	return VK_OK;
}

enum vk_err
vk_setup_link_make(const struct vk_setup *old, const struct vk_setup *s)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < s->links.n; i++)
		if (!vk_setup_is_self(s->links.v[i]))
			e = make(s->links.v[i], vk_names_have(&old->links, s->links.v[i]));
	return e;
}

static enum vk_err
take_away(const char *link)
{
	/* Else it is somebody else's by now. */
	if (is_of_valetkey(link) && unlink(link) < 0 && errno != ENOENT)
		return vk_fail_errno("cannot remove %s", link);
	return VK_OK;
}

enum vk_err
vk_setup_link_remove(const struct vk_setup_tool *tool, const struct vk_setup *s)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < s->links.n; i++)
		if (!is_shared(tool, s->links.v[i]))
			e = take_away(s->links.v[i]);
	return e;
}
