/* SPDX-License-Identifier: ISC */
/* What is given for a time, as the account of a database is: kept while it is needed, and given back. */
#include <string.h>
#include <time.h>

#include "vault.h"

enum {
	TRY_MS = 10000,     /* for one renewal */
	GIVE_BACK_MS = 3000,
	PAUSE_MAX_S = 3600, /* a machine may have slept meanwhile */
};

enum vk_err
vk_vault_lease(const struct vk_vault_answer *a, const char *id, struct vk_vault_lease *l)
{
	l->expires = vk_vault_after(json_integer_value(json_object_get(a->json, "lease_duration")));
	l->renewable = json_is_true(json_object_get(a->json, "renewable"));
	return (l->id = vk_strdup(id)) ? VK_OK : VK_ENOMEM;
}

void
vk_vault_lease_clear(struct vk_vault_lease *l)
{
	free(VK_TAKE(l->id));
}

/* ${*expires} is the new end, if the server gives one. */
static void
extend(const struct vk_vault *v, const char *path, const struct vk_buf *body, bool of_auth, int64_t *expires)
{
	VK_CLEANUP(vk_vault_answer_clear) struct vk_vault_answer answer = { 0 };
	struct vk_vault_call call = { .method = "POST", .path = path, .body = body, .token = &v->token,
		.again = true };
	const json_t *from;
	int64_t end;

	vk_http_allow(TRY_MS);
	if (vk_vault_ask(v, &call, &answer) != VK_OK || answer.status != 200)
		return;
	from = of_auth ? json_object_get(answer.json, "auth") : answer.json;
	if ((end = vk_vault_after(json_integer_value(json_object_get(from, "lease_duration")))) > 0)
		*expires = end;
}

static enum vk_err
name_lease(const struct vk_vault_lease *l, struct vk_buf *out)
{
	enum vk_err e = vk_buf_str(out, "{\"lease_id\":");

	if (e == VK_OK)
		e = vk_json_add_string(out, l->id, strlen(l->id));
	return e == VK_OK ? vk_buf_char(out, '}') : e;
}

/* Half of what is left, again and again: a server that cannot be reached is asked more often as the end comes near. */
static int
pause_ms(const struct vk_vault *v, const struct vk_vault_lease *l)
{
	int64_t now = (int64_t)time(NULL), end = l->renewable ? l->expires : 0;

	if (v->renewable && v->token_expires > 0 && (end == 0 || v->token_expires < end))
		end = v->token_expires;
	/* Nothing to be done, or too late for it. */
	if (end <= now)
		return -1;
	end = (end - now) / 2;
	return (int)(end < 1 ? 1 : end > PAUSE_MAX_S ? PAUSE_MAX_S : end) * 1000;
}

void
vk_vault_lease_keep(struct vk_vault *v, struct vk_vault_lease *l)
{
	VK_CLEANUP(vk_vault_answer_clear) struct vk_vault_answer answer = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf body = VK_BUF_SECRET(VK_MAX_FIELD);
	struct vk_vault_call call = { .method = "POST", .path = "sys/leases/revoke", .body = &body,
		.token = &v->token, .again = true };

	if (name_lease(l, &body) != VK_OK)
		return;
	while (vk_ask_goes_on(pause_ms(v, l))) {
		/* First what it hangs on. */
		if (v->renewable)
			extend(v, "auth/token/renew-self", NULL, true, &v->token_expires);
		if (l->renewable)
			extend(v, "sys/leases/renew", &body, false, &l->expires);
	}
	vk_http_allow(GIVE_BACK_MS);
	(void)!vk_vault_ask(v, &call, &answer);
}
