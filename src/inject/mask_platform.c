/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "mask_platform.h"

enum { GENERATIONS = 64, TEXT_MAX = 1024 * 1024, LEAST = 4 };

/* ---- does the runner, and nobody else, read this? --------------------------------------------------------------- */

static bool
is_runner(pid_t pid)
{
	char name[32], text[32];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%d/comm", (int)pid);
	VK_CLEANUP(vk_closep) int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (n = read(fd, text, sizeof(text) - 1)) <= 0)
		return false;
	text[n] = '\0';
	return vk_str_starts(text, "Runner.");
}

/* In a container the runner is not to be seen: there the line of parents ends with one from outside. */
static bool
is_for_runner(void)
{
	struct stat mine, theirs;
	pid_t pid = getppid();

	if (fstat(STDERR_FILENO, &mine) < 0 || !S_ISFIFO(mine.st_mode))
		return false;
	for (int i = 0; i < GENERATIONS && pid > 0; i++) {
		char name[32];

		if (is_runner(pid))
			return true;
		snprintf(name, sizeof(name), "/proc/%d/fd/2", (int)pid);
		if (stat(name, &theirs) < 0 || theirs.st_dev != mine.st_dev || theirs.st_ino != mine.st_ino)
			return false;
		pid = vk_parent(pid);
	}
	return pid == 0;
}

/* ---- what it is told ------------------------------------------------------------------------------------------- */

static void
add_line(struct vk_buf *out, const char *p, size_t n)
{
	/* The runner refuses nothing, but hides what is as short as this in every word. */
	if (n < LEAST)
		return;
	vk_buf_str(out, "::add-mask::");
	for (size_t i = 0; i < n; i++)
		if (p[i] == '%')
			vk_buf_str(out, "%25");
		else if (p[i] == '\r')
			vk_buf_str(out, "%0D");
		else
			vk_buf_char(out, p[i]);
	vk_buf_char(out, '\n');
}

static void
add_lines(struct vk_buf *out, const char *p, size_t n)
{
	while (n > 0) {
		const char *lf = memchr(p, '\n', n);
		size_t len = lf ? (size_t)(lf - p) : n;

		add_line(out, p, len > 0 && p[len - 1] == '\r' ? len - 1 : len);
		len += lf != NULL;
		p += len;
		n -= len;
	}
}

static enum vk_err
add_pair(struct vk_buf *out, const struct vk_cred *c)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_BASE64_LEN(VK_MAX_FIELD + 1 + VK_MAX_SECRET));
	enum vk_err e;

	/* With a colon in it there is no pair that anybody could send. */
	if (!*c->username || strchr(c->username, ':'))
		return VK_OK;
	if ((e = vk_auth_pair(c, &text)) == VK_OK)
		add_line(out, text.p, text.len);
	return e;
}

void
vk_platform_tell(const struct vk_kitchen *k, const struct vk_secret *env, size_t n)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(TEXT_MAX);
	const char *on = getenv("GITHUB_ACTIONS");
	enum vk_err e = VK_OK;

	if (!on || strcmp(on, "true") != 0 || !is_for_runner())
		return;
	for (size_t i = 0; i < k->creds->n; i++) {
		const struct vk_cred *c = k->creds->v[i];

		if (c->secret.p && c->secret.n >= LEAST) {
			add_lines(&out, c->secret.p, c->secret.n);
			e = add_pair(&out, c);
		}
	}
	for (size_t i = 0; i < n; i++)
		if (env[i].p)
			add_lines(&out, env[i].p, env[i].n);
	for (size_t i = 0; i < k->files.n; i++)
		if (k->files.v[i].is_secret)
			add_lines(&out, k->files.v[i].text.p, k->files.v[i].text.len);
	/* What it does not hear of we hide all the same. */
	if (e != VK_OK || out.err != VK_OK || (out.len > 0 && vk_write_full(STDERR_FILENO, out.p, out.len) != VK_OK))
		vk_caution(k->opts, "the runner was not told of every secret of this run");
}
