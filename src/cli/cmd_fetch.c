/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>

#include "valetkey/policy.h"
#include "cli/cmd.h"
#include "cli/fetch.h"
#include "cli/json_out.h"
#include "crypto/crypto.h"

static int run(int argc, char **argv);

static const struct vk_opt opts[] = {
	{ VK_FETCH_OUTPUT, "output", "FILE", "where to; \"-\": standard output (default: the URL's last part)", false },
	{ VK_FETCH_INPUT, "input", "FILE", "what to fetch, as a JSON document (\"-\": standard input)", false },
	{ VK_FETCH_SHA256, "sha256", "HEX", "what its SHA-256 must be", false },
	{ VK_FETCH_CONTINUE, "continue", NULL, "keep what came when it breaks off, and go on with it", false },
	{ VK_FETCH_RETRIES, "retries", "N", "try again so often (default: 5)", false },
	{ VK_FETCH_TIMEOUT, "timeout", "SECONDS", "for all tries together (default: 3600)", false },
	{ VK_FETCH_CONNECT_TIMEOUT, "connect-timeout", "SECONDS", "for each connection (default: 30)", false },
	{ VK_FETCH_MAX_SIZE, "max-size", "BYTES", "refuse what is larger", false },
	{ VK_FETCH_MAX_REDIRS, "max-redirs", "N", "follow so many redirects (default: 10)", false },
	{ VK_FETCH_DOWNGRADE, "allow-http-redirect", NULL, "follow a redirect from https to http, too", false },
	{ VK_FETCH_PROXY, "proxy", "URL", "go by this proxy, \"\" by none (default: as https_proxy etc. say)", false },
	{ VK_FETCH_ACCEPT, "accept", "TYPE", "ask for this media type", false },
	{ VK_FETCH_CA, "cacert", "FILE", "trust these authorities, and no others", false },
	{ VK_FETCH_CERT, "cert", "FILE", "present this client certificate", false },
	{ VK_FETCH_KEY, "key", "FILE", "its private key, when it is in another file", false },
	{ VK_FETCH_TLS_REQUIRED, "ssl-reqd", NULL, "ftp: demand TLS on the connection", false },
	{ VK_FETCH_USERNAME, "username", "USER", "which account", false },
	{ VK_FETCH_NO_CREDENTIAL, "no-credential", NULL, "present none", false },
	{ VK_FETCH_CONFIG, "config", "FILE", "use this config file", false },
	{ VK_FETCH_PROFILE, "profile", "NAME", "answer for this profile", false },
	{ VK_FETCH_QUIET, "quiet", NULL, "say nothing but errors", false },
	{ VK_FETCH_JSON, "json", NULL, "print the result as a JSON object", false },
};

const struct vk_cmd vk_cmd_fetch = {
	.name = "fetch",
	.args = "[URL]",
	.summary = "download a file with the credential for its URL",
	.help = "Fetches by https, http, ftp or ftps.  The file is there when it is whole and right, and not before.\n"
		"The credential is the one that \"valetkey get URL\" answers; it goes nowhere but where it is for,\n"
		"also when the server sends on.  Exit code 1: there is no such file; 4: refused; 6: it could not\n"
		"be fetched.\n",
	.opts = opts,
	.n_opts = VK_COUNT(opts),
	.run = run,
};

static enum vk_err
not_offline(void)
{
	const char *v = getenv("VALETKEY_OFFLINE");

	if (!v || !*v)
		return VK_OK;
	vk_hint("leave out VALETKEY_OFFLINE");
	return vk_fail(VK_EBACKEND, "nothing is fetched offline");
}

/* VK_OK without a credential: there is none, and the server may not want one. */
static enum vk_err
find(const struct vk_fetch *f, struct vk_cred **ret)
{
	const struct vk_policy_opts opts_of = {
		.config = f->values[VK_FETCH_CONFIG], .profile = f->values[VK_FETCH_PROFILE], .tool = "get",
	};
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	const struct vk_query q = { &f->scope, f->user };
	struct vk_log_entry v = { .event = VK_LOG_ANSWER, .via = "fetch", .asked = &f->scope };
	enum vk_err e;

	if (f->values[VK_FETCH_NO_CREDENTIAL])
		return VK_OK;
	e = vk_policy_open(&opts_of, &p);
	if (e == VK_OK) {
		vk_reason_clear();
		e = vk_policy_find(p, &q, ret);
	}
	if (e == VK_OK) {
		vk_log_cred(&v, *ret);
		return vk_msg_log(p, NULL, &v, 1);
	}
	if (e == VK_ENOENT && !f->user) {
		if (*vk_reason())
			vk_msg_warn("%s; it is fetched without a credential", vk_reason());
		vk_reason_clear();
		return VK_OK;
	}
	if (e == VK_ENOENT && !*vk_reason())
		vk_fail(e, "no credential for %s as %s", f->url, f->user);
	v.event = VK_LOG_REFUSE;
	v.result = e;
	vk_msg_log_refusal(p, &opts_of, &v);
	return e;
}

