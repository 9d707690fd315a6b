/* SPDX-License-Identifier: ISC */
#include "cli/cmd.h"
#include "cli/scan_wanted.h"

void
vk_scan_wanted_clear(struct vk_scan_wanted *w)
{
	vk_forms_clear(&w->forms);
	for (size_t i = 0; i < w->n_owners; i++)
		free(w->owners[i]);
	free(w->owners);
}

static char *
name_of(const struct vk_cred *c)
{
	VK_CLEANUP(vk_freep) char *url = *c->name ? NULL : vk_scope_url(&c->scope);

	if (*c->name)
		return vk_strdup(c->name);
	return url && *c->username ? vk_asprintf("%s of %s", c->username, url) : VK_TAKE(url);
}

static enum vk_err
add_forms(struct vk_scan_wanted *w, const struct vk_cred *c, struct vk_scan_report *r)
{
	unsigned owner = (unsigned)w->n_owners - 1;
	enum vk_err e = vk_forms_add(&w->forms, c->secret.p, c->secret.n, owner), pair;

	if (e == VK_ENOENT) {
		vk_scan_report_problem(r, w->owners[owner], "not looked for: its secret is shorter than 8 characters");
		e = VK_OK;
	}
	/* A short secret may still be found with its user name. */
	if (e == VK_OK && *c->username) {
		pair = vk_forms_pair(&w->forms, c->username, c->secret.p, c->secret.n, owner);
		e = pair == VK_ENOENT ? VK_OK : pair;
	}
	if (e == VK_OK && c->refresh.p && (e = vk_forms_add(&w->forms, c->refresh.p, c->refresh.n, owner)) == VK_ENOENT)
		e = VK_OK;
	if (e != VK_ELIMIT)
		return e;
	vk_reason_clear();
	vk_scan_report_problem(r, w->owners[owner], "not looked for in all its forms: there is no room for so many");
	return VK_OK;
}

enum vk_err
vk_scan_want(struct vk_scan_wanted *w, const struct vk_cred_list *l, struct vk_scan_report *r)
{
	enum vk_err e = VK_OK;

	if (l->n == 0) {
		vk_hint("add one with \"valetkey add URL\", or name a profile with --profile");
		return vk_fail(VK_EUSAGE, "there is no credential to look for");
	}
	if (!(w->owners = calloc(l->n, sizeof(*w->owners))))
		return VK_ENOMEM;
	for (size_t i = 0; i < l->n && e == VK_OK; i++) {
		if (!(w->owners[w->n_owners] = name_of(l->v[i])))
			return VK_ENOMEM;
		w->n_owners++;
		if (l->v[i]->secret.p)
			e = add_forms(w, l->v[i], r);
	}
	return e;
}

int
vk_scan_search(const struct vk_scan_wanted *w, struct vk_scan_report *r, const struct vk_scan_call *call)
{
	enum vk_err e;
	bool found;
	int status;

	r->names = w->owners;
	if ((e = vk_scan_report_begin(r)) != VK_OK)
		return vk_msg_fail(e);
	e = vk_scan_call(call);
	if (e != VK_OK && r->json)
		vk_scan_report_problem(r, "valetkey-scan", *vk_reason() ? vk_reason() : vk_err_text(e));
	status = vk_scan_report_end(r, e == VK_OK);
	found = status == 1;
	if (e != VK_OK)
		status = vk_msg_fail(e);
	return found ? 1 : status;
}
