/* SPDX-License-Identifier: ISC */
/*
 * ini.h - files as Python's RawConfigParser reads them, which pip and the AWS tools are written with: lines "[section]"
 * and "key = value" or "key: value"; lines that are indented further than the key's go on with its value; '#' and ';'
 * begin a comment only at the beginning of a line.
 */
#ifndef VK_PROTO_INI_H
#define VK_PROTO_INI_H

#include <stdbool.h>
#include <stddef.h>

struct vk_ini_line {
	const char *p; /* without blanks around it */
	size_t n, indent;
};

enum vk_ini_kind {
	VK_INI_NOTHING, /* blank, or a comment */
	VK_INI_HEADER,
	VK_INI_KEY,
	VK_INI_MORE, /* of the value of the last key */
};

/**
 * vk_ini_next(text, n, at, indent, ret), vk_ini_name(l, ret_value):
 * What the next line is; ${*indent} is that of the last key plus one, 0 where there is none.  And how long the name of
 * a key is; ${*ret_value} is where its value begins, behind ${l->n} where there is none.
 */
enum vk_ini_kind vk_ini_next(const char *text, size_t n, size_t *at, size_t *indent, struct vk_ini_line *ret);
size_t vk_ini_name(const struct vk_ini_line *l, size_t *ret_value);

#endif
