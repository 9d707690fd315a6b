/* SPDX-License-Identifier: ISC */
/* The state of valetkey itself: rungs, installation, keystore, config, set-up tools. */
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/config.h"
#include "valetkey/inject.h"
#include "valetkey/policy.h"
#include "valetkey/unlock.h"
#include "cli/doctor.h"
#include "cli/setup.h"
#include "cli/slot_text.h"

static const char *
why(enum vk_err e)
{
	return *vk_reason() ? vk_reason() : vk_err_text(e);
}

void
vk_doctor_rungs(struct vk_doctor *d)
{
	struct vk_rung_probe p[VK_RUNGS];
	enum vk_err e = vk_inject_probe(p);

	if (e != VK_OK) {
		vk_doctor_add(d, VK_DOCTOR_FINDING, "rung", "it could not be tried: %s", why(e));
		return;
	}
	for (size_t i = 0; i < VK_COUNT(p); i++) {
		if (p[i].works) {
			vk_doctor_add(d, VK_DOCTOR_OK, "rung", "\"valetkey run\" uses %s here: %s",
			    vk_rung_name(p[i].rung), p[i].how);
			vk_doctor_add(d, VK_DOCTOR_NOTE, "rung", "what is left when it is killed, on %s: %s",
			    vk_rung_name(p[i].rung), vk_rung_residue(p[i].rung));
			break;
		}
		vk_doctor_add(d, VK_DOCTOR_NOTE, "rung", "%s is not to be had here: %s", vk_rung_name(p[i].rung),
		    p[i].how);
	}
	if (!p[0].works && !p[1].works && !p[2].works)
		vk_doctor_add(d, VK_DOCTOR_FINDING, "rung", "\"valetkey run\" cannot work here");
	vk_doctor_add(d, VK_DOCTOR_NOTE, "rung",
	    "on R2 and R3 confinement of files is in force with --gate, where the kernel has Landlock and the "
	    "command may not mount; else it is not in force, as --verbose says");
}

void
vk_doctor_install(struct vk_doctor *d)
{
	VK_CLEANUP(vk_freep) char *self = NULL;
	enum vk_err e = vk_setup_self(&self);

	if (e == VK_OK) {
		vk_doctor_add(d, VK_DOCTOR_OK, "install", "%s, %s; only root%s can replace it", self,
		    getauxval(AT_BASE) == 0 ? "static" : "dynamically linked",
		    geteuid() == 0 ? "" : " and you");
		return;
	}
	vk_doctor_add(d, VK_DOCTOR_FINDING, "install", "%s", why(e));
	if (*vk_hint_text())
		vk_doctor_fix(d, "%s", vk_hint_text());
	vk_reason_clear();
}

static bool
swap_is_on(void)
{
	char line[256];
	int lines = 0;
	FILE *f = fopen("/proc/swaps", "re");

	while (f && fgets(line, sizeof(line), f))
		lines++;
	if (f)
		fclose(f);
	return lines > 1;
}

static void
memory(struct vk_doctor *d)
{
	void *p = vk_arena_alloc(1);
	bool swap = swap_is_on();

	vk_arena_free(p);
	if (p && vk_arena_locked())
		vk_doctor_add(d, VK_DOCTOR_OK, "memory", "secrets are locked in memory, and left out of core dumps");
	else if (!swap)
		vk_doctor_add(d, VK_DOCTOR_NOTE, "memory",
		    "secrets cannot be locked in memory here, but there is no swap they could get into");
	else {
		vk_doctor_add(d, VK_DOCTOR_FINDING, "memory",
		    "secrets cannot be locked in memory here, and may be swapped to disk");
		vk_doctor_fix(d, "raise RLIMIT_MEMLOCK (ulimit -l) to at least 1024 KiB, or turn swap off");
	}
}

static void
readable(struct vk_doctor *d, const char *area, const char *what, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !(st.st_mode & (S_IRWXG | S_IRWXO)))
		return;
	vk_doctor_add(d, VK_DOCTOR_FINDING, area, "others have access to the %s: %s has mode %03o", what,
	    path, (unsigned)(st.st_mode & 0777));
	vk_doctor_fix(d, "chmod 600 %s", path);
}

static void
session(struct vk_doctor *d, struct vk_store *st)
{
	struct vk_session_info info;

	if (vk_session_describe(st, &info) != VK_OK) {
		vk_reason_clear();
		return;
	}
	if (info.how != VK_UNLOCK_NONE)
		vk_doctor_add(d, VK_DOCTOR_OK, "session", "the key is in: %s%s", info.place,
		    info.user_scope ? ", for every process of yours" : "");
	if (info.elsewhere)
		vk_doctor_add(d, VK_DOCTOR_NOTE, "session",
		    "unlocked in another login session, which this one cannot use");
	if (info.keyring_refused)
		vk_doctor_add(d, VK_DOCTOR_NOTE, "session",
		    "the kernel refuses key calls here (a container?): a session is a file in memory");
}

