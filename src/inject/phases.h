/* SPDX-License-Identifier: ISC */
/*
 * phases.h - a command that fetches and then runs what it fetched, taken apart: the first part has the credentials and
 * runs no code of others, the rest runs it and has none.
 */
#ifndef VK_INJECT_PHASES_H
#define VK_INJECT_PHASES_H

#include "valetkey/base.h"

enum { VK_PHASES_MAX = 10 };

struct vk_phases {
	char **v[VK_PHASES_MAX]; /* words, NULL-terminated; ${v[0]} is the one with credentials */
	size_t n;
	bool alone; /* the first can start no other program, and make no link */
	char *dir;  /* where the first leaves what it fetched; NULL: where the tool itself wants it */
	const char *withheld; /* a variable that the first does not get; NULL: none.  Static, as is the next */
	const char *offline; /* "NAME=value" for all but the first, which need no network; NULL: none */
};

/**
 * vk_phases_choose(p, command):
 * VK_EUSAGE, with a reason, for a command that cannot be taken apart:
 *   npm ci, npm install        with --ignore-scripts; npm rebuild; the project's own prepare
 *   pnpm install               with --ignore-scripts; pnpm rebuild --pending
 *   yarn install               without scripts; again, from its cache
 *   cargo build, test, ...     cargo fetch; the command with --offline
 *   go build, test, ...        go mod download; the command with GOPROXY=off
 *   composer install           --download-only without plugins and scripts; the command without network
 *   pip install                pip download, which the kernel lets start nothing; pip install from there
 *   uv sync, run               uv sync that builds nothing; the command
 *   uv pip install, sync       the same that builds nothing; again, from its cache
 */
enum vk_err vk_phases_choose(struct vk_phases *p, char *const *command) VK_MUST;

/** vk_phases_clear(p): And remove the directory. */
void vk_phases_clear(struct vk_phases *p);

#endif
