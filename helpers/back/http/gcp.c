/* SPDX-License-Identifier: ISC */
/* Google's Secret Manager: "projects/P[/locations/L]/secrets/S[/versions/V][#FIELD]". */
#include <string.h>

#include "gcp.h"

static const char who[] = "Google Secret Manager";

/* CRC-32C (RFC 3720, appendix B.4), bit by bit: a secret is short. */
static uint32_t
crc32c(const unsigned char *p, size_t n)
{
	uint32_t c = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		c ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			c = (c >> 1) ^ (0x82f63b78 & -(c & 1));
	}
	return ~c;
}

struct name {
	char location[64]; /* "": none */
	bool versioned;
};

/* Pairs of "kind/name", in their order. */
static enum vk_err
check_name(const char *name, struct name *ret)
{
	static const struct {
		const char *kind;
		bool needed;
	} parts[] = { { "projects/", true }, { "locations/", false }, { "secrets/", true }, { "versions/", false } };
	const char *p = name;

	for (size_t i = 0; i < VK_COUNT(parts); i++) {
		char word[256];
		size_t n;

		if (!vk_str_starts(p, parts[i].kind)) {
			if (parts[i].needed)
				return vk_fail(VK_EPROTO, "this is not projects/P/secrets/S[/versions/V]");
			continue;
		}
		p += strlen(parts[i].kind);
		if ((n = strcspn(p, "/")) >= sizeof(word))
			return vk_fail(VK_ELIMIT, "a part of the secret's name is too long");
		memcpy(word, p, n);
		word[n] = '\0';
		if (!vk_cloud_is_word(word, "-_.:") || word[0] == '.' ||
		    (i == 1 && (n >= sizeof(ret->location) || !vk_cloud_is_word(word, "-"))))
			return vk_fail(VK_EPROTO, "this is not projects/P/secrets/S[/versions/V]");
		if (i == 1)
			memcpy(ret->location, word, n + 1);
		ret->versioned = i == 3;
		p += n + (p[n] == '/');
	}
	return *p ? vk_fail(VK_EPROTO, "this is not projects/P/secrets/S[/versions/V]") : VK_OK;
}

static enum vk_err
take(const json_t *j, const struct vk_cloud_ref *ref, struct vk_buf *out)
{
	const json_t *payload = json_object_get(j, "payload");
	const char *data = vk_cloud_member(payload, "data"), *sum = vk_cloud_member(payload, "dataCrc32c");
	VK_CLEANUP(vk_arena_freep) unsigned char *bytes = data ? vk_arena_alloc(VK_BASE64_ROOM(strlen(data))) : NULL;
	uint64_t want;
	size_t n = 0;

	if (!data || !sum || vk_str_u64(sum, UINT32_MAX, &want) != VK_OK)
		return vk_cloud_strange(who);
	if (!bytes)
		return VK_ENOMEM;
	if (vk_base64_decode(data, strlen(data), bytes, &n) != VK_OK)
		return vk_cloud_strange(who);
	if (crc32c(bytes, n) != want)
		return vk_fail(VK_EBACKEND, "what %s answers does not fit its checksum", who);
	return vk_cloud_answer(out, who, ref, (const char *)bytes, n);
}

/* https://docs.cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access */
enum vk_err
vk_gcp_get(struct vk_ask *a, struct vk_buf *out)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret token = { NULL, 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(4096), bearer = VK_BUF_SECRET(VK_CLOUD_TOKEN_MAX);
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	struct vk_http h = { .method = "GET", .again = true };
	struct vk_cloud_ref ref;
	struct name name = { "", false };
	const char *endpoint = vk_cloud_setting(a, "endpoint", NULL);
	enum vk_err e = vk_cloud_ref(a, &ref);

	vk_http_tls(a, &h.tls);
	vk_gcp_login_known(a);
	if (e == VK_OK && (e = check_name(ref.name, &name)) == VK_OK)
		e = vk_ask_all_used(a);
	if (e == VK_OK)
		e = vk_gcp_login(a, &h.tls, &token);
	if (e != VK_OK)
		return e;
	if (endpoint)
		e = vk_http_url(&url, endpoint, "/v1/");
	else if (*name.location)
		e = vk_buf_fmt(&url, "https://secretmanager.%s.rep.googleapis.com/v1/", name.location);
	else
		e = vk_buf_str(&url, "https://secretmanager.googleapis.com/v1/");
	vk_buf_fmt(&url, "%s%s:access", ref.name, name.versioned ? "" : "/versions/latest");
	if (e == VK_OK && (e = url.err) == VK_OK)
		e = vk_cloud_bearer(&bearer, &token);
	h.url = url.p;
	h.headers[0] = bearer.p;
	if (e == VK_OK && (e = vk_cloud_ask(who, &h, &j)) == VK_OK)
		e = take(j, &ref, out);
	return e;
}
