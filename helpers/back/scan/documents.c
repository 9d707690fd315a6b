/* SPDX-License-Identifier: ISC */
/* The documents that say which files of an archive or a directory are layers of an image. */
#include <string.h>

#include "search.h"

enum { DOCUMENTS_MAX = 4096 };

struct vk_document {
	char *name;
	struct vk_buf text;
};

bool
vk_document_wanted(const char *name)
{
	return vk_str_starts(name, "blobs/") || (!strchr(name, '/') && vk_str_ends(name, ".json"));
}

void
vk_document_keep(struct vk_documents *d, const char *name, struct vk_buf *text)
{
	struct vk_document *v;
	char *copy;

	if (text->err != VK_OK || text->len == 0 || (text->p[0] != '{' && text->p[0] != '[') ||
	    d->n == DOCUMENTS_MAX || d->bytes + text->len > VK_DOCUMENTS_MAX || !(copy = vk_strdup(name)))
		return;
	if (!(v = reallocarray(d->v, d->n + 1, sizeof(*v)))) {
		free(copy);
		return;
	}
	d->v = v;
	d->bytes += text->len;
	d->v[d->n++] = (struct vk_document){ copy, *text };
	*text = (struct vk_buf)VK_BUF(VK_DOCUMENT_MAX);
}

/* A later member of the same name replaces the one before. */
static const char *
get(const char *name, size_t *ret_n, void *arg)
{
	const struct vk_documents *d = arg;

	for (size_t i = d->n; i-- > 0;)
		if (strcmp(d->v[i].name, name) == 0) {
			*ret_n = d->v[i].text.len;
			return d->v[i].text.p;
		}
	return NULL;
}

void
vk_documents_tell(struct vk_search *s, struct vk_documents *d, const struct vk_place *in, const char *prefix)
{
	const struct vk_image_source source = { get, d };
	struct vk_image image = { 0 };

	if (d->n == 0 || vk_image_read(&source, &image) != VK_OK)
		return;
	for (size_t i = 0; i < image.n; i++) {
		VK_CLEANUP(vk_freep) char *name = vk_asprintf("%s%s", prefix, image.v[i].name);
		const struct vk_place place = { in, name };

		if (name)
			vk_say_layer(s, &place, &image.v[i]);
	}
	vk_image_clear(&image);
}

void
vk_documents_clear(struct vk_documents *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].name);
		vk_buf_clear(&d->v[i].text);
	}
	free(d->v);
	*d = (struct vk_documents){ 0 };
}
