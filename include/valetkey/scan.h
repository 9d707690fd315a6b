/* SPDX-License-Identifier: ISC */
/*
 * scan.h - what "valetkey scan" and the program that searches, valetkey-scan, say to each other over two pipes.
 *
 * A question, whole, on its descriptor VK_SCAN_ASK_FD; numbers are in the machine's order, a string is its
 * length (32 bits), its bytes and a NUL that is not counted:
 *   "VKSCAN1\n" flags:32 forms:32 { owner:32 string }* paths:32 { string }*
 * Answers, one after the other, to its standard output:
 *   length of the rest:32 kind:32 flags:32 form:32 index:32 of:32 offset:64 files:64 members:64
 *   string text, string digest, steps:32 { string }*
 * The searching program reads hostile archives, so its answers are as little to be trusted as they are.
 */
#ifndef VALETKEY_SCAN_H
#define VALETKEY_SCAN_H

#include "valetkey/forms.h"

#define VK_SCAN_PROGRAM "scan" /* valetkey-scan */

enum {
	VK_SCAN_ASK_FD = 3,
	VK_SCAN_ASK_MAX = 16 * 1024 * 1024,
	VK_SCAN_PATHS_MAX = 4096,
	VK_SCAN_STEPS_MAX = 24,          /* a path, and what is in what */
	VK_SCAN_STEP_MAX = 8192,         /* longer names are cut */
	VK_SCAN_ANSWER_MAX = 256 * 1024, /* without its length */
};

/* Of a question. */
enum {
	VK_SCAN_ONE_FILE_SYSTEM = 1u << 0,
};

struct vk_scan_form {
	const char *p;
	size_t n;
	unsigned owner;
};

/* Pointers into the text that was parsed; the arrays are heap. */
struct vk_scan_ask {
	unsigned flags;
	struct vk_scan_form *forms;
	size_t n_forms;
	const char **paths; /* "-": standard input */
	size_t n_paths;
};

/** vk_scan_ask_put(out, forms, paths, n_paths, flags): Append a whole question. */
enum vk_err vk_scan_ask_put(struct vk_buf *out, const struct vk_forms *forms, const char *const *paths, size_t n_paths,
    unsigned flags) VK_MUST;

/** vk_scan_ask_parse(text, n, ret): VK_EPROTO when it is not exactly one question, or a form is below VK_FORM_MIN. */
enum vk_err vk_scan_ask_parse(const char *text, size_t n, struct vk_scan_ask *ret) VK_MUST;
void vk_scan_ask_clear(struct vk_scan_ask *a);

enum vk_scan_kind {
	VK_SCAN_FOUND = 1, /* form, offset, place */
	VK_SCAN_PROBLEM,   /* text: why not everything in this place was searched */
	VK_SCAN_LAYER,     /* place is layer index/of of an image: digest, text its command; 0: its configuration */
	VK_SCAN_PROGRESS,  /* offset: bytes so far, files, members */
	VK_SCAN_PATH_END,  /* of the next of the paths everything was said */
	VK_SCAN_END,       /* as PROGRESS, and nothing comes after it */
};

/* Of an answer. */
enum {
	VK_SCAN_UNPACKED = 1u << 0, /* offset counts what the file unpacks to */
	VK_SCAN_IN_NAME = 1u << 1,  /* it is in the name, or what the link points to */
	VK_SCAN_LIMIT = 1u << 2,    /* of a problem: a limit was met */
};

struct vk_scan_answer {
	enum vk_scan_kind kind;
	unsigned flags, form, index, of;
	uint64_t offset, files, members;
	const char *text, *digest;            /* never NULL when parsed; NULL is "" when put */
	const char *steps[VK_SCAN_STEPS_MAX]; /* the path, then what is in what */
	size_t n_steps;
};

/** vk_scan_answer_put(out, a): Append one answer. */
enum vk_err vk_scan_answer_put(struct vk_buf *out, const struct vk_scan_answer *a) VK_MUST;

/**
 * vk_scan_answer_parse(text, n, ret, ret_used):
 * The answer at the beginning of ${text}, which its strings point into.  VK_ENOENT: there is not yet all of it;
 * VK_EPROTO: it is none.
 */
enum vk_err vk_scan_answer_parse(const char *text, size_t n, struct vk_scan_answer *ret, size_t *ret_used) VK_MUST;

/* What an archive or a directory that is a container image says about its files. */
struct vk_image_file {
	char *name;          /* "blobs/sha256/...", "0123/layer.tar" */
	char *digest;        /* "sha256:...", "" when not known */
	char *command;       /* of the history: what made the layer; "" */
	unsigned index, of;  /* counted from 1; 0: the configuration */
};
struct vk_image {
	struct vk_image_file *v;
	size_t n;
};

/* Where the documents are: the text of ${name}, NULL when there is none. */
struct vk_image_source {
	const char *(*get)(const char *name, size_t *ret_n, void *arg);
	void *arg;
};

/**
 * vk_image_read(source, ret):
 * What "docker save" writes (manifest.json: an array of Config and Layers; docker's image specification v1.2) and the
 * OCI image layout (index.json, image-spec v1.1), also both at once.  VK_ENOENT when it is neither.  What is malformed
 * is left out: it only names things.
 */
enum vk_err vk_image_read(const struct vk_image_source *source, struct vk_image *ret) VK_MUST;
void vk_image_clear(struct vk_image *m);

#endif
