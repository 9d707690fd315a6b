/* SPDX-License-Identifier: ISC */
/*
 * setup.h - registering valetkey in the configuration files of tools.
 *
 * A tool says how its file is changed as two pure functions on the file's text: one takes out what was
 * put in, the other puts in a list of hosts.  Every change is "take out, put in", so a second set-up
 * changes nothing and undoing restores what was there before.  What is remembered is
 * what was inserted or replaced, never a copy of the file: others keep passwords in there.
 */
#ifndef VK_CLI_SETUP_H
#define VK_CLI_SETUP_H

#include <sys/stat.h>

#include "valetkey/config.h"
#include "valetkey/cred.h"
#include "valetkey/secret.h"

/* One host to register, in the spelling of vk_scope_url(). */
struct vk_setup_host {
	char *url;      /* its origin; for a tool with ${places} the entry's own place, path included */
	bool with_path; /* has entries that are for a path of it */
	bool asked;     /* named by --host, so kept when the keystore does not know it */
};

/* What was done to one tool. */
struct vk_setup {
	char *file;   /* where, or the first link of a tool without a file; heap */
	bool created; /* there was no file */
	struct vk_setup_host *hosts;
	size_t n_hosts;
	bool adds;                      /* to be applied: the hosts come to those that are remembered */
	char *text;                     /* what was inserted, in one piece */
	struct vk_names links;          /* made so that the tool finds us */
	struct vk_names keys;           /* docker: the members that are in ${text} */
	struct vk_names replaced, was;  /* docker: members of others, and their values as written */
};

/* How much of what was put in was still as it was left. */
enum vk_setup_found {
	VK_SETUP_WHOLE,   /* all of it, byte for byte */
	VK_SETUP_CHANGED, /* some of it: somebody edited the file; what is not ours stays */
	VK_SETUP_GONE,    /* nothing */
};

struct vk_setup_tool {
	const char *name;    /* "git" */
	const char *program; /* what it starts: "git-credential-valetkey"; NULL: valetkey itself */
	const char *on_path; /* the name by which it looks for us there, where we install none; NULL: it does not */
	const char *example; /* what an entry for it is for; NULL: https://HOST */
	bool places;         /* is told each entry's own place, those with an npm scope included */
	/* Does it ask for credentials of this kind of scope?  NULL: it asks for any, and is told no hosts. */
	bool (*takes)(const struct vk_scope *scope);
	/* Why it cannot be told what an entry holds; NULL: it can.  May be NULL. */
	const char *(*lacks)(const struct vk_cred *c);
	/* The file that the tool itself would change; NULL: there is none, but a ${link}; no take_out and put_in. */
	enum vk_err (*file)(char **ret_path);
	/* Append ${text} without what ${s} put in to ${out}. */
	enum vk_err (*take_out)(const struct vk_setup *s, const char *text, size_t n, struct vk_buf *out,
	    enum vk_setup_found *ret_found);
	/* Append ${text} with ${s->hosts} put in to ${out}, and note how in ${s}.  ${force}: replace others. */
	enum vk_err (*put_in)(struct vk_setup *s, const char *text, size_t n, bool force,
	    struct vk_buf *out);
	/* Where the tool looks for the program, which gets a link there; heap.  May be NULL. */
	enum vk_err (*link)(char **ret_path);
	/* Files of ours that its own file leads to, for ${s->hosts}; NULL: there are none. */
	enum vk_err (*make_ours)(const struct vk_setup *s);
	/* Remove those for ${old->hosts} that ${s}, which may be NULL, does not need. */
	enum vk_err (*drop_ours)(const struct vk_setup *old, const struct vk_setup *s);
	/* What else the user should know, on stderr; may be NULL. */
	void (*advise)(const struct vk_setup *s);
};

extern const struct vk_setup_tool vk_setup_aws;
extern const struct vk_setup_tool vk_setup_cargo;
extern const struct vk_setup_tool vk_setup_git, vk_setup_docker, vk_setup_go, vk_setup_bazel, vk_setup_terraform;
extern const struct vk_setup_tool vk_setup_pip, vk_setup_uv;
extern const struct vk_setup_tool vk_setup_pnpm;
extern const struct vk_setup_tool vk_setup_nuget;

