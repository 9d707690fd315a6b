/* SPDX-License-Identifier: ISC */
/*
 * forms.h - the ways in which a secret may be written somewhere: what masking hides in a log and a scan looks for.
 *
 * Of a secret: itself; without blanks at its ends; each line of it (but not the armour lines of PEM); each string in it
 * when it is a JSON object or array, and the lines of those.  Each of these as it is and
 *	base64 (RFC 4648 section 4) and base64url (section 5), at the three alignments, cut to the characters that the
 *	secret alone decides; broken into lines of 76 (RFC 2045) and 64 (RFC 7468) characters where it is longer;
 *	hex in both cases; percent (RFC 3986) in both cases, with what URLs of JavaScript, Python and forms leave alone;
 *	the inside of a string of JSON (RFC 8259; also with \/, with Go's \u003c, and with \uXXXX in both cases), of C
 *	and Go, of a shell (in quotes of both kinds, and with backslashes), of XML and HTML, of SQL and of CSV.
 * Of a pair: "user:secret" in the same ways, which is what Basic (RFC 7617) and npm's _auth are.
 * What is longer than VK_FORM_LONG has only the usual ones: as it is, base64, hex, percent, form field and JSON, each
 * in its usual case; the lines and strings in it that are shorter have all.
 * A form shorter than VK_FORM_MIN is left out: it would be found everywhere.
 */
#ifndef VALETKEY_FORMS_H
#define VALETKEY_FORMS_H

#include "valetkey/secret.h"

enum { VK_FORM_MIN = 8, VK_FORM_LONG = 512, VK_FORMS_MAX = 8192 };

struct vk_form {
	size_t at, n;     /* its bytes: vk_form_text() */
	unsigned owner;   /* whose it is: a number of the caller's, such as the index of a credential */
	const char *how;  /* static: "as it is", "base64", "hex" ... */
};

/* All distinct: where two owners have the same bytes, the first has them. */
struct vk_forms {
	struct vk_form *v; /* heap; holds no secret */
	size_t n;
	struct vk_buf text; /* VK_BUF_SECRET: the bytes of all, one after the other */
};

#define VK_FORMS_NONE ((struct vk_forms){ .text = VK_BUF_SECRET(4u << 20) })

/**
 * vk_forms_add(f, secret, n, owner):
 * VK_ENOENT when the secret, without blanks at its ends, is shorter than VK_FORM_MIN: it has none.  VK_ELIMIT over
 * VK_FORMS_MAX or the ceiling of ${f->text}: what was added before that stays.
 */
enum vk_err vk_forms_add(struct vk_forms *f, const char *secret, size_t n, unsigned owner) VK_MUST;

/** vk_forms_pair(f, user, secret, n, owner): As vk_forms_add() for the pair, without the forms of the secret alone. */
enum vk_err vk_forms_pair(struct vk_forms *f, const char *user, const char *secret, size_t n, unsigned owner) VK_MUST;

/** vk_form_text(f, i): The bytes of form ${i}, until the next addition. */
const char *vk_form_text(const struct vk_forms *f, size_t i) VK_MUST;

/** vk_forms_clear(f): Wipe and free. */
void vk_forms_clear(struct vk_forms *f);

#endif
