/* SPDX-License-Identifier: ISC */
/*
 * pnpm's tokenHelper, https://pnpm.io/npmrc, for each registry in the user's .npmrc, which all versions read.  Up to 10
 * its value is one path of a file, for a shell; from 11 on words without a shell and without certain characters.  So it
 * is a small file of ours for each registry: $XDG_DATA_HOME/valetkey/pnpm/PLACE.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "inject/npm_view.h"
#include "inject/recipe.h"
#include "valetkey/helper.h"
#include "valetkey/io.h"
#include "cli/setup.h"

static bool
pnpm_takes(const struct vk_scope *scope)
{
	return strcmp(scope->scheme, "https") == 0 || strcmp(scope->scheme, "http") == 0;
}

static enum vk_err
pnpm_file(char **ret_path)
{
	char *path = vk_npm_user_file(NULL);

	if (!path)
		return vk_fail(VK_EUSAGE, "HOME is not set, so there is no .npmrc");
	*ret_path = path;
	return VK_OK;
}

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/* "//npm.example:8443/team/" to "npm.example_3a8443_2fteam". */
static enum vk_err
file_name(const char *place, struct vk_buf *out)
{
	size_t n = strlen(place);

	for (size_t i = 2; i + 1 < n; i++)
		if (is_plain(place[i]))
			vk_buf_char(out, place[i]);
		else
			vk_buf_fmt(out, "_%02x", (unsigned)(unsigned char)place[i]);
	return out->err == VK_ELIMIT ? vk_fail(VK_EPOLICY, "it is too long for the name of a file") : out->err;
}

/* pnpm's name for the registry at ${url}, and the file that answers for it. */
static enum vk_err
place_of(const char *url, char **ret_place, char **ret_file)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf name = VK_BUF(NAME_MAX + 1);
	VK_CLEANUP(vk_scope_clear) struct vk_scope scope = { 0 };
	VK_CLEANUP(vk_freep) char *place = NULL;
	VK_CLEANUP(vk_freep) char *below = NULL;
	enum vk_err e = vk_scope_parse(url, &scope, NULL);

	if (e == VK_OK)
		e = vk_npmrc_place(&scope, &place);
	if (e == VK_OK)
		e = file_name(place, &name);
	if (e == VK_OK && !(below = vk_asprintf("valetkey/pnpm/%s", name.p)))
		e = VK_ENOMEM;
	if (e == VK_OK)
		e = vk_user_path(NULL, "XDG_DATA_HOME", ".local/share", below, ret_file);
	if (e != VK_OK)
		return e == VK_EPOLICY ? vk_fail(e, "pnpm cannot be set up for %s: %s", url, vk_reason()) : e;
	*ret_place = VK_TAKE(place);
	return VK_OK;
}

/* Neither a shell nor pnpm may see anything in it but a path. */
static enum vk_err
check_path(const char *path)
{
	for (const char *p = path; *p; p++)
		if (!is_plain(*p) && !strchr("/_+,@:=", *p) && (unsigned char)*p < 0x80) {
			vk_hint("set XDG_DATA_HOME to a directory with a plain name");
			return vk_fail(VK_EPOLICY, "pnpm cannot be told to start %s: \"%c\" means more to it",
			    path, *p);
		}
	return VK_OK;
}

/* Where the list without [sections] ends: what follows a section's header is not the list's. */
static size_t
end_of_list(const char *text, size_t n)
{
	for (size_t at = 0; at < n;) {
		const char *lf = memchr(text + at, '\n', n - at);

		if (text[at + strspn(text + at, " \t")] == '[')
			return at;
		at = lf ? (size_t)(lf - text) + 1 : n;
	}
	return n;
}

