/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <unistd.h>

#include "inject/recipe.h"
#include "cli/cmd.h"
#include "cli/setup.h"

const struct vk_setup_tool *const vk_setup_tools[] = { &vk_setup_git, &vk_setup_docker, &vk_setup_go,
	&vk_setup_bazel, &vk_setup_terraform, &vk_setup_pip, &vk_setup_uv, &vk_setup_cargo,
	&vk_setup_pnpm, &vk_setup_nuget, &vk_setup_aws, NULL };

static const char *
text_of(const struct vk_setup_file *f)
{
	return f->text.p ? f->text.p : "";
}

/* What was put in is what would be put in now, whatever completed the line before it. */
static bool
same_piece(const struct vk_setup *a, const struct vk_setup *b)
{
	const char *x = a->text, *y = b->text;

	return strcmp(x + (*x == '\n'), y + (*y == '\n')) == 0 && a->replaced.n == b->replaced.n;
}

/* Under the lock of the tool's file, where there is one.  ${s} gets what it adds to. */
static enum vk_err
remembered(const struct vk_setup_tool *tool, struct vk_setup *s, struct vk_setup *ret)
{
	enum vk_err e = vk_setup_load(tool, ret);

	if (e == VK_OK && s->adds)
		e = vk_setup_add_hosts(s, ret);
	return e == VK_ENOENT ? VK_OK : e;
}

/* The text of ${f} without what ${old} put in, then with what ${s} wants. */
static enum vk_err
work_out(const struct vk_setup_tool *tool, const struct vk_setup_file *f, const struct vk_setup *old,
    struct vk_setup *s, bool force, struct vk_buf *out, enum vk_setup_found *ret_found)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf base = VK_BUF_SECRET(VK_MAX_FILE);
	enum vk_setup_found found = VK_SETUP_GONE;
	enum vk_err e;

	if (old->file)
		e = tool->take_out(old, text_of(f), f->text.len, &base, &found);
	else
		e = vk_buf_add(&base, text_of(f), f->text.len);
	if (e == VK_OK)
		e = tool->put_in(s, base.p ? base.p : "", base.len, force, out);
	if (e == VK_OK && ret_found)
		*ret_found = found;
	return e;
}

/* The file of ${tool} is another one than before: the old one gets back what it had. */
static enum vk_err
leave_old_file(const struct vk_setup_tool *tool, struct vk_setup *old, const char *target)
{
	enum vk_setup_found found;
	enum vk_err e;

	if (!old->file || strcmp(old->file, target) == 0)
		return VK_OK;
	e = vk_setup_undo(tool, old, &found);
	vk_setup_clear(old);
	return e;
}

static enum vk_err
apply(const struct vk_setup_tool *tool, struct vk_setup_file *f, struct vk_setup *old,
    struct vk_setup *s, bool force, bool *ret_changed)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE);
	enum vk_setup_found found = VK_SETUP_GONE;
	enum vk_err e = leave_old_file(tool, old, f->target);

	if (e != VK_OK)
		return e;
	s->created = old->file && f->exists ? old->created : !f->exists;
	if (s->replaced.n == 0)
		for (size_t i = 0; i < old->replaced.n; i++)
			if ((e = vk_names_push(&s->replaced, old->replaced.v[i])) != VK_OK)
				return e;
	free(s->file);
	if (!(s->file = vk_strdup(f->target)))
		return VK_ENOMEM;
	if ((e = work_out(tool, f, old, s, force, &out, &found)) != VK_OK)
		return e;
	*ret_changed = !(found == VK_SETUP_WHOLE && same_piece(old, s));
	if (!*ret_changed) {
		/* It may stand before other lines by now, with or without our LF. */
		free(s->text);
		if (!(s->text = vk_strdup(old->text)))
			return VK_ENOMEM;
		e = tool->make_ours ? tool->make_ours(s) : VK_OK;
		return e == VK_OK ? vk_setup_save(tool, s) : e;
	}
	/*
	 * Remembered first: if we end here, undoing looks for what is not there; the other way
	 * round there would be lines that nobody remembers.
	 */
	if ((e = vk_setup_save(tool, s)) == VK_OK && (!tool->make_ours || (e = tool->make_ours(s)) == VK_OK))
		e = vk_setup_file_commit(f, out.p, out.len);
	if (e == VK_OK && tool->drop_ours && old->file)
		e = tool->drop_ours(old, s);
	return e;
}