static void
hint_at_add(const struct vk_fetch *f)
{
	VK_CLEANUP(vk_freep) char *host = vk_scope_hostport(&f->scope);

	if (host)
		vk_hint("there is no credential for it: valetkey add %s://%s --username USER", f->scope.scheme, host);
}

static enum vk_err
check_sum(const struct vk_fetch *f, struct vk_fetch_target *t, char sum[VK_SHA256_HEX + 1])
{
	const char *wanted = f->values[VK_FETCH_SHA256];
	enum vk_err e;

	if (!wanted && !f->values[VK_FETCH_JSON])
		return VK_OK;
	if ((e = vk_sha256_fd(t->r.fd, sum)) != VK_OK || !wanted || strcmp(wanted, sum) == 0)
		return e;
	vk_fetch_target_drop(t);
	return vk_fail(VK_ETAMPER, "its SHA-256 is %s", sum);
}

static enum vk_err
report(const struct vk_fetch *f, const struct vk_fetch_result *r, const char *sum, struct vk_buf *out)
{
	const char *path = f->values[VK_FETCH_OUTPUT];

	if (f->values[VK_FETCH_JSON]) {
		vk_buf_str(out, "{");
		vk_json_member(out, "path", path);
		vk_buf_fmt(out, ", \"bytes\": %" PRIu64 ", \"sha256\": \"%s\"", r->bytes, sum);
		vk_buf_fmt(out, ", \"tries\": %" PRIu64, r->tries);
		vk_buf_fmt(out, ", \"resumed\": %" PRIu64 ", \"length_known\": %s, ", r->resumed,
		    r->length_known ? "true" : "false");
		vk_json_member(out, "origin", r->origin);
		return vk_buf_str(out, "}\n");
	}
	if (f->values[VK_FETCH_QUIET])
		return VK_OK;
	vk_buf_fmt(out, "%s: %" PRIu64 " bytes from %s\n", path, r->bytes, r->origin);
	if (out->p)
		vk_str_printable(out->p, out->len - 1);
	return out->err;
}

static enum vk_err
fetch(struct vk_fetch *f, struct vk_fetch_target *t, struct vk_buf *out)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	struct vk_fetch_result r = { 0 };
	char sum[VK_SHA256_HEX + 1] = "";
	enum vk_err e = vk_fetch_read(f);

	if (e == VK_OK)
		e = vk_fetch_check(f);
	if (e == VK_OK)
		e = not_offline();
	if (e == VK_OK)
		e = vk_fetch_target_open(f, t);
	if (e == VK_OK)
		e = find(f, &c);
	if (e != VK_OK)
		return e;
	if ((e = vk_fetch_call(f, c, t, &r)) == VK_EPOLICY && !c)
		hint_at_add(f);
	if (e == VK_OK)
		e = check_sum(f, t, sum);
	if (e == VK_OK && (e = vk_fetch_target_commit(t)) == VK_OK)
		e = report(f, &r, sum, out);
	if (e == VK_OK && !r.length_known && !f->values[VK_FETCH_SHA256])
		vk_msg_warn("the server did not say how long the file is; --sha256 would tell whether this is all");
	return e;
}

static int
run(int argc, char **argv)
{
	struct vk_opts o = VK_OPTS(&vk_cmd_fetch, argc, argv);
	VK_CLEANUP(vk_fetch_clear) struct vk_fetch f = { .url = NULL };
	VK_CLEANUP(vk_fetch_target_clear) struct vk_fetch_target t = { .r = { .fd = -1 }, .record = -1 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF(64 * 1024);
	enum vk_err e;

	for (size_t i = 0; i < VK_COUNT(f.kept); i++)
		f.kept[i].max = VK_MAX_FIELD;
	for (int id; (id = vk_opts_next(&o)) != 0;) {
		if (id < 0)
			return vk_opts_exit(id);
		f.values[id] = o.arg ? o.arg : "yes";
	}
	if (!vk_opts_operands(&o, 0, 1))
		return 2;
	f.values[VK_FETCH_URL] = argv[o.at];
	if ((e = fetch(&f, &t, &out)) != VK_OK)
		return vk_msg_fail(e);
	/* Standard output has the file. */
	return t.to_stdout || out.len == 0 ? 0 : vk_stdout_report(&out);
}
