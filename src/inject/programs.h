/* SPDX-License-Identifier: ISC */
/*
 * programs.h - a directory for the front of PATH where this program has the names by which tools start it.
 *
 * It is $VALETKEY_LIBEXEC/bin or LIBEXECDIR/valetkey/bin, which has nothing else, when the links there lead to the very
 * program that runs; else, on R1, one in the run's own file system.  On other rungs there is no place that would go
 * by itself.
 */
#ifndef VK_INJECT_PROGRAMS_H
#define VK_INJECT_PROGRAMS_H

#include "recipe.h"

/** vk_programs_place(k, dir, place): Set ${k->programs}.  ${dir} is R1's, seen at ${place}, or -1. */
enum vk_err vk_programs_place(struct vk_kitchen *k, int dir, const char *place) VK_MUST;

#endif
