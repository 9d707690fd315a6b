/* SPDX-License-Identifier: ISC */
/*
 * The text is checked by the JSON library first; finding the members of a document that is known to be
 * one needs no more than skipping strings and counting brackets.
 */
#include <string.h>

#include "proto/json.h"
#include "cli/json_out.h"
#include "cli/json_splice.h"

static size_t
skip_blank(const char *t, size_t at)
{
	return at + strspn(t + at, " \t\r\n");
}

/* From the opening quote to behind the closing one. */
static size_t
skip_string(const char *t, size_t at)
{
	for (at++; t[at] && t[at] != '"'; at++)
		if (t[at] == '\\' && t[at + 1])
			at++;
	return t[at] ? at + 1 : at;
}

static size_t
skip_value(const char *t, size_t at)
{
	size_t depth = 0;

	if (!strchr("{[\"", t[at]))
		return at + strcspn(t + at, ",]} \t\r\n");
	do {
		if (t[at] == '"') {
			at = skip_string(t, at);
			continue;
		}
		depth += t[at] == '{' || t[at] == '[';
		depth -= t[at] == '}' || t[at] == ']';
		at++;
	} while (depth > 0 && t[at]);
	return at;
}

/* The member whose key begins at ${at}; ${ret_next} is where the next one's does, 0 if there is none. */
static void
read_member(const char *t, size_t at, struct vk_json_span *ret_key, struct vk_json_span *ret_value,
    size_t *ret_next)
{
	size_t end = skip_string(t, at), v;

	*ret_key = (struct vk_json_span){ at, end - at };
	v = skip_blank(t, skip_blank(t, end) + 1);
	end = skip_value(t, v);
	*ret_value = (struct vk_json_span){ v, end - v };
	end = skip_blank(t, end);
	*ret_next = t[end] == ',' ? skip_blank(t, end + 1) : 0;
}

bool
vk_json_is_empty(const char *text, struct vk_json_span object)
{
	return text[skip_blank(text, object.at + 1)] == '}';
}

bool
vk_json_find(const char *text, struct vk_json_span object, const char *key,
    struct vk_json_member *ret)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf want = VK_BUF(8 * VK_MAX_FIELD);
	struct vk_json_span k, v, last = { 0, 0 };
	size_t at = vk_json_is_empty(text, object) ? 0 : skip_blank(text, object.at + 1), next;

	vk_json_str(&want, key, strlen(key));
	if (want.err != VK_OK)
		return false;
	for (; at; at = next, last = v) {
		read_member(text, at, &k, &v, &next);
		if (k.n != want.len || memcmp(text + k.at, want.p, k.n) != 0)
			continue;
		ret->value = v;
		if (next)
			ret->whole = (struct vk_json_span){ at, next - at };
		else if (last.n)
			ret->whole = (struct vk_json_span){ last.at + last.n, v.at + v.n - last.at - last.n };
		else
			ret->whole = (struct vk_json_span){ object.at + 1, object.n - 2 };
		return true;
	}
	return false;
}

/* jansson quotes what it stumbles over, which may be a password: only the line is told. */
enum vk_err
vk_json_check(const char *text, size_t n)
{
	json_error_t err;
	json_t *j;
	bool object;
	int line;

	vk_json_init();
	j = json_loadb(text, n, JSON_REJECT_DUPLICATES, &err);
	line = err.line;
	object = json_is_object(j);
	vk_wipe(&err, sizeof(err));
	json_decref(j);
	if (!j)
		return vk_fail(VK_EPROTO, "it is not JSON, or repeats a key, at line %d", line);
	return object ? VK_OK : vk_fail(VK_EPROTO, "it is not a JSON object");
}

static bool
same_but_case(const char *raw, size_t n, const char *key)
{
	VK_CLEANUP(vk_freep) char *s = strndup(raw, n);

	return s && vk_str_ieq(s, key) && strcmp(s, key) != 0;
}

enum vk_err
vk_json_locate(const char *text, size_t n, const char *key, struct vk_json_span *ret_root,
    struct vk_json_span *ret_object)
{
	struct vk_json_span root = { 0, 0 }, object = { 0, 0 }, k, v;
	struct vk_json_member m;
	size_t next;
	enum vk_err e;

	root.at = skip_blank(text, 0);
	if (root.at == n) {
		*ret_root = *ret_object = (struct vk_json_span){ 0, 0 };
		return VK_OK;
	}
	if ((e = vk_json_check(text, n)) != VK_OK)
		return e;
	root.n = skip_value(text, root.at) - root.at;
	for (size_t at = vk_json_is_empty(text, root) ? 0 : skip_blank(text, root.at + 1); at; at = next) {
		read_member(text, at, &k, &v, &next);
		if (same_but_case(text + k.at + 1, k.n - 2, key))
			return vk_fail(VK_EPROTO, "it has a member %.*s, which some take for \"%s\"",
			    (int)k.n, text + k.at, key);
	}
	if (vk_json_find(text, root, key, &m)) {
		if (text[m.value.at] != '{')
			return vk_fail(VK_EPROTO, "\"%s\" in it is not an object", key);
		object = m.value;
	}
	*ret_root = root;
	*ret_object = object;
	return VK_OK;
}

enum vk_err
vk_json_cut(struct vk_buf *b, struct vk_json_span span)
{
	struct vk_buf out = { .max = b->max, .secret = b->secret };

	vk_buf_add(&out, b->p, span.at);
	vk_buf_add(&out, b->p + span.at + span.n, b->len - span.at - span.n);
	vk_buf_clear(b);
	*b = out;
	return b->err;
}
