/* SPDX-License-Identifier: ISC */
/* Names that must not outlive us.  Whoever handles the signal that ends us may be in the middle of any of this. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "valetkey/io.h"

/* A keystore that is written anew in a directory of its own is three of them. */
static _Atomic(const char *) names[8];

void
vk_litter_add(const char *path)
{
	for (size_t i = 0; i < VK_COUNT(names); i++)
		if (!names[i]) {
			names[i] = path;
			return;
		}
}

void
vk_litter_forget(const char *path)
{
	for (size_t i = 0; i < VK_COUNT(names); i++)
		if (names[i] == path)
			names[i] = NULL;
}

/* What is in a directory came later than the directory. */
void
vk_litter_remove(void)
{
	for (size_t i = VK_COUNT(names); i-- > 0;) {
		const char *path = names[i];

		if (path && unlink(path) < 0)
			(void)rmdir(path);
	}
}

/* No signal between making it and noting it; and while the name is drawn it may be another's. */
static int
make(char *template, bool dir)
{
	sigset_t all, mask;
	int r;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	if (dir)
		r = mkdtemp(template) ? 0 : -1;
	else
		r = mkostemp(template, O_CLOEXEC);
	if (r >= 0)
		vk_litter_add(template);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return r;
}

int
vk_litter_file(char *template)
{
	return make(template, false);
}

bool
vk_litter_dir(char *template)
{
	return make(template, true) == 0;
}
