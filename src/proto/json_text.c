/* SPDX-License-Identifier: ISC */
#include "json_text.h"

/* The length of the well-formed UTF-8 sequence at ${s} (RFC 3629), 0 if there is none. */
static size_t
sequence(const unsigned char *s, size_t n)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3
	    : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, and what is beyond U+10FFFF */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

bool
vk_utf8_valid(const char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len)
		if ((len = sequence((const unsigned char *)s + i, n - i)) == 0)
			return false;
	return true;
}

unsigned
vk_utf8_next(const unsigned char **p)
{
	unsigned c = *(*p)++, more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

	c = more == 3 ? c & 7 : more == 2 ? c & 15 : more == 1 ? c & 31 : c;
	while (more-- > 0)
		c = c << 6 | (*(*p)++ & 63u);
	return c;
}

void
vk_json_str(struct vk_buf *b, const char *s, size_t n)
{
	size_t len;

	vk_buf_char(b, '"');
	for (size_t i = 0; i < n; i += len) {
		unsigned char c = (unsigned char)s[i];

		len = sequence((const unsigned char *)s + i, n - i);
		if (len == 0) {
			len = 1;
			vk_buf_str(b, "\xef\xbf\xbd");
		} else if (c == '"' || c == '\\') {
			vk_buf_char(b, '\\');
			vk_buf_char(b, (char)c);
		} else if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[i + 1] < 0xa0)) {
			/* C1 bytes may stand in JSON, but a terminal would obey them. */
			vk_buf_fmt(b, "\\u%04x", len == 1 ? c : (unsigned char)s[i + 1]);
		} else {
			vk_buf_add(b, s + i, len);
		}
	}
	vk_buf_char(b, '"');
}
