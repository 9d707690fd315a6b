/* SPDX-License-Identifier: ISC */
/*
 * What valetkey and valetkey-scan say to each other, as the one who is lied to: strings lie within the message and have
 * no NUL, forms are long enough, and what was understood can be said again with the same bytes.
 */
#include <string.h>

#include "valetkey/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
within(const char *p, const char *text, size_t n)
{
	check(p >= text && p < text + n && strnlen(p, (size_t)(text + n - p)) < (size_t)(text + n - p));
}

static void
question(const char *text, size_t n)
{
	VK_CLEANUP(vk_scan_ask_clear) struct vk_scan_ask a = { 0 };

	if (vk_scan_ask_parse(text, n, &a) != VK_OK)
		return;
	check(a.n_forms <= VK_FORMS_MAX && a.n_paths <= VK_SCAN_PATHS_MAX);
	for (size_t i = 0; i < a.n_forms; i++)
		check(a.forms[i].n >= VK_FORM_MIN && a.forms[i].p >= text && a.forms[i].p + a.forms[i].n < text + n);
	for (size_t i = 0; i < a.n_paths; i++)
		within(a.paths[i], text, n);
}

static void
answers(const char *text, size_t n)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf again = VK_BUF(2 * VK_SCAN_ANSWER_MAX);
	struct vk_scan_answer a;
	size_t used = 0;

	for (size_t at = 0; at < n && vk_scan_answer_parse(text + at, n - at, &a, &used) == VK_OK; at += used) {
		check(used <= n - at && a.n_steps <= VK_SCAN_STEPS_MAX);
		within(a.text, text, n);
		within(a.digest, text, n);
		for (size_t i = 0; i < a.n_steps; i++)
			within(a.steps[i], text, n);
		vk_buf_clear(&again);
		check(vk_scan_answer_put(&again, &a) == VK_OK && again.len == used && memcmp(again.p, text + at, used) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of just this size, so that a byte beyond it is noticed. */
	VK_CLEANUP(vk_freep) char *text = malloc(size ? size : 1);

	check(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	question(text, size);
	answers(text, size);
	return 0;
}
