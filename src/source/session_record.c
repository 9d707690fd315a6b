/* SPDX-License-Identifier: ISC */
/* What is kept of a session, wherever: bound to a store, to a time, and to a state of that store. */
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "valetkey/secret.h"
#include "source/session_priv.h"

static const char magic[8] = { 'V', 'K', 'S', 'E', 'S', 'S', '0', '1' };
static const char anchor_magic[8] = { 'V', 'K', 'A', 'N', 'C', 'H', '0', '1' };

enum {
	AT_EXPIRES = 8,
	AT_DEADLINE = 16,
	AT_ID = 24,
	AT_KEY = 40,
	AT_MAC = 72,
	MAC_LEN = 32,

	IN_GENERATION = 8,
	IN_TAG = 16,
	IN_MAC = 32,
};

_Static_assert(AT_MAC + MAC_LEN == VK_SESSION_RECORD_LEN, "record layout");
_Static_assert(IN_MAC + MAC_LEN == VK_SESSION_ANCHOR_LEN, "anchor layout");

static int64_t
now(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return ts.tv_sec;
}

static void
put64(unsigned char *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static uint64_t
get64(const unsigned char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

void
vk_session_tag(const struct vk_store *st, char tag[VK_SESSION_TAG_LEN])
{
	sodium_bin2hex(tag, VK_SESSION_TAG_LEN, vk_store_id(st), VK_STORE_ID_LEN);
}

static void
mac(const unsigned char *record, unsigned char out[MAC_LEN])
{
	crypto_generichash(out, MAC_LEN, record, AT_MAC, record + AT_KEY, VK_STORE_KEY_LEN);
	vk_wipe_stack();
}

/* Personalised, so that one kind of record can never be taken for the other. */
static void
anchor_mac(const unsigned char *anchor, const unsigned char *key, unsigned char out[MAC_LEN])
{
	static const unsigned char personal[crypto_generichash_blake2b_PERSONALBYTES] = "vk anchor";

	crypto_generichash_blake2b_salt_personal(out, MAC_LEN, anchor, IN_MAC, key, VK_STORE_KEY_LEN,
	    NULL, personal);
	vk_wipe_stack();
}

enum vk_err
vk_session_encode(const struct vk_store *st, unsigned seconds, struct vk_session_raw *ret)
{
	unsigned char *r = ret->record;
	struct vk_store_anchor a;
	enum vk_err e = vk_store_session_key(st, r + AT_KEY);

	if (e != VK_OK)
		return e;
	memcpy(r, magic, sizeof(magic));
	put64(r + AT_EXPIRES, (uint64_t)now(CLOCK_REALTIME) + seconds);
	put64(r + AT_DEADLINE, (uint64_t)now(CLOCK_BOOTTIME) + seconds);
	memcpy(r + AT_ID, vk_store_id(st), VK_STORE_ID_LEN);
	mac(r, r + AT_MAC);
	vk_store_anchor(st, &a);
	vk_session_set_anchor(&a, ret);
	return VK_OK;
}

void
vk_session_set_anchor(const struct vk_store_anchor *a, struct vk_session_raw *raw)
{
	unsigned char *p = raw->anchor;

	memcpy(p, anchor_magic, sizeof(anchor_magic));
	put64(p + IN_GENERATION, a->generation);
	memcpy(p + IN_TAG, a->tag, sizeof(a->tag));
	anchor_mac(p, raw->record + AT_KEY, p + IN_MAC);
}

enum vk_err
vk_session_check(const struct vk_store *st, const struct vk_session_raw *raw)
{
	const unsigned char *r = raw->record, *a = raw->anchor;
	unsigned char expect[MAC_LEN];

	mac(r, expect);
	if (!vk_mem_eq(r, magic, sizeof(magic)) ||
	    !vk_mem_eq(r + AT_ID, vk_store_id(st), VK_STORE_ID_LEN) ||
	    !vk_mem_eq(r + AT_MAC, expect, sizeof(expect)))
		return vk_fail(VK_ELOCKED, "the session is damaged, or another keystore's");
	/* Both clocks: the first may be set back, the second starts anew with the machine. */
	if ((int64_t)get64(r + AT_EXPIRES) <= now(CLOCK_REALTIME) || vk_session_seconds_left(raw) == 0)
		return VK_ENOENT;
	anchor_mac(a, r + AT_KEY, expect);
	if (!vk_mem_eq(a, anchor_magic, sizeof(anchor_magic)) ||
	    !vk_mem_eq(a + IN_MAC, expect, sizeof(expect)))
		return vk_fail(VK_ELOCKED, "the session is damaged: its anchor, which remembers how new "
		    "the keystore is, was overwritten");
	return VK_OK;
}

const unsigned char *
vk_session_key_of(const struct vk_session_raw *raw)
{
	return raw->record + AT_KEY;
}

int64_t
vk_session_expires(const struct vk_session_raw *raw)
{
	return (int64_t)get64(raw->record + AT_EXPIRES);
}

unsigned
vk_session_seconds_left(const struct vk_session_raw *raw)
{
	int64_t left = (int64_t)get64(raw->record + AT_DEADLINE) - now(CLOCK_BOOTTIME);

	return left > 0 ? (unsigned)left : 0;
}

void
vk_session_anchor_of(const struct vk_session_raw *raw, struct vk_store_anchor *ret)
{
	ret->generation = get64(raw->anchor + IN_GENERATION);
	memcpy(ret->tag, raw->anchor + IN_TAG, sizeof(ret->tag));
}
