/* SPDX-License-Identifier: ISC */
/* secret_input.h - where commands read secrets from: a terminal without echo, or standard input. */
#ifndef VK_CLI_SECRET_INPUT_H
#define VK_CLI_SECRET_INPUT_H

#include "valetkey/secret.h"

/**
 * vk_input_stdin(what, ret):
 * All of standard input, at most VK_MAX_SECRET bytes, less one trailing line end.  An empty one, and
 * one with another line end or a NUL in it, is VK_EUSAGE: no protocol could present it.  ${what}
 * names it in messages.
 */
enum vk_err vk_input_stdin(const char *what, struct vk_secret *ret) VK_MUST;

/** vk_input_stdin_two(first, second, ret_first, ret_second): Two, a line each; ${first} and ${second} name them. */
enum vk_err vk_input_stdin_two(const char *first, const char *second, struct vk_secret *ret_first,
    struct vk_secret *ret_second) VK_MUST;

/**
 * vk_input_ask(what, prompt, confirm, ret):
 * Ask on the terminal; VK_ELOCKED when standard input is none, since a script must never hang at a
 * prompt.
 */
enum vk_err vk_input_ask(const char *what, const char *prompt, bool confirm, struct vk_secret *ret)
    VK_MUST;

#endif