/** vk_setup_tools: The ones above; the last pointer is NULL. */
extern const struct vk_setup_tool *const vk_setup_tools[];

/**
 * vk_setup_load(tool, ret):
 * What is remembered about ${tool}.  VK_ENOENT: it is not set up.
 */
enum vk_err vk_setup_load(const struct vk_setup_tool *tool, struct vk_setup *ret) VK_MUST;

/** vk_setup_save(tool, s), vk_setup_forget(tool) */
enum vk_err vk_setup_save(const struct vk_setup_tool *tool, const struct vk_setup *s) VK_MUST;
enum vk_err vk_setup_forget(const struct vk_setup_tool *tool) VK_MUST;

void vk_setup_clear(struct vk_setup *s);

/** vk_setup_add_host(tool, s, scope, asked): Merge what ${tool} is told of ${scope} into ${s->hosts}, in order. */
enum vk_err vk_setup_add_host(const struct vk_setup_tool *tool, struct vk_setup *s, const struct vk_scope *scope,
    bool asked) VK_MUST;

/** vk_setup_add_hosts(s, from): The same for all of ${from->hosts}. */
enum vk_err vk_setup_add_hosts(struct vk_setup *s, const struct vk_setup *from) VK_MUST;

/** vk_setup_url(tool, scope): What ${tool} is told of ${scope}.  Heap. */
char *vk_setup_url(const struct vk_setup_tool *tool, const struct vk_scope *scope) VK_MUST;

/** vk_setup_has(s, url, path): Is that origin in ${s->hosts}, with paths if ${path}? */
bool vk_setup_has(const struct vk_setup *s, const char *url, bool path) VK_MUST;

/**
 * vk_setup_apply(tool, s, force, ret_changed):
 * Make the file of ${tool} serve ${s->hosts}; the rest of ${s} is filled in.
 */
enum vk_err vk_setup_apply(const struct vk_setup_tool *tool, struct vk_setup *s, bool force,
    bool *ret_changed) VK_MUST;

/** vk_setup_undo(tool, s, ret_found): Take everything out again, and forget it. */
enum vk_err vk_setup_undo(const struct vk_setup_tool *tool, const struct vk_setup *s,
    enum vk_setup_found *ret_found) VK_MUST;

/**
 * vk_setup_preview(tool, s, force, out):
 * Append the whole piece that vk_setup_apply() would insert, changing nothing.
 */
enum vk_err vk_setup_preview(const struct vk_setup_tool *tool, struct vk_setup *s, bool force,
    struct vk_buf *out) VK_MUST;

/**
 * vk_setup_extend(c):
 * For "add": every tool that is set up gets the host of ${c} as well, and the user a line about
 * it.  A failure is a warning: the credential is stored.
 */
void vk_setup_extend(const struct vk_cred *c);

/**
 * vk_setup_link_choose(tool, old, force, s):
 * Where the tool's links have to be, into ${s->links}: at ${tool->link}, and on PATH under the name ${tool->on_path},
 * unless there is one that we need not remember; and those of ${old} that are still there, since PATH may have been
 * another one.  VK_EEXIST: the tool would find another program, and ${force} is not given.
 */
enum vk_err vk_setup_link_choose(const struct vk_setup_tool *tool, const struct vk_setup *old, bool force,
    struct vk_setup *s) VK_MUST;

/** vk_setup_link_whole(s): Do all of them lead to this program? */
bool vk_setup_link_whole(const struct vk_setup *s) VK_MUST;

/**
 * vk_setup_link_make(old, s), vk_setup_link_remove(tool, s):
 * A link that ${old} remembers is made anew when it leads nowhere or to another valetkey.  One that another tool needs
 * stays.
 */
enum vk_err vk_setup_link_make(const struct vk_setup *old, const struct vk_setup *s) VK_MUST;
enum vk_err vk_setup_link_remove(const struct vk_setup_tool *tool, const struct vk_setup *s) VK_MUST;

