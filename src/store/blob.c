/* SPDX-License-Identifier: ISC */
/* Payloads in pages of their own: docs/FORMAT.md, "Pages". */
#include <string.h>

#include "store/inplace.h"
#include "valetkey/secret.h"

void
vk_blob_chunk(unsigned char *page, const unsigned char *payload, size_t n, size_t i,
    uint64_t generation, const struct vk_child *next)
{
	unsigned char *text = vk_page_text(page);
	size_t at = i * VK_BLOB_CHUNK, len = n - at < VK_BLOB_CHUNK ? n - at : VK_BLOB_CHUNK;

	memset(page, 0, VK_PAGE);
	vk_page_head(text, VK_PAGE_BLOB, 0, 0, VK_CHAIN_HEAD + (unsigned)len, generation);
	vk_chain_put(text, next);
	memcpy(text + VK_CHAIN_HEAD, payload + at, len);
}

void
vk_blob_put_ref(unsigned char ref[VK_BLOB_REF], const struct vk_child *first, size_t n)
{
	vk_put32(ref, first->pgno);
	vk_put32(ref + 4, (uint32_t)n);
	memcpy(ref + 8, first->tag, VK_TAG_LEN);
}

/* The last page first, since each holds the tag of the next. */
enum vk_err
vk_blob_write(struct vk_inplace *w, const unsigned char *payload, size_t n,
    unsigned char ret_ref[VK_BLOB_REF])
{
	unsigned char *page = vk_arena_alloc(VK_PAGE);
	struct vk_child next = { 0 };
	enum vk_err e = page ? VK_OK : VK_ENOMEM;

	for (size_t i = vk_blob_pages(n); e == VK_OK && i-- > 0;) {
		vk_blob_chunk(page, payload, n, i, w->generation, &next);
		e = vk_pages_write(w, page, &next);
	}
	vk_arena_free(page);
	if (e == VK_OK)
		vk_blob_put_ref(ret_ref, &next, n);
	return e;
}

enum vk_err
vk_blob_free(struct vk_inplace *w, const struct vk_record *r)
{
	unsigned char *page = vk_arena_alloc(VK_PAGE);
	struct vk_child c;
	size_t len;
	enum vk_err e = page ? VK_OK : VK_ENOMEM;

	vk_blob_ref(r, &c, &len);
	while (e == VK_OK && c.pgno != 0) {
		uint32_t pgno = c.pgno;

		if ((e = vk_page_read(w->st, &c, "blob", page)) != VK_OK)
			break;
		if (!vk_chain_check(vk_page_text(page), VK_PAGE_BLOB, w->st->header.file_pages))
			e = vk_store_damaged(w->st, "blob page %u is malformed", pgno);
		else
			e = vk_pages_free(w, pgno);
		vk_chain_get(vk_page_text(page), &c);
	}
	vk_arena_free(page);
	return e;
}