static enum vk_err
pnpm_put_in(struct vk_setup *s, const char *text, size_t n, bool force, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf lines = VK_BUF(VK_MAX_FILE);

	(void)force; /* a tokenHelper ranks above a token; a second one of the user's would rank by its place */
	for (size_t i = 0; i < s->n_hosts; i++) {
		VK_CLEANUP(vk_freep) char *place = NULL;
		VK_CLEANUP(vk_freep) char *file = NULL;
		VK_CLEANUP(vk_freep) char *line = NULL;
		enum vk_err e = place_of(s->hosts[i].url, &place, &file);

		if (e == VK_OK)
			e = check_path(file);
		if (e == VK_OK && !(line = vk_asprintf("%s:tokenHelper=", place)))
			e = VK_ENOMEM;
		if (e == VK_OK && lines.p && strstr(lines.p, line))
			e = vk_fail(VK_EPOLICY, "%s by http and by https are one registry to pnpm", place);
		if (e != VK_OK)
			return e;
		vk_buf_fmt(&lines, "%s%s\n", line, file);
	}
	return vk_setup_block_put_in(s, "pnpm", text, n, end_of_list(text, n), &lines, out);
}

static enum vk_err
write_program(const char *path, const struct vk_buf *text)
{
	struct vk_replace r;
	enum vk_err e = vk_mkdir_parents(path, 0700);

	if (e != VK_OK || (e = vk_replace_begin(path, 0700, &r)) != VK_OK)
		return e;
	if ((e = vk_write_full(r.fd, text->p, text->len)) == VK_OK)
		e = vk_replace_commit(&r);
	else
		vk_replace_abort(&r);
	return e == VK_OK ? vk_setup_trust(path) : e;
}

static enum vk_err
pnpm_make_ours(const struct vk_setup *s)
{
	VK_CLEANUP(vk_freep) char *self = NULL;
	enum vk_err e = vk_setup_self(&self);

	for (size_t i = 0; e == VK_OK && i < s->n_hosts; i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF(65536);
		VK_CLEANUP(vk_freep) char *place = NULL;
		VK_CLEANUP(vk_freep) char *file = NULL;

		if ((e = place_of(s->hosts[i].url, &place, &file)) != VK_OK)
			return e;
		vk_buf_str(&text, "#!/bin/sh\n# Made by \"valetkey setup pnpm\"; --undo removes it.\nexec ");
		vk_buf_quote_sh(&text, self);
		vk_buf_str(&text, " helper pnpm-token ");
		vk_buf_quote_sh(&text, s->hosts[i].url);
		vk_buf_char(&text, '\n');
		e = text.err == VK_OK ? write_program(file, &text) : text.err;
	}
	return e;
}

/* Which files they were is in what was put in: XDG_DATA_HOME may be another by now. */
static enum vk_err
pnpm_drop_ours(const struct vk_setup *old, const struct vk_setup *s)
{
	static const char key[] = ":tokenHelper=";

	for (const char *at = strstr(old->text, key), *end; at; at = strstr(end, key)) {
		VK_CLEANUP(vk_freep) char *line = NULL;
		char *file;

		end = at + strcspn(at, "\n");
		if (!(line = vk_asprintf("%.*s\n", (int)(end - at), at)))
			return VK_ENOMEM;
		if (s && strstr(s->text, line))
			continue;
		file = line + strlen(key);
		file[strcspn(file, "\n")] = '\0';
		if (unlink(file) < 0 && errno != ENOENT)
			return vk_fail_errno("cannot remove %s", file);
		/* The last one takes the directory along, if nobody put anything else there. */
		if (strrchr(file, '/') > file)
			*strrchr(file, '/') = '\0';
		(void)rmdir(file);
	}
	return VK_OK;
}

static void
pnpm_advise(const struct vk_setup *s)
{
	static const char *const others[] = { "PNPM_CONFIG_NPMRC_AUTH_FILE", "pnpm_config_npmrc_auth_file",
		"PNPM_CONFIG_USERCONFIG", "pnpm_config_userconfig" };

	for (size_t i = 0; i < VK_COUNT(others); i++) {
		const char *other = getenv(others[i]);

		if (other && strcmp(other, s->file) != 0)
			vk_msg_warn("the variable %s is set, and pnpm 11 reads that file instead: unset it", others[i]);
	}
}

const struct vk_setup_tool vk_setup_pnpm = {
	.name = "pnpm",
	.places = true,
	.takes = pnpm_takes,
	.file = pnpm_file,
	.take_out = vk_setup_block_take_out,
	.put_in = pnpm_put_in,
	.make_ours = pnpm_make_ours,
	.drop_ours = pnpm_drop_ours,
	.advise = pnpm_advise,
};
