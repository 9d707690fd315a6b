/* SPDX-License-Identifier: ISC */
/*
 * dockerfile.h - Dockerfiles and .dockerignore files, as pure functions.
 *
 * The rules are those of BuildKit (frontend/dockerfile/parser and github.com/moby/patternmatcher), since a
 * linter that reads a file in another way than the builder misses what is built.  They are the same for
 * Containerfiles; buildah differs in what it refuses, not in what it takes.
 */
#ifndef VALETKEY_DOCKERFILE_H
#define VALETKEY_DOCKERFILE_H

#include "valetkey/base.h"

enum {
	VK_MAX_DOCKERFILE = 1024 * 1024,  /* of a file that is parsed                    */
	VK_MAX_INSTRUCTIONS = 5000,
	VK_MAX_IGNORE_PATTERNS = 4096,
};

/* A here-document of an instruction. */
struct vk_heredoc {
	char *name;  /* the word that ends it, quotes taken away */
	bool expand; /* written without quotes: variables in it are replaced */
	bool chomp;  /* "<<-": leading tabs do not count */
	char *text;  /* its lines, as they are; NUL-terminated */
	size_t line; /* of the first of them */
};

/* Where a physical line begins in the joined text of an instruction. */
struct vk_dockerfile_piece {
	size_t at, line;
};

struct vk_instruction {
	char *name;   /* upper case, "RUN"; behind ONBUILD the instruction that it holds */
	bool onbuild;
	bool json;    /* the exec form: ${words} are its strings */
	bool spaced;  /* "ENV KEY value": one word, "KEY=value" */
	char *joined; /* the instruction as one line, continuations joined, comments between them left out */
	char *args;   /* within it: what follows name and flags */
	char **flags; /* "--mount=...", quotes and escapes resolved */
	size_t n_flags;
	/* ARG, ENV, LABEL: words with their quotes; COPY, ADD, FROM ...: between blanks; or the exec form */
	char **words;
	size_t n_words;
	struct vk_heredoc *docs;
	size_t n_docs;
	struct vk_dockerfile_piece *pieces;
	size_t n_pieces;
	size_t line, end_line; /* from 1, both included, here-documents too */
};

struct vk_dockerfile {
	struct vk_instruction *v;
	size_t n;
	char escape; /* '\\' or '`' */
	char *pool, *pool_at, *pool_end; /* in the arena: every text above */
};

/**
 * vk_dockerfile_parse(text, n, ret):
 * Parser directives, a byte-order mark, CRLF, continuations, comments, here-documents, exec forms and ONBUILD as
 * BuildKit reads them.  Unknown instructions are kept.  VK_EPROTO, with "line N: why", for what BuildKit refuses
 * to read; VK_ELIMIT for a file that is too large.  The texts may hold secrets and lie in the arena.
 *
 * vk_dockerfile_clear(d): Wipes and frees.
 */
enum vk_err vk_dockerfile_parse(const char *text, size_t n, struct vk_dockerfile *ret) VK_MUST;
void vk_dockerfile_clear(struct vk_dockerfile *d);

/**
 * vk_dockerfile_line(in, p): The line that ${p}, within ${in->joined} or the text of a here-document, stands in;
 * else the first.
 */
size_t vk_dockerfile_line(const struct vk_instruction *in, const char *p);

/* The patterns of a .dockerignore, in order. */
struct vk_ignore {
	struct vk_ignore_pattern {
		char *text;  /* cleaned, without '!' */
		bool except; /* '!' */
	} *v;
	size_t n;
};

/**
 * vk_ignore_parse(text, n, ret):
 * A byte-order mark, comments, blanks, "!", leading and double slashes, "." and ".." as the builder reads them.
 * VK_EPROTO, with "line N: why", for a pattern that it refuses.
 *
 * vk_ignore_match(g, path):
 * Is ${path}, relative to the build context, "a/b", left out?  The last pattern that matches it or a directory
 * above it decides.  Go's filepath.Match with "**"; a pattern that the builder cannot compile matches nothing.
 *
 * vk_ignore_clear(g): Frees.
 */
enum vk_err vk_ignore_parse(const char *text, size_t n, struct vk_ignore *ret) VK_MUST;
bool vk_ignore_match(const struct vk_ignore *g, const char *path) VK_MUST;
void vk_ignore_clear(struct vk_ignore *g);

#endif
