/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cloud.h"
#include "valetkey/io.h"

enum { CODE_MAX = 64 };

enum vk_err
vk_cloud_ref(struct vk_ask *a, struct vk_cloud_ref *ret)
{
	const char *ref = NULL;
	enum vk_err e = vk_ask_need(a, "ref", &ref);
	size_t n;

	if (e != VK_OK)
		return e;
	n = strcspn(ref, "#");
	if (n == 0 || n >= sizeof(ret->name) || (ref[n] && !ref[n + 1]))
		return vk_fail(VK_EPROTO, "the reference names no secret, no field behind its #, or is too long");
	memcpy(ret->name, ref, n);
	ret->name[n] = '\0';
	ret->field = ref[n] ? ref + n + 1 : NULL;
	return VK_OK;
}

const char *
vk_cloud_setting(struct vk_ask *a, const char *name, const char *otherwise)
{
	const char *v = vk_ask_get(a, name);

	return v && *v ? v : otherwise;
}

bool
vk_cloud_is_word(const char *s, const char *more)
{
	const char *p = s;

	while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
	    (*p && strchr(more, *p)))
		p++;
	return p > s && !*p;
}

const char *
vk_cloud_member(const json_t *j, const char *name)
{
	return json_string_value(json_object_get(j, name));
}

enum vk_err
vk_cloud_strange(const char *who)
{
	return vk_fail(VK_EBACKEND, "%s answers what is not understood", who);
}

/* "com.amazonaws#AccessDeniedException": what is behind the sign; "" unless that is letters alone, as no token is. */
static void
take_code(const char *text, size_t n, char ret[CODE_MAX])
{
	const char *sign = memrchr(text, '#', n);

	ret[0] = '\0';
	if (sign) {
		n -= (size_t)(sign + 1 - text);
		text = sign + 1;
	}
	if (n >= CODE_MAX)
		return;
	for (size_t i = 0; i < n; i++)
		if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') || text[i] == '_'))
			return;
	memcpy(ret, text, n);
	ret[n] = '\0';
}

/* The server's word for what is wrong: AWS in JSON and XML, Google, Microsoft, OAuth (RFC 6749, 5.2). */
static void
find_code(const struct vk_buf *body, char ret[CODE_MAX])
{
	static const char open[] = "<Code>";
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	static const char *const names[] = { "__type", "Code", "code", "error" };
	const char *text = body->len > 0 ? strstr(body->p, open) : NULL;
	json_t *inner;

	ret[0] = '\0';
	if (text) {
		text += strlen(open);
		take_code(text, strcspn(text, "<"), ret);
		return;
	}
	if (body->len == 0 || vk_json_parse(body->p, body->len, &j) != VK_OK) {
		vk_reason_clear();
		return;
	}
	inner = json_object_get(j, "error");
	text = vk_cloud_member(inner, "status");
	if (!text)
		text = vk_cloud_member(inner, "code");
	for (size_t i = 0; !text && i < VK_COUNT(names); i++)
		text = vk_cloud_member(j, names[i]);
	if (text)
		take_code(text, strlen(text), ret);
}

static enum vk_err
outcome_of(long status, const char *code)
{
	static const char *const refusals[] = { "AccessDenied", "Expired", "InvalidClientToken", "UnrecognizedClient",
		"Signature", "IdentityToken", "IDPRejectedClaim", "IncompleteSignature", "invalid_grant",
		"invalid_client", "unauthorized_client", "PERMISSION_DENIED" };

	if (status == 404 || strstr(code, "NotFound"))
		return VK_ENOENT;
	/* 422: GitHub, of what the app may not see. */
	if (status == 401 || status == 403 || status == 422)
		return VK_EPOLICY;
	for (size_t i = 0; status == 400 && i < VK_COUNT(refusals); i++)
		if (strstr(code, refusals[i]))
			return VK_EPOLICY;
	return VK_EBACKEND;
}

enum vk_err
vk_cloud_do(const char *who, const struct vk_http *h, struct vk_http_answer *ret)
{
	char code[CODE_MAX];
	enum vk_err e = vk_http_do(h, ret);

	if (e != VK_OK || ret->status == 200 || ret->status == 201)
		return e;
	find_code(&ret->body, code);
	e = outcome_of(ret->status, code);
	return vk_fail(e, "%s %s (%ld%s%s)", who,
	    e == VK_EPOLICY ? "refuses" : e == VK_ENOENT ? "has no such thing" : "answers with an error", ret->status,
	    *code ? ", " : "", code);
}

