/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "valetkey/policy.h"
#include "valetkey/unlock.h"
#include "cli/cmd.h"
#include "cli/entry.h"
#include "cli/json_out.h"
#include "cli/slot_text.h"
#include "cli/when.h"

static int run(int argc, char **argv);

enum { OPT_JSON = 1 };

static const struct vk_opt opts[] = {
	{ OPT_JSON, "json", NULL, "print a JSON object", false },
};

const struct vk_cmd vk_cmd_status = {
	.name = "status",
	.args = "",
	.summary = "say where the keystore is and whether it is unlocked",
	.help = "Exit code 0: unlocked; 3: locked; 1: there is no keystore.  VALETKEY_STORE_ID can be set to the\n"
		"id or the pin: then no other keystore is opened.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

/* vk_store_open() takes no other. */
#define FORMAT "VKSTORE1"

struct status {
	char *path;
	struct vk_store *st; /* NULL: there is none, or none that can be read */
	struct vk_slot_list slots;
	char pin[VK_PIN_TEXT + 1]; /* begins with the id */
	struct vk_session_info session;
	enum vk_unlock_how how; /* VK_UNLOCK_NONE: locked */
	uint64_t entries;       /* when unlocked */
	enum vk_err outcome;    /* of vk_unlock(), or of what came before it */
	char why[1024], hint[1024];
	struct vk_log log;
	char log_why[1024]; /* "": lines can be written, or there is no log */
};

/* A config that cannot be read leaves the rest of the answer. */
static void
look_for_log(struct status *s)
{
	enum vk_err e = vk_log_read(NULL, &s->log);

	if (e == VK_OK && s->log.to)
		e = vk_log_check(&s->log);
	if (e != VK_OK)
		snprintf(s->log_why, sizeof(s->log_why), "%s", *vk_reason() ? vk_reason() : vk_err_text(e));
	vk_reason_clear();
}

static void
log_text(const struct status *s, struct vk_buf *b)
{
	vk_buf_str(b, "log       ");
	vk_printable_add(b, s->log.to ? s->log.to : *s->log_why ? "not known" : "none", 0);
	if (*s->log_why)
		vk_buf_fmt(b, ": %s", s->log_why);
	else if (s->log.to)
		vk_buf_fmt(b, ", can be written%s", s->log.required ? "; nothing is given without" : "");
	vk_buf_char(b, '\n');
}

static void
log_json(const struct status *s, struct vk_buf *b)
{
	if (!s->log.to && !*s->log_why) {
		vk_buf_str(b, ", \"log\": null");
		return;
	}
	vk_buf_fmt(b, ", \"log\": {\"writable\": %s, \"required\": %s, ", *s->log_why ? "false" : "true",
	    s->log.required ? "true" : "false");
	vk_json_member(b, "to", s->log.to ? s->log.to : "");
	vk_buf_str(b, ", ");
	vk_json_member(b, "reason", s->log_why);
	vk_buf_char(b, '}');
}

/* What was said last belongs to this outcome only if it is a failure. */
static void
note(struct status *s, enum vk_err e)
{
	s->outcome = e;
	snprintf(s->why, sizeof(s->why), "%s", e == VK_OK ? "" : vk_reason());
	snprintf(s->hint, sizeof(s->hint), "%s", e == VK_OK ? "" : vk_hint_text());
}

/* VK_OK also when there is no keystore. */
static enum vk_err
look(struct status *s)
{
	enum vk_err e = vk_store_open(s->path, &s->st);

	if (e == VK_OK)
		e = vk_slot_list(s->st, &s->slots);
	if (e != VK_OK) {
		note(s, e);
		vk_store_close(VK_TAKE(s->st));
		return e == VK_ENOENT ? VK_OK : e;
	}
	vk_pin_text(s->st, s->pin);
	/* A session that cannot be read leaves the rest of the answer; vk_unlock() tells why. */
	if (vk_session_describe(s->st, &s->session) != VK_OK)
		s->session = (struct vk_session_info){ .how = VK_UNLOCK_NONE };
	vk_reason_clear();
	note(s, vk_unlock(s->st, &s->how));
	return s->outcome == VK_OK ? vk_store_count(s->st, &s->entries) : VK_OK;
}

static bool
refused(enum vk_err e)
{
	return e == VK_ETAMPER || e == VK_EPOLICY;
}

static const char *
state_of(const struct status *s)
{
	if (s->how != VK_UNLOCK_NONE)
		return "unlocked";
	if (s->outcome == VK_EPOLICY || (s->st && refused(s->outcome)))
		return "refused";
	if (s->st)
		return "locked";
	return s->outcome == VK_ENOENT ? "none" : s->outcome == VK_ETAMPER ? "damaged"
	    : s->outcome == VK_EVERSION ? "unknown-version" : "unreadable";
}

/* Only a session remembers how new the file was. */
static bool
notices_rollback(const struct status *s)
{
	return s->how == VK_UNLOCK_KEYRING || s->how == VK_UNLOCK_SESSION_FILE;
}

static void
put_text(const struct status *s, struct vk_buf *b)
{
	char left[VK_WHEN_TEXT];

	vk_buf_str(b, "keystore  ");
	vk_printable_add(b, s->path, 0);
	if (!s->st) {
		vk_buf_str(b, "\nstate     there is none; run \"valetkey init\"\n");
		log_text(s, b);
		return;
	}
	vk_buf_fmt(b, "\nformat    %s, generation %" PRIu64 "\n", FORMAT, vk_store_generation(s->st));
	vk_buf_fmt(b, "id        %.*s\npin       %s\n", 2 * VK_STORE_ID_LEN, s->pin, s->pin);
	for (size_t i = 0; i < s->slots.n; i++) {
		vk_buf_str(b, "slot      ");
		vk_slot_describe(b, &s->slots.v[i]);
		vk_buf_char(b, '\n');
	}
	if (s->how != VK_UNLOCK_NONE)
		vk_buf_fmt(b, "state     unlocked by %s, %" PRIu64 " %s\n", vk_unlock_how_text(s->how),
		    s->entries, s->entries == 1 ? "entry" : "entries");
	else
		vk_buf_fmt(b, "state     %s: %s\n", refused(s->outcome) ? "refused" : "locked", s->why);
	if (s->session.how != VK_UNLOCK_NONE) {
		vk_when_left(s->session.expires, vk_when_now(), left);
		vk_buf_str(b, "session   ");
		vk_printable_add(b, s->session.place, 0);
		vk_buf_fmt(b, ", ends %s\n", left);
	} else {
		vk_buf_fmt(b, "session   %s\n", s->session.damaged ? "damaged" : "none");
	}
	if (s->session.elsewhere)
		vk_buf_str(b, "          unlocked in another session, which this one cannot use\n");
	if (s->session.unseen && !s->session.keyring_refused)
		vk_buf_str(b, "          other sessions cannot be seen: /proc/keys is not readable\n");
	if (s->session.keyring_gone)
		vk_buf_str(b, "          this process's session keyring has ended, with its login session\n");
	if (s->how != VK_UNLOCK_NONE)
		vk_buf_fmt(b, "rollback  %s\n", notices_rollback(s) ? "an older copy of the keystore would be noticed"
			: "not noticed: with a key or an identity nothing is remembered of the file");
	if (s->session.keyring_refused)
		vk_buf_str(b, "keyring   refused by the kernel here (a container?); sessions are kept in a file "
			      "in memory\n");
	vk_buf_fmt(b, "memory    secrets are %s\n",
	    vk_arena_locked() ? "locked in memory" : "not locked in memory: they may be swapped");
	log_text(s, b);
	if (s->how == VK_UNLOCK_NONE && *s->hint)
		vk_buf_fmt(b, "next      %s\n", s->hint);
}

static void
json_slots(const struct status *s, struct vk_buf *b)
{
	vk_buf_str(b, ", \"slots\": [");
	for (size_t i = 0; i < s->slots.n; i++) {
		vk_buf_str(b, i ? ", " : "");
		vk_slot_json(b, &s->slots.v[i], false);
	}
	vk_buf_char(b, ']');
}

static void
put_json(const struct status *s, struct vk_buf *b)
{
	static const char *const hows[] = {
		[VK_UNLOCK_NONE] = "none",
		[VK_UNLOCK_KEY_ENV] = "key-variable",
		[VK_UNLOCK_KEY_FILE] = "key-file",
		[VK_UNLOCK_IDENTITY_ENV] = "identity-variable",
		[VK_UNLOCK_IDENTITY_FILE] = "identity-file",
		[VK_UNLOCK_KEYRING] = "keyring",
		[VK_UNLOCK_SESSION_FILE] = "session-file",
	};

	vk_buf_char(b, '{');
	vk_json_member(b, "keystore", s->path);
	vk_buf_fmt(b, ", \"exists\": %s, \"state\": \"%s\", \"unlocked\": %s, ",
	    s->outcome != VK_ENOENT || s->st ? "true" : "false", state_of(s),
	    s->how != VK_UNLOCK_NONE ? "true" : "false");
	if (s->how != VK_UNLOCK_NONE) {
		vk_buf_fmt(b, "\"entries\": %" PRIu64, s->entries);
	} else {
		vk_json_member(b, "reason", s->why);
		vk_buf_str(b, ", ");
		vk_json_member(b, "hint", s->hint);
	}
	if (s->st) {
		vk_buf_fmt(b, ", \"format\": \"%s\", \"generation\": %" PRIu64 ", \"how\": \"%s\"", FORMAT,
		    vk_store_generation(s->st), hows[s->how]);
		vk_buf_fmt(b, ", \"id\": \"%.*s\", \"pin\": \"%s\"", 2 * VK_STORE_ID_LEN, s->pin, s->pin);
		json_slots(s, b);
		vk_buf_fmt(b, ", \"rollback_noticed\": %s, \"session\": {\"kind\": \"%s\", ",
		    notices_rollback(s) ? "true" : "false", hows[s->session.how]);
		vk_json_member(b, "place", s->session.place);
		vk_buf_str(b, ", ");
		vk_json_time(b, "expires", s->session.expires);
		vk_buf_fmt(b, ", \"user_scope\": %s, \"damaged\": %s, \"elsewhere\": %s}, \"keyring_refused\": %s",
		    s->session.user_scope ? "true" : "false", s->session.damaged ? "true" : "false",
		    s->session.unseen ? "null" : s->session.elsewhere ? "true" : "false",
		    s->session.keyring_refused ? "true" : "false");
	}
	log_json(s, b);
	vk_buf_fmt(b, ", \"memory_locked\": %s}\n", vk_arena_locked() ? "true" : "false");
}

/* Programs get their object whatever is the matter, people a message. */
static int
report(const struct status *s, bool json, enum vk_err e)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(256 * 1024);
	int status;

	if (e != VK_OK && !json)
		return vk_msg_fail(e);
	json ? put_json(s, &b) : put_text(s, &b);
	if (b.err != VK_OK)
		return vk_msg_fail(b.err);
	status = vk_stdout_text(b.p, b.len);
	if (status != 0)
		return status;
	return e == VK_OK ? vk_err_exit(s->outcome) : vk_msg_fail(e);
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_status, argc, argv);
	struct status s = { .how = VK_UNLOCK_NONE };
	bool json = false;
	int status;
	enum vk_err e;

	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id != OPT_JSON)
			return vk_opts_exit(id);
		json = true;
	}
	if (!vk_opts_operands(&o, 0, 0))
		return 2;
	look_for_log(&s);
	if ((e = vk_store_path(&s.path)) == VK_OK)
		e = look(&s);
	status = s.path ? report(&s, json, e) : vk_msg_fail(e);
	vk_store_close(s.st);
	vk_log_clear(&s.log);
	free(s.path);
	return status;
}
