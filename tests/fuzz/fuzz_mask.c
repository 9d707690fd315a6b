/* SPDX-License-Identifier: ISC */
/* Any forms, any text, any pieces: what comes out is what masking it at once in the plainest way gives. */
#include <string.h>

#include "../unit/mask_naive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FORMS = 4, ROOM = 512 };

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/*
 * The input: how many forms, then each as a length above the least and its bytes; how long the pieces are, in turn, in
 * eight bytes; the rest is the text.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VK_CLEANUP(vk_forms_clear) struct vk_forms f = VK_FORMS_NONE;
	char buf[ROOM], out[ROOM], want[ROOM];
	struct vk_mask_stream s;
	struct vk_mask *m;
	size_t at = 0, pieces, len = 0, text;
	unsigned n;

	if (size == 0)
		return 0;
	n = data[at++] % (FORMS + 1);
	for (unsigned i = 0; i < n; i++) {
		size_t long_ = at < size ? VK_FORM_MIN + data[at++] % 24 : 0;

		if (at + long_ > size || long_ == 0)
			return 0;
		f.v = reallocarray(f.v, f.n + 1, sizeof(*f.v));
		check(f.v && vk_buf_add(&f.text, data + at, long_) == VK_OK);
		f.v[f.n++] = (struct vk_form){ .at = f.text.len - long_, .n = long_, .how = "" };
		at += long_;
	}
	if (at + 8 > size || size - at - 8 > ROOM)
		return 0;
	pieces = at;
	text = at += 8;
	check(vk_mask_make(&f, &m) == VK_OK && vk_mask_begin(m, &s) == VK_OK);
	for (unsigned i = 0; at < size; i++) {
		size_t piece = data[pieces + i % 8], had = s.held, ready;

		/* ends also when all lengths are 0 */
		if (piece > size - at || i > 4 * ROOM)
			piece = size - at;
		memcpy(buf + had, data + at, piece);
		at += piece;
		vk_mask_feed(&s, buf, had + piece, at == size, &ready);
		check(s.held <= had + piece && s.held < vk_mask_longest(m) + 1);
		check(at == size || s.held == naive_held(&f, (const char *)data + text, at - text));
		memcpy(out + len, buf, ready);
		len += ready;
		memmove(buf, buf + had + piece - s.held, s.held);
	}
	check(len == naive_mask(&f, (const char *)data + text, size - text, want) && memcmp(out, want, len) == 0);
	vk_mask_end(&s);
	vk_mask_free(m);
	return 0;
}
