/* SPDX-License-Identifier: ISC */
/*
 * The configuration file of the AWS tools, "Shared config and credentials files" and "Process credential provider" in
 * the SDKs' reference: "credential_process = PROGRAM WORDS" in the section of a profile, for each entry aws://PROFILE.
 * A second section of one name is an error for botocore, so the line goes into the one that is there.
 */
#include <string.h>

#include "valetkey/helper.h"
#include "valetkey/proto.h"
#include "cli/setup.h"

static bool
aws_takes(const struct vk_scope *scope)
{
	return strcmp(scope->scheme, "aws") == 0 && scope->port == 0 && !*scope->path;
}

static const char *
aws_lacks(const struct vk_cred *c)
{
	/* Of a section for an entry of the keystore it is not known. */
	return c->kind == 0 || (c->kind == VK_KIND_BASIC && *c->username) ? NULL :
	    "it has no user name, which is the access key's id";
}

static enum vk_err
place(const char *variable, const char *usual, char **ret_path)
{
	const char *own = getenv(variable);

	if (own && *own && *own != '/')
		return vk_fail(VK_EUSAGE, "%s must be an absolute path", variable);
	if (own && *own)
		return (*ret_path = vk_strdup(own)) ? VK_OK : VK_ENOMEM;
	return vk_setup_home(usual, ret_path);
}

static enum vk_err
aws_file(char **ret_path)
{
	return place("AWS_CONFIG_FILE", ".aws/config", ret_path);
}

static const char *
profile_of(const struct vk_setup_host *h)
{
	return h->url + strlen("aws://");
}

static bool
is_plain(const char *s)
{
	for (; *s; s++)
		if (!(*s >= '0' && *s <= '9') && !(*s >= 'A' && *s <= 'Z') && !(*s >= 'a' && *s <= 'z') &&
		    !strchr("/._+-", *s))
			return false;
	return true;
}

/*
 * botocore splits the value as Python's shlex does, other SDKs give it to sh, and some end it at a comment: between
 * double quotes all of them agree on what is none of these.
 */
static enum vk_err
quote_program(const char *self, struct vk_buf *out)
{
	const char *q = is_plain(self) ? "" : "\"";

	for (const char *p = self; *p; p++)
		if (strchr("\"\\$`!#;'", *p)) {
			vk_hint("install valetkey at another place");
			return vk_fail(VK_EPOLICY, "the AWS tools cannot be told to start %s: \"%c\" means more",
			    self, *p);
		}
	return vk_buf_fmt(out, "%s%s%s", q, self, q);
}

/* Where a block goes: behind byte ${at}. */
struct spot {
	size_t at;
	const char *profile;
};

