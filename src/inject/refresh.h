/* SPDX-License-Identifier: ISC */
/*
 * refresh.h - the files of a run follow their sources.
 *
 * A process of ours looks at the sources while the command runs, and when one has another secret it makes the text of
 * each file that has it anew, from the user's settings as they were at the start.  It tells the new forms to those who
 * hide secrets in the output, and writes the lines of the log, before it hands the text to valetkey, which puts it in
 * the place of the old one: whoever opens the file finds the one or the other, whole.
 *
 * It is made when everything is resolved and before the namespaces are entered, only when a file has a secret that
 * can change: of the keystore (unless its key came in a variable, which is not kept), of a file, or fetched by a
 * program and with an end.  It has the run's credentials and no key, is not dumpable, and ends with valetkey.
 *
 * Every VK_REFRESH_LOOK ms it compares what stat(2) says of each source, which costs microseconds and wakes nobody
 * else.  What has changed is read when nobody has written to it for a second, so that half a token is not taken for
 * one; but not later than after VK_REFRESH_PATIENCE looks.  What is about to end is looked at too, every
 * VK_REFRESH_PAUSE ms: a login's token is renewed by who opens the keystore, and what a program has fetched, which no
 * file shows, is fetched again.
 *
 * What cannot be had again stays as it was, and a warning says so, once for each credential and file.
 */
#ifndef VK_INJECT_REFRESH_H
#define VK_INJECT_REFRESH_H

#include "masking.h"
#include "run_log.h"

enum { VK_REFRESH_LOOK = 1000, VK_REFRESH_PATIENCE = 5, VK_REFRESH_PLACES = 64, VK_REFRESH_PAUSE = 10 * 1000 };

/* What stat(2) said; nothing but zeros: there is no such file. */
struct vk_refresh_stamp {
	uint64_t dev, ino, size;
	int64_t written_s, written_ns, changed_s, changed_ns;
};

struct vk_refresh_place {
	char *path;
	struct vk_refresh_stamp seen;
	bool looked; /* at least once: before that it may have changed while the run was prepared */
	unsigned looks; /* since it has another */
};

/* Of which run.  All is borrowed. */
struct vk_refresh_of {
	struct vk_kitchen *kitchen; /* with all its files */
	struct vk_policy *policy;
	struct vk_secret *env; /* of --env */
	size_t n_env;
	const struct vk_masking *masking;
	const struct vk_run_log *log;
};

struct vk_refresh {
	struct vk_child child;
	bool was; /* it was started, and not ended by us */
	struct vk_refresh_of of;
	pid_t run;
	struct vk_refresh_place places[VK_REFRESH_PLACES];
	size_t n_places;
	bool *changes; /* of each credential: can it? */
};
#define VK_REFRESH_NONE { .child = VK_CHILD_NONE }

/** vk_refresh_start(r, of): Nothing is started when nothing can change. */
enum vk_err vk_refresh_start(struct vk_refresh *r, const struct vk_refresh_of *of) VK_MUST;

/* What the process says over its socket.  All but the last are answered: VK_OK, or why not. */
enum {
	VK_REFRESH_FILE = 401, /* the file ${text} has ${value} bytes from now on, which are the next messages */
	VK_REFRESH_HIDE,       /* a descriptor for vk_masking_learn() */
	VK_REFRESH_SAY,        /* a warning */
};
enum { VK_REFRESH_PIECE = 32 * 1024 };

/** vk_refresh_shed(refresh), vk_refresh_main(sock, refresh): What the process does first of all; its body. */
void vk_refresh_shed(const void *refresh);
void vk_refresh_main(int sock, const void *refresh);

#endif
