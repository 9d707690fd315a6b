/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/secret.h"
#include "cli/cmd.h"

enum { HELP_GIVEN = -2, HELP_NOT_GIVEN = -3 };

static const struct vk_opt *
find(const struct vk_cmd *cmd, const char *name, size_t n)
{
	for (size_t i = 0; i < cmd->n_opts; i++)
		if (strlen(cmd->opts[i].name) == n && memcmp(cmd->opts[i].name, name, n) == 0)
			return &cmd->opts[i];
	return NULL;
}

static int
bad(const struct vk_opts *o, const char *what, const char *name, int n)
{
	vk_msg_usage("%s %s: --%.*s (see \"valetkey %s --help\")", o->cmd->name, what, n, name,
	    o->cmd->name);
	return -1;
}

/* Take the word that stands behind ${ahead} operands; they move up behind it. */
static const char *
take(struct vk_opts *o, int ahead)
{
	char **at = o->argv + o->at++;
	char *word = at[ahead];

	memmove(at + 1, at, (size_t)ahead * sizeof(*at));
	*at = word;
	return word;
}

/* What vk_opts_next() returns. */
static int
print_help(const struct vk_cmd *cmd)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(65536);

	vk_buf_fmt(&b, "usage: valetkey %s%s%s%s\n\n%s", cmd->name, cmd->n_opts ? " [OPTION...]" : "",
	    *cmd->args ? " " : "", cmd->args, cmd->help);
	if (cmd->n_opts)
		vk_buf_str(&b, "\noptions:\n");
	for (size_t i = 0; i < cmd->n_opts; i++) {
		const struct vk_opt *o = &cmd->opts[i];
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "",
		    o->arg ? o->arg : "");
		vk_buf_fmt(&b, "  %-28s %s\n", left, o->help);
	}
	return b.err == VK_OK && vk_stdout_text(b.p, b.len) == 0 ? HELP_GIVEN : HELP_NOT_GIVEN;
}

/*
 * Not getopt_long(): it accepts abbreviations, which break scripts when options
 * are added, and cannot refuse an option that is given twice.
 */
int
vk_opts_next(struct vk_opts *o)
{
	const struct vk_opt *opt;
	const char *word, *value;
	int ahead = 0;
	size_t n;

	o->arg = NULL;
	while (o->at + ahead < o->argc &&
	    (o->argv[o->at + ahead][0] != '-' || o->argv[o->at + ahead][1] == '\0'))
		ahead++;
	if (o->at + ahead >= o->argc || (ahead && o->cmd->options_first))
		return 0;
	word = take(o, ahead);
	if (strcmp(word, "--") == 0)
		return 0;
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		return print_help(o->cmd);
	}
	if (word[1] != '-') {
		vk_msg_usage("%s has no short options: %s (see \"valetkey %s --help\")",
		    o->cmd->name, word, o->cmd->name);
		return -1;
	}
	word += 2;
	value = strchr(word, '=');
	n = value ? (size_t)(value - word) : strlen(word);
	if (!(opt = find(o->cmd, word, n)))
		return bad(o, "has no such option", word, (int)n);
	if (!opt->repeat && (o->seen >> (opt - o->cmd->opts) & 1))
		return bad(o, "option given twice", word, (int)n);
	o->seen |= (uint64_t)1 << (opt - o->cmd->opts);
	if (!opt->arg && value)
		return bad(o, "option takes no argument", word, (int)n);
	if (opt->arg && value)
		o->arg = value + 1;
	else if (opt->arg && o->at + ahead < o->argc)
		o->arg = take(o, ahead);
	else if (opt->arg)
		return bad(o, "option needs an argument", word, (int)n);
	return opt->id;
}

int
vk_opts_exit(int id)
{
	return id == HELP_GIVEN ? 0 : id == HELP_NOT_GIVEN ? vk_err_exit(VK_ESYS) : 2;
}

bool
vk_opts_operands(const struct vk_opts *o, int min, int max)
{
	int n = o->argc - o->at;

	if (n >= min && (max < 0 || n <= max))
		return true;
	vk_msg_usage("%s: %s (usage: valetkey %s%s %s)", o->cmd->name,
	    n < min ? "something is missing" : "too many arguments", o->cmd->name,
	    o->cmd->n_opts ? " [OPTION...]" : "", o->cmd->args);
	return false;
}
