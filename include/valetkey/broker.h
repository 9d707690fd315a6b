/* SPDX-License-Identifier: ISC */
/*
 * broker.h - how helpers inside "valetkey run" are answered: not from the keystore, which is out of reach there, but
 * by a process of the run that has the run's credentials and nothing else.
 *
 * The environment variable VALETKEY_BROKER says where: NONCE:PLACE, 32 hex digits and the absolute path of a socket
 * (R1, where only the run sees it), or "@" and a name in Linux's abstract namespace (R2).  The socket is
 * SOCK_SEQPACKET, and a connection carries one question and one answer (unix(7)):
 *
 *   question  fields, each with a NUL after it: "2", the nonce, what is wanted ("get"; "refused": a server did not
 *             take what was given for this), the tool that asks ("git", "docker", "get"), the scheme, "host[:port]",
 *             the path, and the user name where one was given
 *   answer    one byte, an enum vk_err; after VK_OK the credential of a "get" as in docs/FORMAT.md, "Records"; else the
 *             reason
 *
 * There is nothing that would change a source.  Who asks is the kernel's word, not the asker's: src/inject/broker.h.
 */
#ifndef VALETKEY_BROKER_H
#define VALETKEY_BROKER_H

#include "valetkey/cred.h"

#define VK_BROKER_VARIABLE "VALETKEY_BROKER"

/* Tells what is within a run that it is, and on which rung. */
#define VK_RUN_VARIABLE "VALETKEY_RUN"

enum {
	VK_BROKER_NONCE = 32,
	VK_BROKER_QUESTION = 4 * VK_MAX_FIELD, /* at most */
	VK_BROKER_ANSWER = 192 * 1024,         /* at most; less than what such a socket takes at once */
};

/** vk_broker_where(): The variable's value when this process is to ask the broker, else NULL. */
const char *vk_broker_where(void) VK_MUST;

/** vk_broker_within(): Is this process within a run, whether or not that has a broker, and without a key of its own? */
bool vk_broker_within(void) VK_MUST;

/**
 * vk_broker_ask(where, tool, q, ret_cred):
 * VK_ENOENT: it has none, or ${tool} is none that it serves.  VK_EBACKEND: it is gone, as after the run.
 */
enum vk_err vk_broker_ask(const char *where, const char *tool, const struct vk_query *q, struct vk_cred **ret_cred)
    VK_MUST;

/** vk_broker_refused(where, tool, q): So the source is to be asked anew, whatever the run has of it; then as above. */
enum vk_err vk_broker_refused(const char *where, const char *tool, const struct vk_query *q) VK_MUST;

/** vk_broker_address(place, ret, ret_len): The socket's address; ${ret} is a struct sockaddr_un. */
struct sockaddr_un;
enum vk_err vk_broker_address(const char *place, struct sockaddr_un *ret, unsigned *ret_len) VK_MUST;

#endif
