/* SPDX-License-Identifier: ISC */
/* Whatever is in a Dockerfile: lines are within the file and in order, and every text ends. */
#include <string.h>

#include "valetkey/dockerfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VK_CLEANUP(vk_dockerfile_clear) struct vk_dockerfile d = { 0 };
	size_t lines = 1, before = 0;

	if (vk_dockerfile_parse(size ? (const char *)data : "", size, &d) != VK_OK)
		return 0;
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	check(d.n > 0 && (d.escape == '\\' || d.escape == '`'));
	for (size_t i = 0; i < d.n; i++) {
		const struct vk_instruction *in = &d.v[i];

		check(in->line > before && in->end_line >= in->line && in->end_line <= lines);
		before = in->end_line;
		check(*in->name && in->args >= in->joined && in->args <= in->joined + strlen(in->joined));
		check(vk_dockerfile_line(in, in->args) >= in->line && vk_dockerfile_line(in, in->args) <= in->end_line);
		for (size_t k = 0; k < in->n_flags; k++)
			check(strlen(in->flags[k]) <= size);
		for (size_t k = 0; k < in->n_words; k++)
			check(strlen(in->words[k]) <= size);
		for (size_t k = 0; k < in->n_docs; k++)
			check(in->docs[k].line > in->line && strlen(in->docs[k].text) <= size);
	}
	return 0;
}