/** vk_setup_home(file, ret): "$HOME/FILE".  VK_EUSAGE when there is no home. */
enum vk_err vk_setup_home(const char *file, char **ret) VK_MUST;

/**
 * vk_setup_block_put_in(s, tool, text, n, at, lines, out), vk_setup_block_take_out(s, text, n, out, ret_found):
 * For files of lines with comments that begin with '#': ${lines} between two comments of ours, before byte ${at} of
 * ${text}, where a line begins or the text ends.  Taking out has the signature that a tool's take_out wants; where
 * somebody changed our block, or took the comments out, the lines that are still as we wrote them go.
 */
enum vk_err vk_setup_block_put_in(struct vk_setup *s, const char *tool, const char *text, size_t n, size_t at,
    const struct vk_buf *lines, struct vk_buf *out) VK_MUST;
enum vk_err vk_setup_block_take_out(const struct vk_setup *s, const char *text, size_t n, struct vk_buf *out,
    enum vk_setup_found *ret_found) VK_MUST;

/* Is ${line}, one of ours, for the section that ${header} begins? */
typedef bool vk_setup_is_for(const char *header, size_t n_header, const char *line, size_t n);

/**
 * vk_setup_blocks_take_out(s, text, n, is_for, out, ret_found):
 * The same where ${s->text} is several such blocks, the one that is last in the file first, each for another section.
 * Where a comment is gone, lines go only from the section that they are for.
 */
enum vk_err vk_setup_blocks_take_out(const struct vk_setup *s, const char *text, size_t n, vk_setup_is_for *is_for,
    struct vk_buf *out, enum vk_setup_found *ret_found) VK_MUST;

/** vk_setup_block_marks_out(s, text, n, out): ${text} without our comments; the lines between them stay. */
enum vk_err vk_setup_block_marks_out(const struct vk_setup *s, const char *text, size_t n,
    struct vk_buf *out) VK_MUST;

/** vk_setup_trust(path): VK_EPOLICY when others than root and this user could replace the program ${path}. */
enum vk_err vk_setup_trust(const char *path) VK_MUST;

/**
 * vk_setup_self(ret_path):
 * The absolute path of this executable, if it is to be trusted: else no tool should be told to start it.
 */
enum vk_err vk_setup_self(char **ret_path) VK_MUST;

/** vk_setup_is_self(path): Is ${path} this executable, or a link to it? */
bool vk_setup_is_self(const char *path) VK_MUST;

/**
 * vk_setup_beside(program, ret_path):
 * The link ${program} to this executable in its directory.  VK_ENOENT: it is not there, so this is a copy without
 * links.
 */
enum vk_err vk_setup_beside(const char *program, char **ret_path) VK_MUST;

/** vk_setup_on_path(program): The first executable ${program} on PATH; NULL when there is none.  Heap. */
char *vk_setup_on_path(const char *program) VK_MUST;

/* A tool's file, for a change locked by a file beside it, as git locks its own. */
struct vk_setup_file {
	char *target; /* links resolved, so that a link stays one */
	char *lock;   /* NULL once it is gone */
	int fd;       /* the lock's, to write the new text to */
	bool exists;
	struct stat st;     /* when it exists */
	struct vk_buf text; /* what is in it now */
};

/** vk_setup_file_read(path, ret), vk_setup_file_begin(path, ret): Without and with the lock. */
enum vk_err vk_setup_file_read(const char *path, struct vk_setup_file *ret) VK_MUST;
enum vk_err vk_setup_file_begin(const char *path, struct vk_setup_file *ret) VK_MUST;

/** vk_setup_file_commit(f, text, n), vk_setup_file_remove(f): The new text takes its place; it goes. */
enum vk_err vk_setup_file_commit(struct vk_setup_file *f, const char *text, size_t n) VK_MUST;
enum vk_err vk_setup_file_remove(struct vk_setup_file *f) VK_MUST;

/** vk_setup_file_end(f): Unlock and release; safe after the others. */
void vk_setup_file_end(struct vk_setup_file *f);

#endif
