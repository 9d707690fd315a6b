/* SPDX-License-Identifier: ISC */
/* What hangs from the master key: docs/FORMAT.md, "Keys". */
#include "store/format.h"

static void
derive(const unsigned char *from, const char *label, const unsigned char *id, unsigned char *to)
{
	struct vk_part input = { id, VK_STORE_ID_LEN };

	vk_prf(from, label, &input, 1, to, VK_KEY_LEN);
}

void
vk_keys_from_session(struct vk_keys *k, const unsigned char id[VK_STORE_ID_LEN])
{
	derive(k->session, "vk1 commit", id, k->commit);
	derive(k->session, "vk1 header", id, k->header);
	derive(k->session, "vk1 page", id, k->page);
	derive(k->session, "vk1 noncekey", id, k->nonce);
}

void
vk_keys_from_master(struct vk_keys *k, const unsigned char id[VK_STORE_ID_LEN])
{
	derive(k->master, "vk1 session", id, k->session);
	k->have_master = true;
	vk_keys_from_session(k, id);
}