/* Errors about the text of a tool's file begin with its name. */
static enum vk_err
about(const struct vk_setup_file *f, enum vk_err e)
{
	return e == VK_EPROTO ? vk_fail(e, "%s: %s", f->target, vk_reason()) : e;
}

/* A tool without a file: its links are all there is. */
static enum vk_err
choose_links(const struct vk_setup_tool *tool, bool force, struct vk_setup *old, struct vk_setup *s)
{
	enum vk_err e = remembered(tool, s, old);

	if (e == VK_OK)
		e = vk_setup_link_choose(tool, old, force, s);
	if (e != VK_OK)
		return e;
	free(s->file);
	free(s->text);
	s->file = vk_strdup(s->links.v[0]);
	s->text = vk_strdup("");
	s->created = true;
	return s->file && s->text ? VK_OK : VK_ENOMEM;
}

static enum vk_err
apply_links(const struct vk_setup_tool *tool, struct vk_setup *s, bool force, bool *ret_changed)
{
	struct vk_setup old = { 0 };
	enum vk_err e = choose_links(tool, force, &old, s);
	bool changed = !old.file || !vk_setup_link_whole(s);

	if (e == VK_OK)
		e = vk_setup_save(tool, s);
	if (e == VK_OK)
		e = vk_setup_link_make(&old, s);
	vk_setup_clear(&old);
	if (e == VK_OK)
		*ret_changed = changed;
	return e;
}

static enum vk_err
preview_links(const struct vk_setup_tool *tool, struct vk_setup *s, bool force, struct vk_buf *out)
{
	VK_CLEANUP(vk_freep) char *self = NULL;
	struct vk_setup old = { 0 };
	enum vk_err e = choose_links(tool, force, &old, s);

	vk_setup_clear(&old);
	if (e != VK_OK || (e = vk_setup_self(&self)) != VK_OK)
		return e;
	for (size_t i = 0; i < s->links.n; i++) {
		VK_CLEANUP(vk_freep) char *dir = strndup(s->links.v[i],
		    (size_t)(strrchr(s->links.v[i], '/') - s->links.v[i]));

		if (!dir)
			return VK_ENOMEM;
		vk_buf_str(out, "mkdir -p ");
		vk_buf_quote_sh(out, dir);
		vk_buf_str(out, "\nln -sf ");
		vk_buf_quote_sh(out, self);
		vk_buf_char(out, ' ');
		vk_buf_quote_sh(out, s->links.v[i]);
		vk_buf_char(out, '\n');
	}
	return out->err;
}

enum vk_err
vk_setup_apply(const struct vk_setup_tool *tool, struct vk_setup *s, bool force, bool *ret_changed)
{
	VK_CLEANUP(vk_freep) char *path = NULL;
	struct vk_setup_file f;
	struct vk_setup old = { 0 };
	enum vk_err e;

	if (!tool->file)
		return apply_links(tool, s, force, ret_changed);
	if ((e = tool->file(&path)) != VK_OK || (e = vk_setup_file_begin(path, &f)) != VK_OK)
		return e;
	if ((e = remembered(tool, s, &old)) == VK_OK && (e = vk_setup_link_choose(tool, &old, force, s)) == VK_OK)
		e = about(&f, apply(tool, &f, &old, s, force, ret_changed));
	if (e == VK_OK)
		e = vk_setup_link_make(&old, s);
	vk_setup_clear(&old);
	vk_setup_file_end(&f);
	return e;
}

