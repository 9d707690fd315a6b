/* SPDX-License-Identifier: ISC */
/*
 * vault.h - what the files about OpenBao and HashiCorp Vault share.
 *
 * The API: https://openbao.org/api-docs/.  Both servers speak it; where only one knows something, vault.c says so.
 */
#ifndef VK_BACK_VAULT_H
#define VK_BACK_VAULT_H

#include "proto/json.h"
#include "http.h"

enum { VK_VAULT_TOLD_MAX = 3 };

struct vk_vault {
	const char *address, *namespace, *nodes; /* borrowed from the request; all but the first may be NULL */
	struct vk_server_tls tls;
	char *origin;            /* of ${address}, for messages */
	struct vk_secret token;  /* absent: there is none yet */
	int64_t token_expires;   /* seconds since 1970; 0: not known, as of one that somebody else made */
	bool ours;               /* a login has made it, and ... */
	bool revocable, renewable;
	struct vk_secret told[VK_VAULT_TOLD_MAX]; /* what else the server knows from us, and no message repeats */
	size_t n_told;
};

struct vk_vault_call {
	const char *method;
	const char *path;           /* below /v1/, percent-encoded */
	const struct vk_buf *body;  /* JSON, in the arena; NULL: none */
	const struct vk_secret *token; /* NULL: none is sent */
	bool again;                 /* twice is as good as once: it is sent again also when it may have arrived */
};

struct vk_vault_answer {
	long status;
	json_t *json; /* an object; NULL: there was none, which can be with an error alone */
};

/** vk_vault_ask(v, call, ret): VK_OK whatever the status is; VK_EBACKEND: no answer, or none that is understood. */
enum vk_err vk_vault_ask(const struct vk_vault *v, const struct vk_vault_call *call,
    struct vk_vault_answer *ret) VK_MUST;
void vk_vault_answer_clear(struct vk_vault_answer *a);

/** vk_vault_refused(v, a, what): The failure that an answer amounts to which is none of success; "what" was refused. */
enum vk_err vk_vault_refused(const struct vk_vault *v, const struct vk_vault_answer *a, const char *what) VK_MUST;

/** vk_vault_text(j, key): The string ${key} of an object; NULL: it has none, or it is empty. */
const char *vk_vault_text(const json_t *j, const char *key) VK_MUST;

/** vk_vault_after(seconds): That many seconds from now. */
int64_t vk_vault_after(json_int_t seconds) VK_MUST;

/**
 * vk_vault_login(a, v):
 * Set ${v->token} as the settings auth, mount, role ... of ${a} say.  VK_EPOLICY: the server refuses the login, or a
 * wrapped secret-id was opened by somebody else.
 */
enum vk_err vk_vault_login(struct vk_ask *a, struct vk_vault *v) VK_MUST;

/* What was given for a time. */
struct vk_vault_lease {
	char *id;        /* NULL: there is none */
	int64_t expires; /* seconds since 1970; 0: not known */
	bool renewable;
	bool held;       /* who asked keeps standard input open as long as it is needed */
};

/** vk_vault_lease(a, id, l): Fill it from the answer that gave the secret. */
enum vk_err vk_vault_lease(const struct vk_vault_answer *a, const char *id, struct vk_vault_lease *l) VK_MUST;
void vk_vault_lease_clear(struct vk_vault_lease *l);

/** vk_vault_lease_keep(v, l): Renew it, and a token of our own, until vk_ask_goes_on() says no; then revoke it. */
void vk_vault_lease_keep(struct vk_vault *v, struct vk_vault_lease *l);

/** vk_vault_logout(v): Revoke a token of our own, if the server can be reached in a moment. */
void vk_vault_logout(struct vk_vault *v);

#endif