enum vk_err
vk_cloud_ask(const char *who, const struct vk_http *h, json_t **ret)
{
	VK_CLEANUP(vk_http_answer_clear) struct vk_http_answer answer = VK_HTTP_ANSWER;
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	enum vk_err e = vk_cloud_do(who, h, &answer);

	if (e == VK_OK && answer.body.len == 0)
		return vk_cloud_strange(who);
	if (e == VK_OK && (e = vk_json_parse(answer.body.p, answer.body.len, &j)) != VK_OK && e != VK_ENOMEM)
		return vk_cloud_strange(who);
	if (e == VK_OK && !json_is_object(j))
		return vk_cloud_strange(who);
	if (e == VK_OK)
		*ret = VK_TAKE(j);
	return e;
}

enum vk_err
vk_cloud_login(const char *who, const struct vk_http *h, json_t **ret)
{
	enum vk_err e = vk_cloud_ask(who, h, ret);

	return e == VK_ENOENT ? VK_EBACKEND : e;
}

enum vk_err
vk_cloud_token(const char *who, const char *text, struct vk_secret *ret)
{
	size_t n = text ? strlen(text) : 0;

	if (n == 0 || n > VK_CLOUD_TOKEN_MAX)
		return vk_cloud_strange(who);
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return vk_cloud_strange(who);
	return vk_secret_set(ret, text, n);
}

enum vk_err
vk_cloud_bearer(struct vk_buf *out, const struct vk_secret *token)
{
	vk_buf_str(out, "Authorization: Bearer ");
	return vk_buf_add(out, token->p, token->n);
}

enum vk_err
vk_cloud_form(struct vk_buf *out, const char *name, const char *value)
{
	if (out->len > 0 && out->p[out->len - 1] != '?')
		vk_buf_char(out, '&');
	vk_buf_str(out, name);
	vk_buf_char(out, '=');
	return vk_http_word(out, value);
}

enum vk_err
vk_cloud_file(const char *path, struct vk_buf *out)
{
	VK_CLEANUP(vk_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)vk_fail_errno("cannot read the file %s", path);
		return VK_EBACKEND;
	}
	if (!S_ISREG(st.st_mode))
		return vk_fail(VK_EBACKEND, "%s is not a regular file", path);
	if (vk_buf_read(out, fd) != VK_OK || out->len == 0)
		return vk_fail(VK_EBACKEND, "the file %s is empty or too large, or cannot be read", path);
	return VK_OK;
}

bool
vk_cloud_time(const char *text, int64_t *ret)
{
	struct tm t = { 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &t) : NULL;

	if (rest && *rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (!rest || strcmp(rest, "Z") != 0)
		return false;
	*ret = (int64_t)timegm(&t);
	return *ret >= 0;
}

enum vk_err
vk_cloud_answer(struct vk_buf *out, const char *who, const struct vk_cloud_ref *ref, const char *bytes, size_t n)
{
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	json_t *v;
	enum vk_err e;

	if (!ref->field)
		return vk_answer_secret(out, "secret", bytes, n);
	if ((e = vk_json_parse(bytes, n, &j)) == VK_ENOMEM)
		return e;
	if (e != VK_OK)
		return vk_fail(VK_EBACKEND, "the secret that %s has is no JSON, so it has no fields", who);
	if (!(v = json_object_get(j, ref->field)))
		return vk_fail(VK_ENOENT, "the secret that %s has has no field of that name", who);
	if (!json_is_string(v))
		return vk_fail(VK_EBACKEND, "that field of the secret that %s has is no text", who);
	return vk_answer_secret(out, "secret", json_string_value(v), json_string_length(v));
}

enum vk_err
vk_cloud_answer_until(struct vk_buf *out, const struct vk_secret *secret, int64_t expires)
{
	enum vk_err e = vk_answer_secret(out, "secret", secret->p, secret->n);

	return e == VK_OK ? vk_buf_fmt(out, "expires=%lld\n", (long long)expires) : e;
}
