/* SPDX-License-Identifier: ISC */
/*
 * child.h - the small processes beside the command: process 1 of R1's PID namespace, or the one
 * that holds R2's files.
 *
 * They are copies of valetkey without a secret, with the environment wiped, every inherited descriptor closed, all
 * signals blocked and in a session of their own.  They end when valetkey does: by the parent-death signal, and by the
 * end of file on their socket.
 */
#ifndef VK_INJECT_CHILD_H
#define VK_INJECT_CHILD_H

#include <sys/types.h>

#include "valetkey/base.h"

struct vk_child {
	pid_t pid; /* 0: there is none */
	int sock;  /* our end; -1: there is none */
};
#define VK_CHILD_NONE { .pid = 0, .sock = -1 }

/**
 * vk_child_start(namespaces, body, arg, ret):
 * Before any secret is known: fork, into new namespaces (CLONE_NEW* or 0); the child runs ${body} with its end of the
 * socket and exits.
 */
typedef void vk_child_body(int sock, const void *arg);
enum vk_err vk_child_start(int namespaces, vk_child_body *body, const void *arg,
    struct vk_child *ret) VK_MUST;

/**
 * vk_child_start_late(body, arg, ret):
 * Without new namespaces, when secrets are known already: its arena is emptied before anything else.
 *
 * vk_child_start_policy(body, arg, ret):
 * The same, and of the environment it keeps what a policy is opened with once more and is no secret: HOME, XDG_*,
 * VALETKEY_* but for keys.
 */
enum vk_err vk_child_start_late(vk_child_body *body, const void *arg, struct vk_child *ret) VK_MUST;
enum vk_err vk_child_start_policy(vk_child_body *body, const void *arg, struct vk_child *ret) VK_MUST;

/** vk_child_start_heir(body, shed, arg, ret): The same, but it keeps the arena; ${shed} comes first of all. */
enum vk_err vk_child_start_heir(vk_child_body *body, void (*shed)(const void *arg), const void *arg,
    struct vk_child *ret) VK_MUST;

/** vk_child_outlive(): For a child with work of its own after valetkey's end: that wakes it where it was stopped. */
void vk_child_outlive(void);

/** vk_child_stop(c): Kill and reap; twice is fine. */
void vk_child_stop(struct vk_child *c);

enum { VK_NOTE_FDS = 6, VK_NOTE_TEXT = 256 };

/* One message on the socket.  Descriptors that are not wanted are closed by vk_note_clear(). */
struct vk_note {
	int code;   /* an enum vk_err, with its reason in ${text}; or what both ends agreed on */
	long value; /* a process id or a descriptor's number */
	char text[VK_NOTE_TEXT];
	int fds[VK_NOTE_FDS];
	size_t n_fds;
};
#define VK_NOTE_INIT { .fds = { -1, -1, -1, -1, -1, -1 } }

enum vk_err vk_note_send(int sock, const struct vk_note *n) VK_MUST;

/** vk_note_recv(sock, ret): VK_ENOENT at the end of file: the other process is gone. */
enum vk_err vk_note_recv(int sock, struct vk_note *ret) VK_MUST;
void vk_note_clear(struct vk_note *n);

/** vk_note_recv_soon(sock, ret): The same, but not for ever: VK_ESYS after 2 seconds, as when it is stopped. */
enum vk_err vk_note_recv_soon(int sock, struct vk_note *ret) VK_MUST;

/** vk_note_fail(sock, e): Tell the other end of a failure, with our reason for it. */
void vk_note_fail(int sock, enum vk_err e);

#endif