static int
by_place(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* ${ret->at} is 0 for a profile that has no section yet. */
static enum vk_err
find_spot(const char *text, size_t n, const char *profile, struct spot *ret)
{
	struct vk_awsconf conf;

	if (!is_plain(profile) || strchr(profile, '/'))
		return vk_fail(VK_EPOLICY, "aws://%s is not the name of a profile that all AWS tools take", profile);
	vk_awsconf_find(text, n, profile, false, &conf);
	if (conf.indented) {
		vk_hint("let the line begin with its bracket");
		return vk_fail(VK_EPROTO, "a section's header is indented, and behind a setting not all AWS tools "
			"take it for one");
	}
	if (conf.twice) {
		vk_hint("leave one of them");
		return vk_fail(VK_EEXIST, "there is more than one section for the profile %s", profile);
	}
	if (conf.has) {
		vk_hint("take that out first, or write the line of \"valetkey helper aws-credential --help\" there");
		return vk_fail(VK_EEXIST, "the section of the profile %s has %s already", profile, conf.has);
	}
	*ret = (struct spot){ conf.at, profile };
	return VK_OK;
}

/* ${text} from ${*from} to ${at}, and ${lines}.  ${s} has its blocks in the order in which they are taken out. */
static enum vk_err
add_block(struct vk_setup *s, const char *text, size_t *from, size_t at, const struct vk_buf *lines,
    struct vk_buf *out)
{
	struct vk_setup one = { 0 };
	enum vk_err e = vk_setup_block_put_in(&one, "aws", text + *from, at - *from, at - *from, lines, out);
	char *all = e == VK_OK ? vk_asprintf("%s%s", one.text, s->text) : NULL;

	vk_setup_clear(&one);
	if (!all)
		return e == VK_OK ? VK_ENOMEM : e;
	free(s->text);
	s->text = all;
	*from = at;
	return VK_OK;
}

static enum vk_err
add_blocks(struct vk_setup *s, const char *text, size_t n, const struct spot *spots, const char *program,
    struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf fresh = VK_BUF(VK_MAX_FILE);
	enum vk_err e = VK_OK;
	size_t from = 0;

	for (size_t i = 0; i < s->n_hosts && e == VK_OK; i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf one = VK_BUF(VK_MAX_FILE);
		struct vk_buf *lines = spots[i].at ? &one : &fresh;
		const char *profile = spots[i].profile;

		if (!spots[i].at)
			vk_buf_fmt(lines, strcmp(profile, "default") == 0 ? "[%s]\n" : "[profile %s]\n", profile);
		vk_buf_fmt(lines, "credential_process = %s helper aws-credential aws://%s\n", program, profile);
		if (spots[i].at)
			e = add_block(s, text, &from, spots[i].at, lines, out);
	}
	if (e == VK_OK && fresh.len > 0)
		e = add_block(s, text, &from, n, &fresh, out);
	return e == VK_OK ? vk_buf_add(out, text + from, n - from) : e;
}

static enum vk_err
aws_put_in(struct vk_setup *s, const char *text, size_t n, bool force, struct vk_buf *out)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf program = VK_BUF(8192);
	VK_CLEANUP(vk_freep) struct spot *spots = calloc(s->n_hosts + 1, sizeof(struct spot));
	VK_CLEANUP(vk_freep) char *self = NULL;
	enum vk_err e = spots ? vk_setup_self(&self) : VK_ENOMEM;

	(void)force;
	if (e == VK_OK)
		e = quote_program(self, &program);
	for (size_t i = 0; i < s->n_hosts && e == VK_OK; i++)
		e = find_spot(text, n, profile_of(&s->hosts[i]), &spots[i]);
	if (e != VK_OK)
		return e;
	free(s->text);
	if (!(s->text = vk_strdup("")))
		return VK_ENOMEM;
	qsort(spots, s->n_hosts, sizeof(struct spot), by_place);
	return add_blocks(s, text, n, spots, program.p, out);
}

/* Is the line of ours, which names a profile, one for the section with this header? */
static bool
is_for(const char *header, size_t n_header, const char *line, size_t n)
{
	const char *url = memmem(line, n, " aws://", strlen(" aws://"));
	size_t at = url ? (size_t)(url - line) + strlen(" aws://") : n;
	VK_CLEANUP(vk_freep) char *profile = strndup(line + at, n - at - (n > at && line[n - 1] == '\n'));

	return profile && vk_awsconf_heads(header, n_header, profile, false);
}

static enum vk_err
aws_take_out(const struct vk_setup *s, const char *text, size_t n, struct vk_buf *out, enum vk_setup_found *ret_found)
{
	return vk_setup_blocks_take_out(s, text, n, is_for, out, ret_found);
}

static void
aws_advise(const struct vk_setup *s)
{
	VK_CLEANUP(vk_freep) char *path = NULL;
	struct vk_setup_file f;
	struct vk_awsconf conf;

	if (getenv("AWS_ACCESS_KEY_ID"))
		vk_msg_warn("the variable AWS_ACCESS_KEY_ID is set, and the AWS tools heed it where no profile is "
			    "named: unset it");
	if (place("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", &path) != VK_OK ||
	    vk_setup_file_read(path, &f) != VK_OK) {
		vk_reason_clear();
		return;
	}
	for (size_t i = 0; i < s->n_hosts && f.text.len > 0; i++) {
		vk_awsconf_find(f.text.p, f.text.len, profile_of(&s->hosts[i]), true, &conf);
		if (conf.has)
			vk_msg_warn("%s has %s for the profile %s, and the AWS tools heed it instead: take it out",
			    path, conf.has, profile_of(&s->hosts[i]));
	}
	vk_setup_file_end(&f);
}

const struct vk_setup_tool vk_setup_aws = {
	.name = "aws",
	.example = "aws://PROFILE --username KEY-ID",
	.takes = aws_takes,
	.lacks = aws_lacks,
	.file = aws_file,
	.take_out = aws_take_out,
	.put_in = aws_put_in,
	.advise = aws_advise,
};
