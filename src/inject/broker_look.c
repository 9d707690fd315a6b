/* SPDX-License-Identifier: ISC */
/* What the source of a credential has while the run lasts. */
#include "valetkey/store.h"
#include "broker.h"

/* A program is asked again.  Neither many who were refused nor a source that is down are to hold up the others. */
static void
fetch(struct vk_policy *p, struct vk_kept *v, const struct vk_query *q)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *fresh = NULL;
	enum vk_err e;

	/* It may be lent, until our end. */
	vk_policy_hold(p);
	e = vk_policy_again(p, v->cred, true, &fresh);
	v->refused = false;
	v->pause = vk_now_ms() + (e == VK_OK ? VK_BROKER_PAUSE_MS : VK_BROKER_OUTAGE_MS);
	if (e != VK_OK || !vk_cred_matches(fresh, q))
		return;
	vk_secret_clear(&fresh->refresh);
	vk_secret_clear(&fresh->extra);
	fresh->flags = 0;
	vk_cred_free(v->cred);
	v->cred = VK_TAKE(fresh);
}

static bool
is_due(const struct vk_kept *v)
{
	return (v->refused || vk_policy_ends_soon(v->cred)) && vk_now_ms() >= v->pause;
}

void
vk_broker_look(const struct vk_policy_opts *policy, struct vk_kept *v, const struct vk_query *q,
    struct vk_cred **ret_fresh)
{
	/* Each time anew: its keys are not kept. */
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	enum vk_err e = vk_policy_open(policy, &p);

	*ret_fresh = NULL;
	if (e == VK_OK && vk_policy_is_fetched(p, v->cred)) {
		if (is_due(v))
			fetch(p, v, q);
	} else if (e == VK_OK && vk_policy_again(p, v->cred, false, ret_fresh) == VK_OK &&
	    !vk_cred_matches(*ret_fresh, q)) {
		vk_cred_freep(ret_fresh);
	}
	vk_reason_clear();
}
