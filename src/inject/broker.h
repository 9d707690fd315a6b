/* SPDX-License-Identifier: ISC */
/*
 * broker.h - the process that answers the helpers of this run (valetkey/broker.h), and nobody else.
 *
 * It is made when everything is resolved and before the namespaces are entered, is told the credentials of the tools
 * that ask and nothing else, is closed to its own user (not dumpable), and ends with valetkey.  A question is answered
 * when it carries the nonce, comes from a process that descends from this run (the kernel says which: SO_PEERCRED,
 * SO_PEERPIDFD) and belongs to the run's user or root, names a tool that the run serves, and asks for what that tool
 * takes.  Each answer is what the source has by then: who rotates a secret during a run need not start it anew.  Where
 * the source has nothing any more, it is what it had at the start, until that expires.
 *
 * What a program has fetched from elsewhere is kept, so that a run asks once however many helpers ask.  It is fetched
 * anew when somebody needs it and it is about to end, or was refused: git says so, and NuGet.  A source that cannot be
 * reached then changes nothing.
 *
 * More than VK_BROKER_BURST answers are given out at VK_BROKER_RATE in a second: who asks for everything waits.
 */
#ifndef VK_INJECT_BROKER_H
#define VK_INJECT_BROKER_H

#include "valetkey/broker.h"
#include "child.h"
#include "recipe.h"
#include "rung1.h"

enum { VK_BROKER_BURST = 256, VK_BROKER_RATE = 32, VK_BROKER_TOOLS = 24 };
enum { VK_BROKER_PAUSE_MS = 2000, VK_BROKER_OUTAGE_MS = 15 * 1000 };

/* A tool that asks, and what it may be told.  The credentials stay the run's. */
struct vk_broker_tool {
	const char *name;
	struct vk_cred_list taken;
};

struct vk_broker {
	struct vk_child child;
	struct vk_broker_tool tools[VK_BROKER_TOOLS];
	size_t n_tools;
	char nonce[VK_BROKER_NONCE + 1];
	char place[160];
	const struct vk_policy_opts *policy;
	pid_t run; /* who the askers descend from */
	const struct vk_log *log; /* as the policy had it; the broker's lines name who asked it */
	enum vk_rung rung;
};
#define VK_BROKER_NONE { .child = VK_CHILD_NONE }

/** vk_broker_serve(b, k, r): Let the tool of ${r} ask.  VK_ENOENT: it takes none of the credentials. */
enum vk_err vk_broker_serve(struct vk_broker *b, struct vk_kitchen *k, const struct vk_recipe *r) VK_MUST;

/**
 * vk_broker_start(b, creds, policy):
 * Make the process and tell it those of ${creds}, all of the run's, that a tool takes; ${policy} is what its sources
 * are opened with once more.
 */
enum vk_err vk_broker_start(struct vk_broker *b, const struct vk_cred_list *creds, const struct vk_policy_opts *policy)
    VK_MUST;

/** vk_broker_open(b, r): From here on it can be asked; R1's namespaces have been entered, or ${r} is NULL for R2. */
enum vk_err vk_broker_open(struct vk_broker *b, const struct vk_rung1 *r) VK_MUST;

/** vk_broker_variable(b, out): The value for VK_BROKER_VARIABLE. */
enum vk_err vk_broker_variable(const struct vk_broker *b, struct vk_buf *out) VK_MUST;

/* Questions so far: answered; with no answer; and not of this run, which is somebody else's trying. */
struct vk_broker_count {
	unsigned answered, without, strangers;
	bool unlogged; /* of some there is no line in the log */
};

/** vk_broker_end(b, ret): End the process, when the command has; twice is fine. */
void vk_broker_end(struct vk_broker *b, struct vk_broker_count *ret);

/* What the process is told over its socket; it answers each. */
enum vk_broker_word {
	VK_BROKER_GIVE = 201, /* a credential: ${value} has a bit for each tool, its bytes are the next message */
	VK_BROKER_LISTEN,     /* the descriptor to accept on */
	VK_BROKER_END,        /* forget all, answer with a struct vk_broker_count in ${text}, end */
};

/** vk_broker_main(sock, broker): The body of the process. */
void vk_broker_main(int sock, const void *broker);

/* What that knows. */
struct vk_kept {
	struct vk_cred *cred;
	long tools;     /* which may be told it */
	int64_t pause;  /* before that (vk_now_ms()) its program is not asked again */
	bool refused;   /* somebody said that a server did not take it */
};

/**
 * vk_broker_look(policy, v, q, ret_fresh):
 * ${*ret_fresh}: as the source has it now, where that is for ${q}.  NULL: as in ${v}, which has what programs fetch.
 */
void vk_broker_look(const struct vk_policy_opts *policy, struct vk_kept *v, const struct vk_query *q,
    struct vk_cred **ret_fresh);

#endif
