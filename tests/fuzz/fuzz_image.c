/* SPDX-License-Identifier: ISC */
/*
 * The documents of an image, whatever is in them: the layers have names and numbers that make sense.  An input is a
 * number of documents, each with its name in a line of its own before it, after "=".
 */
#include <string.h>

#include "valetkey/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DOCUMENTS_MAX = 64 };

struct documents {
	struct {
		char *name;
		const char *text;
		size_t n;
	} v[DOCUMENTS_MAX];
	size_t n;
};

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static const char *
get(const char *name, size_t *ret_n, void *arg)
{
	const struct documents *d = arg;

	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->v[i].name, name) == 0) {
			*ret_n = d->v[i].n;
			return d->v[i].text;
		}
	return NULL;
}

static void
split(const char *p, const char *end, struct documents *d)
{
	const char *lf;

	while (p < end && *p == '=' && d->n < DOCUMENTS_MAX && (lf = memchr(p, '\n', (size_t)(end - p)))) {
		const char *next = memmem(lf, (size_t)(end - lf), "\n=", 2);

		d->v[d->n].name = strndup(p + 1, (size_t)(lf - p - 1));
		check(d->v[d->n].name != NULL);
		d->v[d->n].text = lf + 1;
		d->v[d->n].n = next && next > lf ? (size_t)(next - lf - 1) : next ? 0 : (size_t)(end - lf - 1);
		d->n++;
		p = next ? next + 1 : end;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct documents d = { .n = 0 };
	const struct vk_image_source source = { get, &d };
	struct vk_image m = { 0 };

	if (size > 0)
		split((const char *)data, (const char *)data + size, &d);
	if (vk_image_read(&source, &m) == VK_OK) {
		check(m.n > 0);
		for (size_t i = 0; i < m.n; i++)
			check(*m.v[i].name && m.v[i].digest && m.v[i].command && m.v[i].index <= m.v[i].of);
	}
	vk_image_clear(&m);
	for (size_t i = 0; i < d.n; i++)
		free(d.v[i].name);
	return 0;
}
