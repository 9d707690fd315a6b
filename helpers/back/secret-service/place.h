/* SPDX-License-Identifier: ISC */
/*
 * place.h - what the attribute "ref" of a request means, and which items are meant by it.
 *
 * SCHEME://[USER@]HOST[:PORT][/PATH], with "%40" and the like in USER; an empty USER is an account without a name, none
 * at all is any, if there is one alone.  Two layouts are read:
 *
 *   ours   attributes scheme, host, port, path and user, all of them always there (port: the scheme's own where none
 *          was given; path and user perhaps empty)
 *   git's  protocol, server, and where they were given port, object (the path) and user; schema org.git.Password
 *          (git 2.43) or org.gnome.keyring.NetworkPassword:
 *          https://github.com/git/git/blob/master/contrib/credential/libsecret/git-credential-libsecret.c
 *
 * The keyring finds items that have more attributes than were asked for, so an item of git's for port 8443 answers
 * git for the host without one.  Here every attribute is compared, and one that is not there has a meaning: no port is
 * the scheme's own, no path is no path.
 *
 * NAME=VALUE[,NAME=VALUE...], as secret-tool(1) takes them: the one item that has these attributes, and perhaps more.
 * "%2C" stands for a comma, "%25" for a percent sign, "%3D" for an equals sign in a name.
 */
#ifndef VK_BACK_PLACE_H
#define VK_BACK_PLACE_H

#include "service.h"
#include "valetkey/cred.h"

struct vk_place {
	struct vk_scope scope; /* of a URL */
	char *user;            /* of a URL; NULL: any */
	GHashTable *attrs;     /* of what is no URL; else NULL */
};

/** vk_place_parse(ref, ret), vk_place_clear(p): VK_EPROTO: it is neither of the two. */
enum vk_err vk_place_parse(const char *ref, struct vk_place *ret) VK_MUST;
void vk_place_clear(struct vk_place *p);

/**
 * vk_place_find(s, p, ret):
 * All items of one account, those of our layout first; of attributes the one.  None is VK_OK and none.  VK_EPROTO:
 * there are several accounts, or several items with the attributes, and which is meant would be a guess.
 */
enum vk_err vk_place_find(struct vk_service *s, const struct vk_place *p, struct vk_items *ret) VK_MUST;

/** vk_place_doubtful(l): Is the first of them one of two in its layout? */
bool vk_place_doubtful(const struct vk_items *l) VK_MUST;

/**
 * vk_place_attrs(p):
 * Attributes for a new item.  Where no port and no path can be confused (the scheme's own, and none) and there is a
 * user name, also those that git's helper looks for.
 */
GHashTable *vk_place_attrs(const struct vk_place *p) VK_MUST;

#endif