enum vk_err
vk_setup_preview(const struct vk_setup_tool *tool, struct vk_setup *s, bool force,
    struct vk_buf *ret_out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE);
	VK_CLEANUP(vk_freep) char *path = NULL;
	struct vk_setup_file f;
	struct vk_setup old = { 0 };
	enum vk_err e;

	if (!tool->file)
		return preview_links(tool, s, force, ret_out);
	if ((e = tool->file(&path)) != VK_OK || (e = vk_setup_file_read(path, &f)) != VK_OK)
		return e;
	if ((e = remembered(tool, s, &old)) == VK_OK)
		e = about(&f, work_out(tool, &f, &old, s, force, &out, NULL));
	if (e == VK_OK)
		e = vk_buf_str(ret_out, s->text + (*s->text == '\n'));
	vk_setup_clear(&old);
	vk_setup_file_end(&f);
	return e;
}

enum vk_err
vk_setup_undo(const struct vk_setup_tool *tool, const struct vk_setup *s,
    enum vk_setup_found *ret_found)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE);
	enum vk_setup_found found = VK_SETUP_GONE;
	struct vk_setup_file f;
	struct stat st;
	enum vk_err e = VK_OK;

	if (tool->file && stat(s->file, &st) == 0) {
		if ((e = vk_setup_file_begin(s->file, &f)) != VK_OK)
			return e;
		e = about(&f, tool->take_out(s, text_of(&f), f.text.len, &out, &found));
		if (e == VK_OK && s->created && out.len == 0)
			e = vk_setup_file_remove(&f);
		else if (e == VK_OK && found != VK_SETUP_GONE)
			e = vk_setup_file_commit(&f, out.p ? out.p : "", out.len);
		vk_setup_file_end(&f);
	}
	if (e == VK_OK)
		e = vk_setup_link_remove(tool, s);
	if (e == VK_OK && tool->drop_ours)
		e = tool->drop_ours(s, NULL);
	if (!tool->file && lstat(s->file, &st) < 0)
		found = VK_SETUP_WHOLE;
	if (e == VK_OK)
		e = vk_setup_forget(tool);
	if (e == VK_OK)
		*ret_found = found;
	return e;
}

static enum vk_err
extend(const struct vk_setup_tool *tool, const struct vk_scope *scope)
{
	VK_CLEANUP(vk_freep) char *url = vk_setup_url(tool, scope);
	struct vk_setup old = { 0 }, s = { .adds = true };
	bool changed = false;
	enum vk_err e;

	if (!url)
		return VK_ENOMEM;
	if (!tool->takes || !tool->takes(scope) || (e = vk_setup_load(tool, &old)) == VK_ENOENT)
		return VK_OK;
	if (e == VK_OK && !vk_setup_has(&old, url, *scope->path != '\0')) {
		e = vk_setup_add_host(tool, &s, scope, false);
		if (e == VK_OK)
			e = vk_setup_apply(tool, &s, false, &changed);
		if (e == VK_OK && changed)
			vk_msg_note("%s now asks valetkey for %s as well (%s)", tool->name, url, s.file);
	}
	vk_setup_clear(&old);
	vk_setup_clear(&s);
	return e;
}

void
vk_setup_extend(const struct vk_cred *c)
{
	for (size_t i = 0; vk_setup_tools[i]; i++) {
		const struct vk_setup_tool *tool = vk_setup_tools[i];
		bool wants = (tool->places ? c->kind != VK_KIND_HEADER : !*c->npm_scope) &&
		    !(tool->lacks && tool->lacks(c));
		enum vk_err e = wants ? extend(tool, &c->scope) : VK_OK;

		if (e != VK_OK)
			vk_msg_warn("the configuration of %s was not extended: %s", tool->name,
			    *vk_reason() ? vk_reason() : vk_err_text(e));
	}
	vk_reason_clear();
}