static void
slots(struct vk_doctor *d, struct vk_store *st, const char *path)
{
	size_t n[VK_SLOT_X25519 + 1] = { 0 };
	struct vk_slot_list l = { .n = 0 };
	struct stat sb = { .st_mode = 0 };

	if (vk_slot_list(st, &l) != VK_OK)
		l.n = 0;
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].type <= VK_SLOT_X25519)
			n[l.v[i].type]++;
	(void)!stat(path, &sb);
	vk_doctor_add(d, VK_DOCTOR_OK, "keystore", "%s, format VKSTORE1, mode %03o; slots: %zu passphrase, "
	    "%zu raw key, %zu external, %zu recipient", path, (unsigned)(sb.st_mode & 0777),
	    n[VK_SLOT_PASSPHRASE], n[VK_SLOT_RAW], n[VK_SLOT_EXTERNAL], n[VK_SLOT_X25519]);
}

/* Every page and record, not only those that a lookup happens to read. */
static void
intact(struct vk_doctor *d, struct vk_store *st)
{
	enum vk_err e = vk_store_verify(st, NULL);

	if (e == VK_OK)
		vk_doctor_add(d, VK_DOCTOR_OK, "keystore", "every page and record of it is authentic");
	else
		vk_doctor_add(d, VK_DOCTOR_FINDING, "keystore", "%s", why(e));
}

static void
unlocked(struct vk_doctor *d, struct vk_store *st)
{
	const char *variable = vk_unlock_variable(), *file = variable ? getenv(variable) : NULL;
	enum vk_unlock_how how = VK_UNLOCK_NONE;
	enum vk_err e = vk_unlock(st, &how);

	if (e == VK_OK)
		vk_doctor_add(d, VK_DOCTOR_OK, "unlock", "unlocked by %s", vk_unlock_how_text(how));
	if (e == VK_OK)
		intact(d, st);
	else if (e == VK_ELOCKED)
		vk_doctor_add(d, VK_DOCTOR_NOTE, "unlock", "%s", why(e));
	else
		vk_doctor_add(d, VK_DOCTOR_FINDING, "unlock", "%s", why(e));
	if (e != VK_OK && *vk_hint_text())
		vk_doctor_fix(d, "%s", vk_hint_text());
	vk_reason_clear();
	if (file && vk_str_ends(variable, "_FILE"))
		readable(d, "unlock", strcmp(variable, "VALETKEY_KEY_FILE") == 0 ? "key file" : "identity file", file);
}

void
vk_doctor_keystore(struct vk_doctor *d)
{
	VK_CLEANUP(vk_store_closep) struct vk_store *st = NULL;
	VK_CLEANUP(vk_freep) char *path = NULL;
	enum vk_err e = vk_store_path(&path);

	if (e == VK_OK)
		e = vk_store_open(path, &st);
	if (e == VK_OK) {
		slots(d, st, path);
		readable(d, "keystore", "keystore, which is encrypted but names its size", path);
		unlocked(d, st);
		session(d, st);
	} else if (e == VK_ENOENT) {
		vk_doctor_add(d, VK_DOCTOR_NOTE, "keystore", "there is none at %s", path);
		vk_doctor_fix(d, "valetkey init");
	} else {
		vk_doctor_add(d, VK_DOCTOR_FINDING, "keystore", "%s", why(e));
		if (*vk_hint_text())
			vk_doctor_fix(d, "%s", vk_hint_text());
	}
	vk_reason_clear();
	memory(d);
}

void
vk_doctor_log(struct vk_doctor *d)
{
	VK_CLEANUP(vk_log_clear) struct vk_log l = { 0 };

	if (vk_log_read(NULL, &l) != VK_OK) {
		vk_reason_clear(); /* vk_doctor_config() says it */
		return;
	}
	if (!l.to) {
		vk_doctor_add(d, VK_DOCTOR_NOTE, "log", "there is none: what is given to whom is not written down");
	} else if (vk_log_check(&l) == VK_OK) {
		vk_doctor_add(d, VK_DOCTOR_OK, "log", "%s can be written%s",
		    vk_log_is_journal(&l) ? "the journal" : l.to, l.required ? ", and nothing is given without" : "");
	} else {
		vk_doctor_add(d, VK_DOCTOR_FINDING, "log", "%s", *vk_reason() ? vk_reason() : "it cannot be written");
		if (*vk_hint_text())
			vk_doctor_fix(d, "%s", vk_hint_text());
	}
	vk_reason_clear();
}

