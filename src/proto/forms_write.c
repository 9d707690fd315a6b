/* SPDX-License-Identifier: ISC */
/* How programs write bytes that do not fit where they go.  Plain secrets look the same in most ways. */
#include <string.h>

#include "valetkey/base.h"
#include "forms.h"

enum { LOWER = 0, UPPER = 1 };

static const char letters_and_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static bool
is_among(unsigned char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static char
digit(unsigned value, unsigned upper)
{
	return (upper ? "0123456789ABCDEF" : "0123456789abcdef")[value & 15];
}

static void
put_hex(struct vk_buf *out, const char *before, unsigned value, int digits, unsigned upper)
{
	vk_buf_str(out, before);
	for (int i = digits - 1; i >= 0; i--)
		vk_buf_char(out, digit(value >> (4 * i), upper));
}

static void
as_it_is(struct vk_buf *out, const unsigned char *p, size_t n, unsigned variant)
{
	(void)variant;
	vk_buf_add(out, p, n);
}

/* ---- base64 ---------------------------------------------------------------------------------------------------- */

enum { URL = 4 };

/* Of the six bits of a character all must come from ${p}; before it stand as many bytes as the variant says. */
static void
base64(struct vk_buf *out, const unsigned char *p, size_t n, unsigned variant)
{
	size_t ahead = variant % URL, first = (8 * ahead + 5) / 6, end = 8 * (ahead + n) / 6;
	const char *last = variant >= URL ? "-_" : "+/";

	for (size_t i = first; i < end; i++) {
		size_t bit = 6 * i - 8 * ahead;
		unsigned two = (unsigned)p[bit / 8] << 8 | (bit / 8 + 1 < n ? p[bit / 8 + 1] : 0u);
		unsigned six = two >> (10 - bit % 8) & 63;

		vk_buf_char(out, six < 62 ? letters_and_digits[six] : last[six - 62]);
	}
}

/* ---- hex and percent ------------------------------------------------------------------------------------------- */

static void
hex(struct vk_buf *out, const unsigned char *p, size_t n, unsigned upper)
{
	for (size_t i = 0; i < n; i++)
		put_hex(out, "", p[i], 2, upper);
}

/* What stays as it is, beside letters and digits. */
static const char *const safe[] = {
	"-._~",      /* RFC 3986 */
	"-._~/",     /* a path; Python's quote() */
	"-._~!'()*", /* JavaScript's encodeURIComponent() */
	"-._*",      /* a form, where a space is a plus: the URL standard */
	"-._~!'()*;/?:@&=+$,#", /* JavaScript's encodeURI() */
};
enum { FORM = 3, N_SAFE = VK_COUNT(safe) };

static void
percent(struct vk_buf *out, const unsigned char *p, size_t n, unsigned variant)
{
	unsigned which = variant % N_SAFE;

	for (size_t i = 0; i < n; i++) {
		if (is_among(p[i], letters_and_digits) || is_among(p[i], safe[which]))
			vk_buf_char(out, (char)p[i]);
		else if (which == FORM && p[i] == ' ')
			vk_buf_char(out, '+');
		else
			put_hex(out, "%", p[i], 2, variant / N_SAFE);
	}
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

enum { SLASH = 2, HTML = 4, ASCII = 8 };

/* The character at ${p}, and its length; 0 where it is not UTF-8. */
static size_t
decode(const unsigned char *p, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;
	uint32_t c = len == 1 ? *p : *p & (0x7fu >> len);

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return len;
}

/* The short escapes that C and JSON have in common. */
static char
letter(unsigned char c)
{
	static const char from[] = "\b\t\n\f\r", to[] = "btnfr";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? to[at - from] : '\0';
}

static void
put_unicode(struct vk_buf *out, uint32_t c, unsigned upper)
{
	if (c < 0x10000) {
		put_hex(out, "\\u", c, 4, upper);
	} else {
		put_hex(out, "\\u", 0xd800 + ((c - 0x10000) >> 10), 4, upper);
		put_hex(out, "\\u", 0xdc00 + ((c - 0x10000) & 0x3ff), 4, upper);
	}
}

static void
json(struct vk_buf *out, const unsigned char *p, size_t n, unsigned variant)
{
	uint32_t c;

	for (size_t len; n > 0; p += len, n -= len) {
		if ((len = decode(p, n, &c)) == 0) {
			/* JSON cannot carry it. */
			out->len = 0;
			return;
		}
		if (c == '"' || c == '\\' || (c == '/' && variant & SLASH))
			vk_buf_fmt(out, "\\%c", (char)c);
		else if (c < 0x20 && letter(*p))
			vk_buf_fmt(out, "\\%c", letter(*p));
		else if (c < 0x20 || (c == 0x7f && variant & ASCII) || (variant & HTML && is_among(*p, "<>&")) ||
		    (c > 0x7f && variant & ASCII))
			put_unicode(out, c, variant & UPPER);
		else
			vk_buf_add(out, p, len);
	}
}

/* ---- C and its heirs ------------------------------------------------------------------------------------------- */

enum { OCTAL = 2, NO_QUOTES = 4, SINGLE = 8, KEEP_HIGH = 16 };

static void
c_string(struct vk_buf *out, const unsigned char *p, size_t n, unsigned variant)
{
	unsigned char quote = variant & NO_QUOTES ? '\0' : variant & SINGLE ? '\'' : '"';

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\\' || (quote && p[i] == quote))
			vk_buf_fmt(out, "\\%c", (char)p[i]);
		else if (letter(p[i]))
			vk_buf_fmt(out, "\\%c", letter(p[i]));
		else if ((p[i] >= 0x20 && p[i] < 0x7f) || (p[i] > 0x7f && variant & KEEP_HIGH))
			vk_buf_char(out, (char)p[i]);
		else if (variant & OCTAL)
			vk_buf_fmt(out, "\\%03o", p[i]);
		else
			put_hex(out, "\\x", p[i], 2, variant & UPPER);
	}
}

/* ---- one byte for a few: shells, XML, SQL, CSV ----------------------------------------------------------------- */

/* Pairs of a byte and what stands for it. */
static const char *const tables[][11] = {
	{ "'", "'\\''" },                    /* in single quotes */
	{ "'", "'\"'\"'" },                  /* the same, as Python's shlex and dash have it */
	{ "\"", "\\\"", "$", "\\$", "`", "\\`", "\\", "\\\\" }, /* in double quotes */
	{ "&", "&amp;", "<", "&lt;", ">", "&gt;" },
	{ "&", "&amp;", "<", "&lt;", ">", "&gt;", "\"", "&quot;", "'", "&apos;" },
	{ "&", "&amp;", "<", "&lt;", ">", "&gt;", "\"", "&quot;", "'", "&#39;" },
	{ "&", "&amp;", "<", "&lt;", ">", "&gt;", "\"", "&quot;", "'", "&#x27;" },
	{ "&", "&amp;", "<", "&lt;", ">", "&gt;", "\"", "&quot;" },
	{ "&", "&amp;", "<", "&lt;", ">", "&gt;", "\"", "&#34;", "'", "&#39;" },
	{ "'", "''" },
	{ "\"", "\"\"" },
};

static void
replace(struct vk_buf *out, const unsigned char *p, size_t n, unsigned which)
{
	for (size_t i = 0; i < n; i++) {
		const char *const *t = tables[which];

		while (*t && (unsigned char)**t != p[i])
			t += 2;
		if (*t)
			vk_buf_str(out, t[1]);
		else
			vk_buf_char(out, (char)p[i]);
	}
}

/* As bash's printf %q, but for control bytes, which it writes as C does. */
static void
shell_word(struct vk_buf *out, const unsigned char *p, size_t n, unsigned variant)
{
	(void)variant;
	for (size_t i = 0; i < n; i++) {
		if (is_among(p[i], " '\"\\|&;()<>!{}*[]?^$`,") || (i == 0 && is_among(p[i], "~#")))
			vk_buf_char(out, '\\');
		vk_buf_char(out, (char)p[i]);
	}
}

static const struct vk_way_to_write ways[] = {
	{ "as it is", as_it_is, 0, true },
	{ "base64", base64, 0, true },
	{ "base64", base64, 1, true },
	{ "base64", base64, 2, true },
	{ "base64url", base64, URL, true },
	{ "base64url", base64, URL + 1, true },
	{ "base64url", base64, URL + 2, true },
	{ "hex", hex, LOWER, true },
	{ "hex", hex, UPPER, false },
	{ "percent", percent, 0, false },
	{ "percent", percent, 1, false },
	{ "percent", percent, 2, false },
	{ "form field", percent, FORM, false },
	{ "percent", percent, 4, false },
	{ "percent", percent, N_SAFE, true },
	{ "percent", percent, N_SAFE + 1, false },
	{ "percent", percent, N_SAFE + 2, false },
	{ "form field", percent, N_SAFE + FORM, true },
	{ "percent", percent, N_SAFE + 4, false },
	{ "JSON", json, LOWER, true },
	{ "JSON", json, UPPER, false },
	{ "JSON", json, SLASH, false },
	{ "JSON", json, HTML, false },
	{ "JSON", json, ASCII, false },
	{ "JSON", json, ASCII | UPPER, false },
	{ "JSON", json, ASCII | SLASH, false },
	{ "JSON", json, ASCII | HTML, false },
	{ "C string", c_string, KEEP_HIGH, false },
	{ "C string", c_string, LOWER, false },
	{ "C string", c_string, UPPER, false },
	{ "C string", c_string, OCTAL, false },
	{ "C string", c_string, NO_QUOTES, false },
	{ "C string", c_string, SINGLE, false },
	{ "C string", c_string, NO_QUOTES | KEEP_HIGH, false },
	{ "C string", c_string, SINGLE | KEEP_HIGH, false },
	{ "shell", replace, 0, false },
	{ "shell", replace, 1, false },
	{ "shell", replace, 2, false },
	{ "shell", shell_word, 0, false },
	{ "XML", replace, 3, false },
	{ "XML", replace, 4, false },
	{ "XML", replace, 5, false },
	{ "XML", replace, 6, false },
	{ "XML", replace, 7, false },
	{ "XML", replace, 8, false },
	{ "SQL", replace, 9, false },
	{ "CSV", replace, 10, false },
};

const struct vk_way_to_write *
vk_ways(size_t *ret_n)
{
	*ret_n = VK_COUNT(ways);
	return ways;
}
