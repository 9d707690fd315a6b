/* SPDX-License-Identifier: ISC */
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"
#include "valetkey/secret.h"

enum { BOUND_MAX = VK_WRAP_AD_MAX + VK_KEY_LEN };

/*
 * The cipher alone does not commit to its key: one ciphertext can open under many.
 * So a commitment is derived beside the key and compared before the cipher runs.
 */
struct pair {
	unsigned char kek[VK_KEY_LEN];
	unsigned char commit[VK_KEY_LEN];
};

/* All that a wrapping is bound to and that can be read: what the caller says, and the ephemeral key. */
struct bound {
	unsigned char p[BOUND_MAX];
	size_t n;
};

static void
bind_to(const void *ad, size_t ad_len, const unsigned char *ephemeral, struct bound *ret)
{
	memcpy(ret->p, ad, ad_len);
	memcpy(ret->p + ad_len, ephemeral, VK_KEY_LEN);
	ret->n = ad_len + VK_KEY_LEN;
}

void
vk_x25519_public(const unsigned char secret[VK_KEY_LEN], unsigned char ret_public[VK_KEY_LEN])
{
	vk_crypto_start();
	crypto_scalarmult_base(ret_public, secret);
	vk_wipe_stack();
}

/* False: a public key of small order, with which every secret key has the shared secret zero. */
static bool
derive(const unsigned char *secret, const unsigned char *theirs, const struct bound *b,
    const unsigned char *public, struct pair *ret)
{
	struct vk_part parts[] = { { b->p, b->n }, { public, VK_KEY_LEN } };
	unsigned char shared[VK_KEY_LEN];
	bool ok = crypto_scalarmult(shared, secret, theirs) == 0 &&
	    !sodium_is_zero(shared, sizeof(shared));

	vk_wipe_stack();
	if (ok)
		vk_prf(shared, "vk1 slot", parts, VK_COUNT(parts), (unsigned char *)ret, sizeof(*ret));
	vk_wipe(shared, sizeof(shared));
	return ok;
}

/*
 * Random bytes, hedged with the key that is wrapped: should a cloned machine repeat the former, another key
 * still gets another ephemeral key, and with it another nonce's key.
 */
static enum vk_err
ephemeral_secret(const unsigned char *key, const unsigned char *public,
    unsigned char ret[VK_KEY_LEN])
{
	unsigned char fresh[VK_KEY_LEN];
	struct vk_part parts[] = { { fresh, sizeof(fresh) }, { public, VK_KEY_LEN } };
	enum vk_err e = vk_random(fresh, sizeof(fresh));

	if (e == VK_OK)
		vk_prf(key, "vk1 ephemeral", parts, VK_COUNT(parts), ret, VK_KEY_LEN);
	vk_wipe(fresh, sizeof(fresh));
	return e;
}

enum vk_err
vk_wrap(const unsigned char public[VK_KEY_LEN], const void *ad, size_t ad_len,
    const unsigned char key[VK_KEY_LEN], struct vk_wrapped *ret)
{
	unsigned char secret[VK_KEY_LEN];
	struct vk_wrapped w;
	struct bound b;
	struct pair p;
	enum vk_err e;

	if (ad_len > VK_WRAP_AD_MAX)
		return vk_fail(VK_EUSAGE, "more is to be bound to a wrapped key than there is room for");
	vk_crypto_start();
	if ((e = vk_random(w.nonce, sizeof(w.nonce))) != VK_OK ||
	    (e = ephemeral_secret(key, public, secret)) != VK_OK)
		return e;
	vk_x25519_public(secret, w.ephemeral);
	bind_to(ad, ad_len, w.ephemeral, &b);
	if (!derive(secret, public, &b, public, &p))
		e = vk_fail(VK_EUSAGE, "this public key would open for everybody");
	vk_wipe(secret, sizeof(secret));
	if (e != VK_OK)
		return e;
	memcpy(w.commit, p.commit, sizeof(w.commit));
	memcpy(w.key, key, sizeof(w.key));
	vk_seal(p.kek, w.nonce, b.p, b.n, w.key, sizeof(w.key), w.tag);
	vk_wipe(&p, sizeof(p));
	*ret = w;
	return VK_OK;
}

enum vk_err
vk_unwrap(const unsigned char secret[VK_KEY_LEN], const void *ad, size_t ad_len,
    const struct vk_wrapped *w, unsigned char ret_key[VK_KEY_LEN])
{
	unsigned char key[VK_KEY_LEN], public[VK_KEY_LEN];
	enum vk_err e = VK_OK;
	struct bound b;
	struct pair p;

	if (ad_len > VK_WRAP_AD_MAX)
		return VK_EKEY;
	vk_x25519_public(secret, public);
	bind_to(ad, ad_len, w->ephemeral, &b);
	if (!derive(secret, w->ephemeral, &b, public, &p))
		return VK_EKEY;
	memcpy(key, w->key, sizeof(key));
	if (!vk_mem_eq(p.commit, w->commit, sizeof(p.commit)))
		e = VK_EKEY;
	else if (!vk_unseal(p.kek, w->nonce, b.p, b.n, key, sizeof(key), w->tag))
		e = VK_ETAMPER;
	else
		memcpy(ret_key, key, sizeof(key));
	vk_wipe(&p, sizeof(p));
	vk_wipe(key, sizeof(key));
	return e;
}
