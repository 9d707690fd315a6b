/* SPDX-License-Identifier: ISC */
/*
 * common.h - what several helpers do the same way.
 */
#ifndef VK_HELPERS_COMMON_H
#define VK_HELPERS_COMMON_H

#include "valetkey/helper.h"

/* The protocols, one each; rows of table.c. */
int vk_git_credential(int argc, char **argv);
int vk_docker_credential(int argc, char **argv);

/**
 * vk_helper_line(e):
 * Fold reason and hint into one line and return it: tools show a helper's words as they
 * come, some of them many times over.
 */
const char *vk_helper_line(enum vk_err e);

/** vk_helper_fail(e): Print that line to stderr and return the exit code of ${e}. */
int vk_helper_fail(enum vk_err e);

#endif
