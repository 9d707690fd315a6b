/* SPDX-License-Identifier: ISC */
/*
 * valetkey-scan: the part of "valetkey scan" that searches.  It is started by valetkey, gets what to look for from a
 * pipe and answers on its standard output; see include/valetkey/scan.h.
 */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "search.h"

static int
fail(enum vk_err e)
{
	static const char name[] = "valetkey-scan: ";
	const char *why = *vk_reason() ? vk_reason() : vk_err_text(e);

	(void)!vk_write_full(STDERR_FILENO, name, sizeof(name) - 1);
	(void)!vk_write_full(STDERR_FILENO, why, strlen(why));
	(void)!vk_write_full(STDERR_FILENO, "\n", 1);
	return vk_err_exit(e);
}

static void
more_descriptors(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static enum vk_err
search(const struct vk_scan_ask *ask)
{
	struct vk_search s = { .ask = ask, .out = VK_BUF(1u << 24) };
	enum vk_err e = vk_matcher_init(&s.matcher, ask->forms, ask->n_forms);

	if (e == VK_OK)
		e = vk_sandbox(ask->paths, ask->n_paths);
	for (size_t i = 0; e == VK_OK && i < ask->n_paths; i++) {
		vk_search_path(&s, ask->paths[i]);
		e = s.err;
	}
	if (e == VK_OK) {
		vk_say_progress(&s, VK_SCAN_END);
		e = s.err;
	}
	for (size_t i = 0; i < VK_COUNT(s.buffers); i++)
		vk_arena_free(s.buffers[i]);
	vk_seen_clear(&s.seen);
	vk_buf_clear(&s.out);
	vk_matcher_clear(&s.matcher);
	return e;
}

int
main(int argc, char **argv)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_SCAN_ASK_MAX);
	struct vk_scan_ask ask = { 0 };
	enum vk_err e;

	(void)argv;
	vk_harden();
	if (argc > 1)
		return fail(vk_fail(VK_EUSAGE, "it is started by \"valetkey scan\", and takes no arguments"));
	e = vk_buf_read(&text, VK_SCAN_ASK_FD);
	close(VK_SCAN_ASK_FD);
	if (e == VK_OK)
		e = vk_scan_ask_parse(text.p ? text.p : "", text.len, &ask);
	more_descriptors();
	if (e == VK_OK)
		e = search(&ask);
	vk_scan_ask_clear(&ask);
	vk_arena_wipe();
	/* The buffer was in there. */
	text = (struct vk_buf)VK_BUF_SECRET(VK_SCAN_ASK_MAX);
	return e == VK_OK ? 0 : fail(e);
}
