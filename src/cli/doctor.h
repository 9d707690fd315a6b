/* SPDX-License-Identifier: ISC */
/*
 * doctor.h - what "valetkey doctor" looks at: a list of things that are so, some of them findings.
 * No text of it ever holds a secret: files are named, hosts, and the keys that hold one.
 */
#ifndef VK_CLI_DOCTOR_H
#define VK_CLI_DOCTOR_H

#include "valetkey/base.h"

enum vk_doctor_level {
	VK_DOCTOR_OK,      /* as it should be            */
	VK_DOCTOR_NOTE,    /* good to know               */
	VK_DOCTOR_FINDING, /* something to put in order  */
};

struct vk_doctor_item {
	enum vk_doctor_level level;
	const char *area;       /* "keystore", "plaintext", ...; static text */
	char *text;             /* one sentence */
	char *file, *host, *key; /* plaintext only; else NULL */
	char *fix;              /* what to do about it, or NULL */
	/* Of a file and line; see lint.h.  Else 0 and NULL. */
	size_t line;
	const char *rule, *severity, *why;
	struct vk_doctor_edit *edits;
	size_t n_edits;
};

/* What would be right: ${text} instead of the lines ${first} to ${last} of ${file}. */
struct vk_doctor_edit {
	char *file, *text;  /* text "": they go; each of its lines ends with a newline */
	size_t first, last; /* last < first: before the line; first 0: at the end of the file */
};

struct vk_doctor {
	struct vk_doctor_item *v;
	size_t n, findings;
	bool failed; /* out of memory: the list is not complete */
	/* The text that a vk_doctor_scan reads, for the lines of what it finds, and where it is in it; or NULL. */
	const char *scanned, *at;
	size_t scanned_n;
	const char *counted; /* up to where lines were counted, */
	size_t counted_line; /* and how many there were */
};

/** vk_doctor_release(d): Free the list. */
void vk_doctor_release(struct vk_doctor *d);

/** vk_doctor_add(d, level, area, fmt, ...): Append an item. */
void vk_doctor_add(struct vk_doctor *d, enum vk_doctor_level level, const char *area,
    const char *fmt, ...) VK_PRINTF(4, 5);

/** vk_doctor_fix(d, fmt, ...): What to do about the last item. */
void vk_doctor_fix(struct vk_doctor *d, const char *fmt, ...) VK_PRINTF(2, 3);

/** vk_doctor_edit(d, item, edit): Add to the item of this number; the strings of ${edit} become its own. */
void vk_doctor_edit(struct vk_doctor *d, size_t item, struct vk_doctor_edit edit);

/**
 * vk_doctor_plaintext(d, file, host, n, key): A credential of ${host} (${n} bytes) lies in ${file}; its line is
 * that of ${d->at} or ${host}.
 */
void vk_doctor_plaintext(struct vk_doctor *d, const char *file, const char *host, size_t n,
    const char *key);

/* The examinations.  vk_doctor_rungs() starts processes and comes first, before secrets are loaded. */
void vk_doctor_rungs(struct vk_doctor *d);
void vk_doctor_install(struct vk_doctor *d);
void vk_doctor_keystore(struct vk_doctor *d);
void vk_doctor_config(struct vk_doctor *d);
void vk_doctor_log(struct vk_doctor *d);
void vk_doctor_setups(struct vk_doctor *d);
void vk_doctor_files(struct vk_doctor *d);
void vk_doctor_environment(struct vk_doctor *d);

/**
 * How the files of one tool are searched: ${path} is what is shown and ${text}, NUL-terminated, what is in it.
 * vk_doctor_scan_git() takes configuration files, vk_doctor_scan_urls() git-credential-store's.
 */
typedef void vk_doctor_scan(struct vk_doctor *d, const char *path, const char *text, size_t n);
vk_doctor_scan vk_doctor_scan_npmrc, vk_doctor_scan_netrc, vk_doctor_scan_urls, vk_doctor_scan_git,
    vk_doctor_scan_docker, vk_doctor_scan_pypirc, vk_doctor_scan_cargo, vk_doctor_scan_maven;

#endif
