/* SPDX-License-Identifier: ISC */
/*
 * remote.h - secrets that a program of its own fetches from somewhere else: docs/HELPER.md, "Secrets".
 *
 * Kinds of stores are rows of one table (remote.c), each with the settings that it knows: what a [server NAME] of the
 * config may say, and the variables that say so where it does not, as the store's own tools have them.
 */
#ifndef VALETKEY_REMOTE_H
#define VALETKEY_REMOTE_H

#include "valetkey/source.h"

/* What a setting's value is. */
enum vk_setting_kind {
	VK_SETTING_TEXT,   /* as it is */
	VK_SETTING_PATH,   /* the absolute path of a file that holds no secret but, perhaps, a key of TLS */
	VK_SETTING_FILE,   /* that of one with a secret: the command of a run does not see it */
	VK_SETTING_SECRET, /* in the config a reference to one; in a variable the secret itself */
};

/* Where Kubernetes puts a pod's own token, with which it logs in when no other is named. */
#define VK_SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/token"

enum { VK_VARIABLES_MAX = 2, VK_VARIABLE_LEN = 48, VK_SETTING_LEN = 24, VK_SETTINGS_MAX = 24 };

/* Without pointers, which would have to be relocated at every start of every program. */
struct vk_setting {
	enum vk_setting_kind kind;
	char name[VK_SETTING_LEN];
	char variables[VK_VARIABLES_MAX][VK_VARIABLE_LEN]; /* in the order of their weight; "": no more */
};

struct vk_remote_store {
	const char *name;       /* "vault" */
	const char *program;    /* "http": valetkey-http */
	int deadline_ms;
	const struct vk_setting *settings;
	size_t n_settings;
	bool holds; /* it may give what has to be kept and given back */
};

/** vk_remote_store(name): The row of that kind; NULL: there is none. */
const struct vk_remote_store *vk_remote_store(const char *name) VK_MUST;

/** vk_remote_names(): All kinds in one line, for messages: "vault, secret-service, helper".  Static. */
const char *vk_remote_names(void) VK_MUST;

/** vk_remote_setting(store, name): NULL: it knows no such setting. */
const struct vk_setting *vk_remote_setting(const struct vk_remote_store *store, const char *name) VK_MUST;

/* One setting with its value: ${text}, or for a secret ${secret}.  Borrowed. */
struct vk_setting_value {
	const struct vk_setting *setting;
	const char *text;
	const struct vk_secret *secret;
};

struct vk_remote {
	const struct vk_remote_store *store;
	const char *program; /* of "helper", whose server is the program's name; else NULL */
	const char *what;    /* what follows the reference's colon */
	const struct vk_setting_value *values;
	size_t n_values;
	bool alone; /* what the store's own tools keep in the home is not for this server */
	bool hold; /* what is given for a time is kept until vk_remote_let_go() */
};

/**
 * vk_remote_get(r, ret_secret, ret_expires):
 * The secret, and when it ends (seconds since 1970; 0: not known).  VK_ENOENT: there is none; VK_ELOCKED: a person has
 * to unlock the store; VK_EPOLICY: it refuses; VK_EBACKEND: it cannot be reached, or anything else.
 */
enum vk_err vk_remote_get(const struct vk_remote *r, struct vk_secret *ret_secret, int64_t *ret_expires) VK_MUST;

/**
 * vk_remote_let_go():
 * What was held is not needed any more; its programs, which are told so by our end too, give it back, and are waited
 * for a moment.
 */
void vk_remote_let_go(void);

/**
 * vk_remote_put(r, label, secret), vk_remote_remove(r):
 * Have it kept there, in the place of one that is there; have it forgotten.  Only stores that are this user's own do
 * that (VK_EPOLICY: this one does not).
 */
enum vk_err vk_remote_put(const struct vk_remote *r, const char *label, const struct vk_secret *secret) VK_MUST;
enum vk_err vk_remote_remove(const struct vk_remote *r) VK_MUST;

#endif
