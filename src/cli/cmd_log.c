/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/policy.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/log_read.h"
#include "cli/rows.h"
#include "cli/when.h"

static int run(int argc, char **argv);

enum { OPT_JSON = 1, OPT_SINCE, OPT_HOST, OPT_CREDENTIAL, OPT_EVENT, OPT_LAST, OPT_CONFIG };

static const struct vk_opt opts[] = {
	{ OPT_JSON, "json", NULL, "print the lines themselves, one JSON object each", false },
	{ OPT_SINCE, "since", "TIME", "not older: 90m, 7d, 2030-01-31, 2030-01-31T12:00:00Z", false },
	{ OPT_HOST, "host", "HOST", "about this host, or HOST:PORT", false },
	{ OPT_CREDENTIAL, "credential", "NAME", "about this credential", false },
	{ OPT_EVENT, "event", "EVENT", "answer, inject, export, refuse, store, erase or end", false },
	{ OPT_LAST, "last", "N", "only the last N of these", false },
	{ OPT_CONFIG, "config", "FILE", "use this config file", false },
};

const struct vk_cmd vk_cmd_log = {
	.name = "log",
	.args = "[FILE]",
	.summary = "show which credential was given to whom",
	.help = "Shows the log that the config or VALETKEY_LOG names, or FILE, which may be an older one.  Nothing is\n"
		"logged unless one of them does:\n\n"
		"  [valetkey]\n"
		"  log = /home/me/.local/state/valetkey.log\n\n"
		"Exit code 0: something was shown; 1: nothing, or there is no such file; 5: some lines are damaged\n"
		"and were left out.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

static const struct vk_column columns[] = {
	{ "TIME", 20 }, { "EVENT", 6 }, { "VIA", 6 }, { "PROGRAM", 20 }, { "FOR", 32 }, { "CREDENTIAL", 22 },
	{ "HOW", 18 }, { "RESULT", 0 },
};

struct showing {
	const char *file; /* the operand, or NULL */
	const char *config;
	const char *host, *credential, *event;
	char since[VK_WHEN_TEXT]; /* as it stands in a line; "" for the beginning */
	uint64_t last;            /* 0: all of them */
	bool json;
	struct vk_buf out;
	bool counting;         /* of all that match, first */
	uint64_t matching, at;
	uint64_t shown;
};

static const char *
member(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static bool
matches_host(const char *wanted, const json_t *j)
{
	VK_CLEANUP(vk_freep) char *with_port = NULL;
	const char *host = member(j, "host");

	if (vk_str_ieq(wanted, host))
		return true;
	with_port = vk_asprintf("%s:%" PRId64, host, (int64_t)json_integer_value(json_object_get(j, "port")));
	return with_port && vk_str_ieq(wanted, with_port);
}

static bool
matches(const struct showing *s, const json_t *j)
{
	return (!*s->since || strcmp(member(j, "time"), s->since) >= 0) &&
	    (!s->host || matches_host(s->host, j)) &&
	    (!s->credential || strcmp(s->credential, member(j, "credential")) == 0) &&
	    (!s->event || strcmp(s->event, member(j, "event")) == 0);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* "https://host:port/path", or less. */
static char *
place(const json_t *j)
{
	struct vk_scope s = {
		.scheme = (char *)(uintptr_t)member(j, "scheme"), .host = (char *)(uintptr_t)member(j, "host"),
		.port = (unsigned)json_integer_value(json_object_get(j, "port")),
		.path = (char *)(uintptr_t)member(j, "path"),
	};

	return *s.scheme ? vk_scope_url(&s) : vk_strdup("");
}

/* What it was given as, or how it ended. */
static char *
manner(const json_t *j)
{
	const json_t *status = json_object_get(j, "status"), *sig = json_object_get(j, "signal");
	const char *way = member(j, "way"), *rung = member(j, "rung");

	if (status || sig)
		return vk_asprintf("%s %" PRId64, status ? "status" : "signal",
		    (int64_t)json_integer_value(status ? status : sig));
	return vk_asprintf("%s%s%s%s%s", rung, *rung && *way ? " " : "", way, *way ? " " : "", member(j, "to"));
}

/* Milliseconds are for programs. */
static char *
seconds_of(const char *stamp)
{
	size_t n = strcspn(stamp, ".");

	return vk_asprintf("%.*s%s", (int)n, stamp, stamp[n] ? "Z" : "");
}

static enum vk_err
row(struct vk_buf *b, const json_t *j)
{
	VK_CLEANUP(vk_freep) char *url = place(j);
	VK_CLEANUP(vk_freep) char *how = manner(j);
	VK_CLEANUP(vk_freep) char *stamp = seconds_of(member(j, "time"));
	const char *command = member(j, "command"), *credential = member(j, "credential");

	if (!url || !how || !stamp)
		return VK_ENOMEM;
	vk_rows_add(b, columns, VK_COUNT(columns), (const char *const[]){ stamp, member(j, "event"), member(j, "via"),
		     base_name(*command ? command : member(j, "program")), url,
		     *credential ? credential : member(j, "username"), how, member(j, "result") });
	return b->err;
}

/* As it stands there, but for what a terminal would obey; that can only be inside of a text. */
static enum vk_err
raw(struct vk_buf *b, const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)line[i];
		bool c1 = c == 0xc2 && i + 1 < n && (unsigned char)line[i + 1] < 0xa0;

		if (c1)
			c = (unsigned char)line[++i];
		if (c1 || c == 0x7f)
			vk_buf_fmt(b, "\\u%04x", c);
		else if (c >= 0x20)
			vk_buf_char(b, (char)c);
	}
	return vk_buf_char(b, '\n');
}

static enum vk_err
show(struct showing *s, const char *line, size_t n, const json_t *j)
{
	enum vk_err e;

	if (s->shown++ == 0 && !s->json)
		vk_rows_heading(&s->out, columns, VK_COUNT(columns));
	e = s->json ? raw(&s->out, line, n) : row(&s->out, j);
	return e == VK_OK && s->out.len >= VK_ROWS_FLUSH_AT ? vk_rows_flush(&s->out) : e;
}

static enum vk_err
take(void *arg, const char *line, size_t n, json_t *j)
{
	struct showing *s = arg;
	if (!matches(s, j))
		return VK_OK;
	if (s->counting) {
		s->matching++;
		return VK_OK;
	}
	/* Where only the last are wanted; what has been added since they were counted is not for us. */
	if (s->last > 0 && (s->at++ + s->last < s->matching || s->at > s->matching))
		return VK_OK;
	return show(s, line, n, j);
}

/* Which file, when none is named. */
static enum vk_err
find_file(const struct showing *s, char **ret)
{
	VK_CLEANUP(vk_log_clear) struct vk_log l = { 0 };
	struct vk_policy_opts opts_of = { .config = s->config };
	enum vk_err e = vk_log_read(&opts_of, &l);

	if (e != VK_OK)
		return e;
	if (!l.to) {
		vk_hint("log = /absolute/file in the section [valetkey] of the config begins one; see valetkey-log(1)");
		return vk_fail(VK_EUSAGE, "nothing is logged: neither the config nor VALETKEY_LOG names a log");
	}
	if (vk_log_is_journal(&l)) {
		vk_hint("journalctl -t valetkey, with -o verbose for all fields");
		return vk_fail(VK_EUSAGE, "the log is systemd's journal, which has a reader of its own");
	}
	*ret = VK_TAKE(l.to);
	return VK_OK;
}

static enum vk_err
open_file(const char *path, int *ret)
{
	VK_CLEANUP(vk_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return vk_fail(VK_ENOENT, "there is no log %s (yet)", path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return vk_fail_errno("cannot read the log %s", path);
	if (!S_ISREG(st.st_mode))
		return vk_fail(VK_EUSAGE, "%s is not a regular file", path);
	*ret = fd;
	fd = -1;
	return VK_OK;
}

static enum vk_err
read_log(struct showing *s, struct vk_log_reader *r)
{
	VK_CLEANUP(vk_freep) char *path = s->file ? vk_strdup(s->file) : NULL;
	VK_CLEANUP(vk_closep) int fd = -1;
	enum vk_err e = VK_OK;

	if (s->file && !path)
		return VK_ENOMEM;
	if (!s->file)
		e = find_file(s, &path);
	if (e == VK_OK)
		e = open_file(path, &fd);
	s->counting = s->last > 0;
	if (e == VK_OK && s->counting) {
		struct vk_log_reader count = *r;

		if ((e = vk_log_read_all(fd, &count)) == VK_OK && lseek(fd, 0, SEEK_SET) < 0)
			e = vk_fail_errno("cannot read the log %s", path);
	}
	s->counting = false;
	if (e == VK_OK)
		e = vk_log_read_all(fd, r);
	return e == VK_OK ? vk_rows_flush(&s->out) : e;
}

static int
report(struct showing *s)
{
	struct vk_log_reader r = { .take = take, .arg = s };
	enum vk_err e = read_log(s, &r);

	vk_buf_clear(&s->out);
	if (e != VK_OK)
		return vk_msg_fail(e);
	if (r.damaged > 0)
		return vk_msg_fail(vk_fail(VK_ETAMPER, "%" PRIu64 " of %" PRIu64 " lines are damaged, and were left "
		    "out", r.damaged, r.lines + r.damaged));
	if (s->shown == 0)
		vk_msg_note(r.lines ? "no line is about that" : "the log is empty");
	return s->shown == 0;
}

static enum vk_err
take_option(struct showing *s, int id, const char *arg)
{
	enum vk_log_event event;
	int64_t since;
	enum vk_err e;

	switch (id) {
	case OPT_JSON:
		s->json = true;
		return VK_OK;
	case OPT_SINCE:
		if ((e = vk_when_since(arg, vk_when_now(), &since)) == VK_OK && since > 0) {
			/* Without the Z: the lines have milliseconds there. */
			vk_when_stamp(since, s->since);
			s->since[strcspn(s->since, "Z")] = '\0';
		}
		return e;
	case OPT_HOST:
		s->host = arg;
		return VK_OK;
	case OPT_CREDENTIAL:
		s->credential = arg;
		return VK_OK;
	case OPT_EVENT:
		s->event = arg;
		return vk_log_event_parse(arg, &event);
	case OPT_LAST:
		if (vk_str_u64(arg, UINT32_MAX, &s->last) != VK_OK || s->last == 0)
			return vk_fail(VK_EUSAGE, "--last: how many lines, 1 or more");
		return VK_OK;
	default:
		s->config = arg;
		return VK_OK;
	}
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_log, argc, argv);
	struct showing s = { .out = VK_BUF(VK_ROWS_FLUSH_AT + 4 * VK_LOG_LINE_MAX) };
	enum vk_err e;

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id < 0)
			return vk_opts_exit(id);
		if ((e = take_option(&s, id, o.arg)) != VK_OK)
			return vk_msg_fail(e);
	}
	if (!vk_opts_operands(&o, 0, 1))
		return 2;
	s.file = o.at < argc ? argv[o.at] : NULL;
	return report(&s);
}
