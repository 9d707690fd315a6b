/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/secret.h"
#include "build_secret.h"
#include "phases_words.h"

enum { WORDS_MAX = 4096 };

void
vk_part_add(struct vk_part *w, const char *word)
{
	char **v;

	if (w->e != VK_OK)
		return;
	if (w->n == WORDS_MAX)
		w->e = vk_fail(VK_ELIMIT, "the command has more than %d words", WORDS_MAX);
	else if (!(v = realloc(w->v, (w->n + 2) * sizeof(*v))))
		w->e = VK_ENOMEM;
	else {
		w->v = v;
		w->e = (v[w->n++] = vk_strdup(word)) ? VK_OK : VK_ENOMEM;
		v[w->n] = NULL;
	}
}

void
vk_part_add_all(struct vk_part *w, char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		vk_part_add(w, words[i]);
}

void
vk_part_drop(struct vk_part *w)
{
	vk_words_free(w->v);
	*w = (struct vk_part)VK_PART;
}

enum vk_err
vk_part_end(struct vk_part *w, struct vk_phases *p)
{
	enum vk_err e = w->e;

	if (e == VK_OK && p->n == VK_PHASES_MAX)
		e = vk_fail(VK_ELIMIT, "the command has too many parts");
	if (e == VK_OK)
		p->v[p->n++] = VK_TAKE(w->v);
	vk_part_drop(w);
	return e;
}

bool
vk_word_is_of(const char *word, const char *const *list)
{
	for (; word && *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

bool
vk_file_is_there(const char *file)
{
	struct stat st;

	return stat(file, &st) == 0;
}

bool
vk_file_mentions(const char *path, const char *text)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 || vk_buf_read(&b, fd) != VK_OK || (b.len > 0 && memmem(b.p, b.len, text, strlen(text)));
}

static const struct vk_option *
find_option(const char *word, const struct vk_option *list)
{
	for (; list->name; list++) {
		size_t n = strlen(list->name);

		if (strncmp(word, list->name, n) != 0)
			continue;
		if (!word[n] || (list->valued && (word[n] == '=' || (n == 2 && word[1] != '-'))))
			return list;
	}
	return NULL;
}

/* "-qq" and "-vvv" */
static bool
is_repeated(const char *word)
{
	return (word[1] == 'q' || word[1] == 'v') && word[1 + strspn(word + 1, (char[]){ word[1], '\0' })] == '\0';
}

enum vk_err
vk_words_sort(const char *tool, char *const *args, const struct vk_option *list, bool ends, struct vk_part *first,
    struct vk_part *second)
{
	size_t i = 0;

	for (; args[i] && strcmp(args[i], "--") != 0 && !(ends && args[i][0] != '-'); i++) {
		const struct vk_option *o = args[i][0] == '-' ? find_option(args[i], list) : NULL;
		bool next = o && o->valued && args[i + 1] && strcmp(args[i], o->name) == 0;

		if (args[i][0] == '-' && !o && !is_repeated(args[i])) {
			vk_hint("without it, or in two steps of your own: what fetches with valetkey run, and what it "
				"fetched without");
			return vk_fail(VK_EUSAGE, "--two-phase does not take %s apart with the option %s", tool,
			    args[i]);
		}
		for (size_t k = i; k <= i + next; k++) {
			if (!o || o->whom != SECOND)
				vk_part_add(first, args[k]);
			if (!o || o->whom != FIRST)
				vk_part_add(second, args[k]);
		}
		i += next;
	}
	if (!ends)
		vk_part_add_all(first, args + i);
	vk_part_add_all(second, args + i);
	return VK_OK;
}