void
vk_doctor_config(struct vk_doctor *d)
{
	struct vk_config c;
	enum vk_err e = vk_config_read(NULL, &c);

	if (e == VK_OK) {
		if (c.n_sections || c.n_profiles || c.locked_is_miss || c.log)
			vk_doctor_add(d, VK_DOCTOR_OK, "config", "credentials: %zu, profiles: %zu",
			    c.n_sections, c.n_profiles);
		else
			vk_doctor_add(d, VK_DOCTOR_NOTE, "config", "there is none, or it is empty");
		vk_config_clear(&c);
		return;
	}
	vk_doctor_add(d, VK_DOCTOR_FINDING, "config", "%s", why(e));
	if (*vk_hint_text())
		vk_doctor_fix(d, "%s", vk_hint_text());
	vk_reason_clear();
}

/* Is what stands in the tool's file what setup would write now? */
static enum vk_err
check_setup(const struct vk_setup_tool *tool, struct vk_setup *s, enum vk_setup_found *ret_found,
    bool *ret_current)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf rest = VK_BUF_SECRET(VK_MAX_FILE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf piece = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_freep) char *was = vk_strdup(s->text);
	struct vk_setup_file f;
	enum vk_err e = was ? VK_OK : VK_ENOMEM;

	if (!tool->file) {
		*ret_found = vk_setup_link_whole(s) ? VK_SETUP_WHOLE : VK_SETUP_GONE;
		*ret_current = true;
		return e;
	}
	if (e != VK_OK || (e = vk_setup_file_read(s->file, &f)) != VK_OK)
		return e;
	e = tool->take_out(s, f.text.p ? f.text.p : "", f.text.len, &rest, ret_found);
	vk_setup_file_end(&f);
	if (e == VK_OK)
		e = vk_setup_preview(tool, s, true, &piece);
	if (e == VK_OK)
		*ret_current = strcmp(was + (*was == '\n'), piece.p ? piece.p : "") == 0;
	return e;
}

static void
one_setup(struct vk_doctor *d, const struct vk_setup_tool *tool)
{
	struct vk_setup s = { 0 };
	enum vk_setup_found found = VK_SETUP_GONE;
	bool current = false;
	enum vk_err e = vk_setup_load(tool, &s);

	if (e == VK_ENOENT) {
		vk_doctor_add(d, VK_DOCTOR_NOTE, "setup", "%s does not ask valetkey", tool->name);
		vk_doctor_fix(d, "valetkey setup %s", tool->name);
		return;
	}
	if (e == VK_OK)
		e = check_setup(tool, &s, &found, &current);
	if (e != VK_OK)
		vk_doctor_add(d, VK_DOCTOR_FINDING, "setup", "%s: %s", tool->name, why(e));
	else if (found == VK_SETUP_WHOLE && current && !tool->takes)
		vk_doctor_add(d, VK_DOCTOR_OK, "setup", "%s asks valetkey (%s)", tool->name, s.file);
	else if (found == VK_SETUP_WHOLE && current)
		vk_doctor_add(d, VK_DOCTOR_OK, "setup", "%s asks valetkey for %zu %s (%s)", tool->name,
		    s.n_hosts, s.n_hosts == 1 ? "host" : "hosts", s.file);
	else
		vk_doctor_add(d, VK_DOCTOR_FINDING, "setup", "%s: what setup put %s %s %s", tool->name,
		    tool->file ? "into" : "at", s.file, found == VK_SETUP_GONE ? "is gone"
			: found == VK_SETUP_WHOLE  ? "is not what this program would put in"
						   : "was changed since");
	if (e != VK_OK || found != VK_SETUP_WHOLE || !current)
		vk_doctor_fix(d, "valetkey setup %s", tool->name);
	vk_reason_clear();
	vk_setup_clear(&s);
}

static void
on_path(struct vk_doctor *d, const struct vk_setup_tool *tool)
{
	VK_CLEANUP(vk_freep) char *path = vk_setup_on_path(tool->program);
	struct vk_setup s = { 0 };

	if (vk_setup_load(tool, &s) == VK_OK && !(path && vk_setup_is_self(path))) {
		vk_doctor_add(d, VK_DOCTOR_FINDING, "setup", path ? "%s finds another %s first on PATH"
		    : "%s does not find %s on PATH", tool->name, tool->program);
		vk_doctor_fix(d, "put the directory of valetkey first on PATH");
	}
	vk_reason_clear();
	vk_setup_clear(&s);
}

void
vk_doctor_setups(struct vk_doctor *d)
{
	for (size_t i = 0; vk_setup_tools[i]; i++)
		one_setup(d, vk_setup_tools[i]);
	on_path(d, &vk_setup_docker);
}
