/* SPDX-License-Identifier: ISC */
/* phases_words.h - what the tools' ways to be taken apart have in common. */
#ifndef VK_INJECT_PHASES_WORDS_H
#define VK_INJECT_PHASES_WORDS_H

#include "phases.h"

/* A part that is being put together; an error stays until its end. */
struct vk_part {
	char **v;
	size_t n;
	enum vk_err e;
};
#define VK_PART { NULL, 0, VK_OK }

void vk_part_add(struct vk_part *w, const char *word);
void vk_part_add_all(struct vk_part *w, char *const *words);

/** vk_part_end(w, p): ${w} becomes the next part of ${p}, and is empty. */
enum vk_err vk_part_end(struct vk_part *w, struct vk_phases *p) VK_MUST;

/** vk_part_drop(w): It becomes none. */
void vk_part_drop(struct vk_part *w);

/** vk_word_is_of(word, list): Is it one of the list, which NULL ends?  NULL is in none. */
bool vk_word_is_of(const char *word, const char *const *list) VK_MUST;

/** vk_file_mentions(path, text): One that cannot be read does: what follows from it is then no more than needless. */
bool vk_file_mentions(const char *path, const char *text) VK_MUST;

/** vk_file_is_there(path) */
bool vk_file_is_there(const char *path) VK_MUST;

/* To which parts an option goes. */
enum vk_for {
	BOTH,
	FIRST,  /* it is about what is fetched */
	SECOND, /* it is about what is installed */
};

struct vk_option {
	const char *name; /* "-r" is also "-rVALUE", "--name" also "--name=VALUE", if it is valued */
	bool valued;
	enum vk_for whom;
};

/**
 * vk_words_sort(tool, args, list, ends, first, second):
 * Add what is at ${args} to the parts that it is for; an option that is not in ${list}, which a NULL name ends, is
 * VK_EUSAGE.  With ${ends} all that follows the options is for the second part alone.
 */
enum vk_err vk_words_sort(const char *tool, char *const *args, const struct vk_option *list, bool ends,
    struct vk_part *first, struct vk_part *second) VK_MUST;

/** vk_phases_pip(p, command), vk_phases_uv(p, command): VK_ENOENT: not a command that is known. */
enum vk_err vk_phases_pip(struct vk_phases *p, char *const *command) VK_MUST;
enum vk_err vk_phases_uv(struct vk_phases *p, char *const *command) VK_MUST;

#endif
