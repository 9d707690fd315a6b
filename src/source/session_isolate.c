/* SPDX-License-Identifier: ISC */
/* A session keyring without our keys, for commands that must not open the keystore. */
#include <errno.h>

#include "source/keyctl.h"

enum {
	MAX_NESTING = 6, /* the kernel's own limit */
	MAX_KEYS = 1024, /* of one keyring */
};

static void
describe_key(int key, bool *ret_ring, bool *ret_ours)
{
	struct vk_keyctl_info info = { .uid = 0 };
	bool known = vk_keyctl_describe(key, &info);

	*ret_ring = known && vk_str_starts(info.text, "keyring;");
	*ret_ours = known && vk_str_starts(info.text, "user;") && vk_keyctl_is_ours(info.name);
}

static size_t
members(long ring, int v[MAX_KEYS])
{
	long n = vk_keyctl(KEYCTL_READ, (unsigned long)ring, (unsigned long)v,
	    MAX_KEYS * sizeof(v[0]), 0);

	if (n < 0)
		return 0;
	n /= (long)sizeof(v[0]);
	return n > MAX_KEYS ? MAX_KEYS : (size_t)n;
}

static bool
holds_ours(long ring, int depth)
{
	int v[MAX_KEYS];
	size_t n = members(ring, v);
	bool is_ring, ours = false;

	for (size_t i = 0; i < n && !ours; i++) {
		describe_key(v[i], &is_ring, &ours);
		if (is_ring && depth < MAX_NESTING)
			ours = holds_ours(v[i], depth + 1);
	}
	return ours;
}

/* Link what ${ring} holds into the session keyring; a keyring with a key of ours only in parts. */
static void
relink(long ring, int depth)
{
	int v[MAX_KEYS];
	size_t n = members(ring, v);

	for (size_t i = 0; i < n; i++) {
		bool is_ring, ours;

		describe_key(v[i], &is_ring, &ours);
		if (ours)
			continue;
		if (is_ring && depth < MAX_NESTING && holds_ours(v[i], depth + 1))
			relink(v[i], depth + 1);
		else
			(void)vk_keyctl(KEYCTL_LINK, (unsigned long)v[i],
			    vk_keyctl_ring(KEY_SPEC_SESSION_KEYRING), 0, 0);
	}
}

bool
vk_session_in_reach(void)
{
	return holds_ours(vk_keyctl(KEYCTL_GET_KEYRING_ID, vk_keyctl_ring(KEY_SPEC_USER_KEYRING), 0, 0, 0), 0);
}

enum vk_err
vk_session_isolate(void)
{
	long old = vk_keyctl_session_ring();
	bool held;

	if (old < 0 && vk_keyctl_refused(errno))
		return VK_OK;
	/* Keys can be linked only by who possesses them: keep the old keyring within reach. */
	held = old >= 0 && vk_keyctl(KEYCTL_LINK, (unsigned long)old,
			       vk_keyctl_ring(KEY_SPEC_PROCESS_KEYRING), 0, 0) == 0;
	if (vk_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) < 0)
		return vk_keyctl_refused(errno) ? VK_OK : vk_fail_errno("cannot start a session keyring");
	if (!held)
		return VK_OK;
	relink(old, 0);
	if (vk_keyctl(KEYCTL_UNLINK, (unsigned long)old, vk_keyctl_ring(KEY_SPEC_PROCESS_KEYRING), 0, 0) < 0)
		return vk_fail_errno("cannot let go of the old session keyring");
	return VK_OK;
}
