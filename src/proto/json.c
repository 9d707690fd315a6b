/* SPDX-License-Identifier: ISC */
#include "json.h"

enum {
	MAX_DEPTH = 8,
	MAX_MEMBERS = 256,
};

/* jansson takes a missing block for an invalid token, or says nothing at all. */
static bool out_of_memory;

static void *
allocate(size_t n)
{
	void *p = vk_arena_alloc(n);

	out_of_memory |= !p;
	return p;
}

void
vk_json_init(void)
{
	static bool done;

	if (!done)
		json_set_alloc_funcs(allocate, vk_arena_free);
	done = true;
}

/*
 * jansson recurses once per level and makes a block per value.  Counting first
 * bounds both, whatever the text turns out to be.
 */
static enum vk_err
check_size(const char *text, size_t n, size_t max)
{
	size_t depth = 0, members = 0;
	bool in_string = false;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		in_string = c == '"';
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		else if (c == ',')
			members++;
		if (depth > MAX_DEPTH || members > max)
			return vk_fail(VK_ELIMIT, "the JSON is nested too deeply or has too many members");
	}
	return VK_OK;
}

enum vk_err
vk_json_parse_large(const char *text, size_t n, size_t max, json_t **ret)
{
	enum vk_err e = check_size(text, n, max);
	json_error_t err;
	json_t *j;

	if (e != VK_OK)
		return e;
	vk_json_init();
	out_of_memory = false;
	if (!(j = json_loadb(text, n, JSON_REJECT_DUPLICATES, &err))) {
		int line = err.line, column = err.column;

		/* Its message quotes the text around the error, which may be the secret. */
		vk_wipe(&err, sizeof(err));
		return out_of_memory ? VK_ENOMEM
				     : vk_fail(VK_EPROTO, "malformed JSON at line %d, column %d", line, column);
	}
	*ret = j;
	return VK_OK;
}

enum vk_err
vk_json_parse(const char *text, size_t n, json_t **ret)
{
	return vk_json_parse_large(text, n, MAX_MEMBERS, ret);
}

void
vk_json_freep(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

static int
append(const char *bytes, size_t n, void *out)
{
	return vk_buf_add(out, bytes, n) == VK_OK ? 0 : -1;
}

enum vk_err
vk_json_add_string(struct vk_buf *out, const char *s, size_t n)
{
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;

	vk_json_init();
	out_of_memory = false;
	if (!(j = json_stringn(s, n)))
		return out_of_memory ? VK_ENOMEM
				     : vk_fail(VK_EPROTO, "a value is not UTF-8, so JSON cannot carry it");
	if (json_dump_callback(j, append, out, JSON_ENCODE_ANY) < 0)
		return out->err != VK_OK ? out->err : VK_ENOMEM;
	return VK_OK;
}
