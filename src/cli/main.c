/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "valetkey/secret.h"
#include "cli/cmd.h"

#ifndef VK_VERSION
#error "VK_VERSION comes from meson.build"
#endif

static int
print_help(void)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(65536);

	vk_buf_str(&b, "usage: valetkey COMMAND [ARGUMENT...]\n\n"
		       "A build gets a valet key: a credential that only this step sees and that is "
		       "gone when it ends.\n\ncommands:\n");
	for (size_t i = 0; vk_cmds[i]; i++)
		vk_buf_fmt(&b, "  %-9s %s\n", vk_cmds[i]->name, vk_cmds[i]->summary);
	vk_buf_str(&b, "  helper    answer a tool's credential protocol (started by the tool)\n"
		       "\n\"valetkey COMMAND --help\" explains one.  First steps: valetkey init, "
		       "valetkey add URL, valetkey setup git.\n");
	return b.err == VK_OK ? vk_stdout_text(b.p, b.len) : vk_msg_fail(b.err);
}

static int
run_helper(int argc, char **argv)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(65536);
	const struct vk_helper *h;

	if (argc < 2)
		return vk_msg_usage("helper: which one? (see \"valetkey helper --help\")");
	if (strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "-h") != 0) {
		if (!(h = vk_helper_find(argv[1])))
			return vk_msg_usage("no such helper: %s", argv[1]);
		return h->run(argc - 1, argv + 1);
	}
	vk_buf_str(&b, "usage: valetkey helper NAME [ARGUMENT...]\n\n"
		       "Answers on stdin and stdout as a tool's credential helper.  Tools start it so, or "
		       "by the program's\nname; \"valetkey setup\" registers it.\n\n");
	for (h = vk_helpers; h->name; h++)
		vk_buf_fmt(&b, "  %-21s %-30s %s\n", h->name, h->program ? h->program : "-", h->summary);
	return b.err == VK_OK ? vk_stdout_text(b.p, b.len) : vk_msg_fail(b.err);
}

int
main(int argc, char **argv)
{
	const char *self = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const struct vk_helper *h;
	int status = -1;

	vk_harden();
	self = self ? self + 1 : argc > 0 ? argv[0] : "valetkey";
	if ((h = vk_helper_find(self)))
		status = h->run(argc, argv);
	else if (argc < 2)
		status = vk_msg_usage("which command? (see \"valetkey --help\")");
	else if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		status = print_help();
	else if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0)
		status = vk_stdout_text("valetkey " VK_VERSION "\n", strlen("valetkey " VK_VERSION "\n"));
	else if (strcmp(argv[1], "--cargo-plugin") == 0)
		status = vk_helper_find("cargo-credential")->run(argc, argv); /* all that cargo passes to a provider */
	else if (strcmp(argv[1], "helper") == 0)
		status = run_helper(argc - 1, argv + 1);
	for (size_t i = 0; status < 0 && vk_cmds[i]; i++)
		if (strcmp(argv[1], vk_cmds[i]->name) == 0)
			status = vk_cmds[i]->run(argc - 1, argv + 1);
	if (status < 0)
		status = vk_msg_usage("no such command: %s (see \"valetkey --help\")", argv[1]);
	vk_arena_wipe();
	return status;
}
