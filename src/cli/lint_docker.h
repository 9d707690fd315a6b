/* SPDX-License-Identifier: ISC */
/* lint_docker.h - one Dockerfile: what was found in its instructions, and what would be right instead of them. */
#ifndef VK_CLI_LINT_DOCKER_H
#define VK_CLI_LINT_DOCKER_H

#include "valetkey/dockerfile.h"
#include "cli/lint.h"

enum { VK_LINT_WORDS = 64, VK_LINT_SEGMENTS = 256, VK_LINT_MOUNTS = 6 };

struct vk_word {
	const char *p;
	size_t n;
};

/* A command of a shell's text: up to "&&", "||", "|", ";" or the end of the line. */
struct vk_segment {
	const char *p;
	size_t n;
	const char *sep;   /* what stands behind it: "&&", "||", ";", "|", "\n" or "" */
	struct vk_word w[VK_LINT_WORDS];
	size_t n_w, cmd;   /* the word that is the command: assignments, "sudo" and "then" before it */
	bool dropped;      /* the rewrite leaves it out */
	bool url;          /* the rewrite takes the user information out of its URLs */
	bool netrc;        /* it is a curl that has to be told to read a netrc */
	const struct vk_word *cut; /* the rewrite leaves these words out */
	size_t n_cut;
};

/* A file of credentials that a step can be given, and the tools that read it. */
struct vk_lint_kind {
	const char *id, *file;      /* "npmrc"; below the home directory */
	const char *const *tools;   /* NULL-terminated */
};

/* What would be right for an instruction. */
struct vk_lint_plan {
	struct vk_segment *seg;     /* of RUN */
	size_t n_seg;
	const struct vk_lint_kind *kinds[VK_LINT_MOUNTS];
	const char *vars[VK_LINT_MOUNTS]; /* variables that come from a secret's file instead */
	size_t n_kinds, n_vars;
	bool words_dropped[VK_LINT_SEGMENTS]; /* of ARG, ENV, COPY, ADD: words that go */
	bool changed, required, impossible;
	bool url;                   /* of ENV and ARG: URLs lose their user information */
	char *before;               /* heap: lines before it */
	bool gone;                  /* it stands elsewhere, in somebody's ${before} */
	size_t moved_to;            /* whose, or 0 */
};

struct vk_lint_stage {
	size_t first, last;         /* instructions, FROM included; before the first FROM there is a stage, too */
	bool in_image;              /* the last one, or one that it is made from */
};

struct vk_lint_docker {
	struct vk_lint *l;
	const struct vk_dockerfile *f;
	struct vk_lint_plan *plan;  /* one per instruction */
	struct vk_lint_stage *stage;
	size_t n_stages;
	char *context;              /* the build context: a directory */
	struct vk_ignore ignore;
	char *ignore_path;          /* of its file, or of the one to be made */
	/* Which instructions put a finding right. */
	struct vk_lint_link {
		size_t item, instruction;
	} *link;
	size_t n_links;
};

/** vk_segments(s, n, ret_n): The commands of a shell's text; the caller frees.  NULL: there is no memory. */
struct vk_segment *vk_segments(const char *s, size_t n, size_t *ret_n) VK_MUST;

/** vk_word_is(w, text): Without its quotes. */
bool vk_word_is(const struct vk_word *w, const char *text) VK_MUST;

/** vk_word_cred(w): The short name of the file of credentials that it names, or NULL. */
const char *vk_word_cred(const struct vk_word *w) VK_MUST;

/**
 * vk_segment_is(s, command, argument): Is it this command, with this argument (NULL: any) among its first that
 * are no options?
 */
bool vk_segment_is(const struct vk_segment *s, const char *command, const char *argument) VK_MUST;

/**
 * vk_segment_downloads(s, ret_manifests): Does it download dependencies?  The files that it needs for that, or
 * NULL.
 */
bool vk_segment_downloads(const struct vk_segment *s, const char **ret_manifests) VK_MUST;

/** vk_lint_kind_find(id): "npmrc" or "netrc"; NULL: another. */
const struct vk_lint_kind *vk_lint_kind_find(const char *id) VK_MUST;

/** vk_lint_kind_reads(k, s): Is it a tool that reads the file, doing what needs it? */
bool vk_lint_kind_reads(const struct vk_lint_kind *k, const struct vk_segment *s) VK_MUST;

/** vk_lint_link(c, instruction): The last finding is put right by the plan of this instruction, among others. */
void vk_lint_link(struct vk_lint_docker *c, size_t instruction);

/** vk_lint_need(c, from, kind): The steps from here on in the stage that read such a file are given it. */
void vk_lint_need(struct vk_lint_docker *c, size_t from, const char *id);

/** vk_lint_give(plan, kind): A step gets a file. */
void vk_lint_give(struct vk_lint_plan *plan, const struct vk_lint_kind *kind);

/** vk_lint_without_urls(s, n, out): The text without the user information that vk_lint_url() finds. */
void vk_lint_without_urls(const char *s, size_t n, struct vk_buf *out);

/** vk_lint_copied(c, i, id): Does the COPY or ADD bring a file of this short name that holds credentials? */
bool vk_lint_copied(const struct vk_lint_docker *c, size_t i, const char *id) VK_MUST;

/** vk_lint_stage_of(c, i): The stage of an instruction. */
const struct vk_lint_stage *vk_lint_stage_of(const struct vk_lint_docker *c, size_t i);

/**
 * vk_lint_find_context(c): The directory that the build is given, and what is left out of it.  False: there is no
 * memory.
 */
bool vk_lint_find_context(struct vk_lint_docker *c) VK_MUST;

/** vk_lint_runs(c), vk_lint_copies(c), vk_lint_order(c): The rules, in this order. */
void vk_lint_runs(struct vk_lint_docker *c);
void vk_lint_copies(struct vk_lint_docker *c);
void vk_lint_order(struct vk_lint_docker *c);

/** vk_lint_compose(c, i, out): The lines that would be right for an instruction; false when there are none. */
bool vk_lint_compose(const struct vk_lint_docker *c, size_t i, struct vk_buf *out) VK_MUST;

#endif
