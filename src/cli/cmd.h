/* SPDX-License-Identifier: ISC */
/*
 * cmd.h - one subcommand per cmd_NAME.c, each exporting one const struct vk_cmd;
 * main.c lists them.  Usage text and option parsing come from the same table, and a
 * test checks that man pages and completions agree with it.
 */
#ifndef VK_CLI_CMD_H
#define VK_CLI_CMD_H

#include "valetkey/base.h"
#include "valetkey/helper.h"
#include "valetkey/secret.h"

struct vk_opt {
	int id;           /* what vk_opts_next() returns; unique in its command, > 0 */
	const char *name; /* long name; there are no short options and no abbreviations */
	const char *arg;  /* "FILE": takes an argument; NULL: takes none */
	const char *help; /* one sentence fragment for --help */
	bool repeat;      /* may be given more than once; else a second time is an error */
};

struct vk_cmd {
	const char *name;
	const char *args;    /* "URL" as in "valetkey add [OPTION...] URL" */
	const char *summary; /* one line for "valetkey --help" */
	const char *help;    /* paragraphs for "valetkey NAME --help"; ends with a newline */
	const struct vk_opt *opts;
	size_t n_opts;
	bool options_first; /* what follows the first operand is not ours to read, as in "run" */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
};

/** The table, in the order of --help; the last pointer is NULL. */
extern const struct vk_cmd *const vk_cmds[];

/*
 * Walks over a command's options, which may stand before, between and behind its operands (they are
 * moved before them), up to "--".  With options_first it stops at the first operand.
 */
struct vk_opts {
	const struct vk_cmd *cmd;
	int argc;
	char **argv;
	int at;          /* once vk_opts_next() returned 0: index of the first operand */
	uint64_t seen;
	const char *arg; /* the current option's argument */
};

/**
 * vk_opts_next(o):
 * The id of the next option, 0 at the end of the options, -1 after an error that
 * was printed (then return 2), -2 when --help was printed (then return 0).
 *
 *	struct vk_opts o = VK_OPTS(&vk_cmd_add, argc, argv);
 *	for (int id; (id = vk_opts_next(&o)) != 0;)
 *		switch (id) {
 *		case OPT_NAME: name = o.arg; break;
 *		default: return vk_opts_exit(id);
 *		}
 */
#define VK_OPTS(c, ac, av) { .cmd = (c), .argc = (ac), .argv = (av), .at = 1 }
int vk_opts_next(struct vk_opts *o);

/** vk_opts_exit(id): The exit code for a negative ${id}. */
int vk_opts_exit(int id);

/** vk_opts_operands(o, min, max): Check their number; prints and returns false when wrong. */
bool vk_opts_operands(const struct vk_opts *o, int min, int max) VK_MUST;

/** vk_stdout_text(text, n): Write to stdout in one piece; returns the exit code (6 when it fails). */
int vk_stdout_text(const char *text, size_t n);

/** vk_stdout_report(b): The same of a change that was made: when it fails, the message says that it was. */
int vk_stdout_report(const struct vk_buf *b);

/** vk_use_colour(fd): A terminal, and neither NO_COLOR nor TERM=dumb? */
bool vk_use_colour(int fd);

#endif
