/* SPDX-License-Identifier: ISC */
/*
 * search.h - one search: what is looked for, what was said so far, and the limits that hold for whatever comes.
 * Everything is read once, as a stream; an archive is unpacked from the same bytes in which it is searched.
 */
#ifndef VK_SCAN_SEARCH_H
#define VK_SCAN_SEARCH_H

#include <sys/stat.h>

#include "match.h"

enum {
	VK_LEVELS_MAX = 16,              /* archives and compressions in one another */
	VK_READ_SIZE = 256 * 1024,
	VK_UNPACKED_BASE = 1 << 30,      /* a file on disk unpacks to no more than this and ... */
	VK_UNPACKED_RATIO = 100,         /* ... this many times its own size, all levels together */
	VK_FOUND_MAX = 256,              /* what was found waits for what its members find; more does not wait */
	VK_DIRECTORIES_MAX = 400,        /* in one another: each holds a descriptor */
	VK_DOCUMENT_MAX = 1024 * 1024,   /* of an image's description, each ... */
	VK_DOCUMENTS_MAX = 8 * 1024 * 1024, /* ... and all of one image */
};

/* Where we are: a path, a member of it, a member of that. */
struct vk_place {
	const struct vk_place *in; /* NULL: ${name} is a path */
	const char *name;          /* NULL: what ${in} unpacks to */
};

/* A set of files, open addressing. */
struct vk_seen {
	struct vk_seen_file *v; /* heap */
	size_t n, room;
};

struct vk_search {
	const struct vk_scan_ask *ask;
	struct vk_matcher matcher;
	struct vk_seen seen;                /* files with more than one name */
	struct vk_buf out;                  /* answers that wait */
	enum vk_err err;                    /* they could not be given: nothing goes on */
	char *buffers[VK_LEVELS_MAX + 1];   /* one per level, in the arena */
	uint64_t bytes, files, members;     /* searched */
	uint64_t told_bytes, told_files;    /* when progress was last told */
	uint64_t read, unpacked;            /* of this file on disk */
	bool stopped;                       /* it met a limit */
};

/* Where bytes come from: up to ${n} into ${p}; 0 at the end, -1 when it was reported that there are no more. */
struct vk_source {
	ssize_t (*read)(struct vk_source *s, char *p, size_t n);
	struct vk_search *search;
	const struct vk_place *place;
	bool whole;    /* holes are wanted, too; else they may be passed over: ... */
	uint64_t hole; /* ... set by read(): so many zeros before what it gave */
};

/* The small documents of an archive or directory that may be an image. */
struct vk_documents {
	struct vk_document *v; /* heap */
	size_t n, bytes;
};

/* Bytes that were searched: what the level above needs to know. */
struct vk_searched {
	bool any;       /* something was found in them, */
	uint64_t at;    /* the last there, */
	unsigned form;  /* of this form */
};

/* report.c */

/** vk_say_found(s, place, form, offset, flags): ${offset} in the innermost of ${place}. */
void vk_say_found(struct vk_search *s, const struct vk_place *place, size_t form, uint64_t offset, unsigned flags);

/** vk_say_problem(s, place, flags, fmt, ...): Not everything there was searched. */
void vk_say_problem(struct vk_search *s, const struct vk_place *place, unsigned flags, const char *fmt, ...)
    VK_PRINTF(4, 5);

/** vk_say_layer(s, place, file): ${place} is this file of an image. */
void vk_say_layer(struct vk_search *s, const struct vk_place *place, const struct vk_image_file *file);

/** vk_say_progress(s, kind): From time to time, and at ends. */
void vk_say_progress(struct vk_search *s, enum vk_scan_kind kind);

/** vk_search_name(s, place, name): A form in a name itself. */
void vk_search_name(struct vk_search *s, const struct vk_place *place, const char *name);

/* stream.c */

/**
 * vk_search_stream(s, source, place, level, document, ret):
 * Search all that ${source} gives, and what it unpacks to.  With ${document} its bytes are also kept there, while they
 * fit.  ${ret} may be NULL.
 */
void vk_search_stream(struct vk_search *s, struct vk_source *source, const struct vk_place *place, unsigned level,
    struct vk_buf *document, struct vk_searched *ret);

/* archive.c */

struct vk_stream;

/** vk_stream_next(st, ret_p): The next bytes of a stream, searched; valid until the next call.  0 at its end, -1. */
ssize_t vk_stream_next(struct vk_stream *st, const char **ret_p);

/** vk_stream_whole(st): From here on every byte is wanted. */
void vk_stream_whole(struct vk_stream *st);

/** vk_stream_passed(st, from, to, inner): Tell what was found in these bytes, without what ${inner} has told. */
void vk_stream_passed(struct vk_stream *st, uint64_t from, uint64_t to, const struct vk_searched *inner);

/** vk_unpack(s, st, p, n, place, level): If the stream that begins with ${n} bytes ${p} can be unpacked, do it. */
void vk_unpack(struct vk_search *s, struct vk_stream *st, const char *p, size_t n, const struct vk_place *place,
    unsigned level);

/* documents.c */

/** vk_document_wanted(name): Might this member describe an image? */
bool vk_document_wanted(const char *name) VK_MUST;

/** vk_document_keep(d, name, text): Takes the text out of ${text}, if it is JSON and there is room. */
void vk_document_keep(struct vk_documents *d, const char *name, struct vk_buf *text);

/** vk_documents_tell(s, d, in, prefix): Say which members, ${prefix}NAME, are layers.  ${in} NULL: files on disk. */
void vk_documents_tell(struct vk_search *s, struct vk_documents *d, const struct vk_place *in, const char *prefix);
void vk_documents_clear(struct vk_documents *d);

/* seen.c */

/** vk_seen_before(seen, st): Was it called with this file before?  Without memory: no. */
bool vk_seen_before(struct vk_seen *seen, const struct stat *st) VK_MUST;
void vk_seen_clear(struct vk_seen *seen);

/* walk.c */

/** vk_search_path(s, path): A file, a tree, or "-". */
void vk_search_path(struct vk_search *s, const char *path);

/* sandbox.c */

/**
 * vk_sandbox(paths, n):
 * From here on: no file is written, nothing is executed, no socket made, no other process touched; and where the
 * kernel has Landlock nothing but ${paths} is read.
 */
enum vk_err vk_sandbox(const char *const *paths, size_t n) VK_MUST;

#endif
