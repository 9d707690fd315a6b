/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "xml.h"

static const char blanks[] = " \t\r\n";

static bool
is_blank(char c)
{
	return c && strchr(blanks, c);
}

static bool
here(const struct vk_xml *x, const char *word)
{
	return x->n - x->at >= strlen(word) && memcmp(x->text + x->at, word, strlen(word)) == 0;
}

static enum vk_err
bad(const char *what)
{
	return vk_fail(VK_EPROTO, "it is not XML that valetkey understands: %s", what);
}

/* Past the next ${end}. */
static enum vk_err
skip_past(struct vk_xml *x, const char *end, const char *what)
{
	const char *p = memmem(x->text + x->at, x->n - x->at, end, strlen(end));

	if (!p)
		return bad(what);
	x->at = (size_t)(p - x->text) + strlen(end);
	return VK_OK;
}

bool
vk_xml_is(struct vk_xml_name name, const char *word)
{
	return name.n == strlen(word) && memcmp(name.p, word, name.n) == 0;
}

/* Letters of any alphabet, digits, and the marks that a name may hold. */
static enum vk_err
take_name(struct vk_xml *x)
{
	size_t from = x->at;

	while (x->at < x->n && !is_blank(x->text[x->at]) && !memchr("<>/=\"'&?!", x->text[x->at], 9))
		x->at++;
	x->name = (struct vk_xml_name){ x->text + from, x->at - from };
	return x->at > from ? VK_OK : bad("a tag has no name");
}

/* From behind the name to behind '>'. */
static enum vk_err
take_attributes(struct vk_xml *x)
{
	while (x->at < x->n) {
		char c = x->text[x->at++];

		if (c == '>')
			return VK_OK;
		if (c == '/' && x->at < x->n && x->text[x->at] == '>') {
			x->at++;
			x->empty = true;
			return VK_OK;
		}
		if (c == '"' || c == '\'') {
			const char *end = memchr(x->text + x->at, c, x->n - x->at);

			if (!end || memchr(x->text + x->at, '<', (size_t)(end - x->text) - x->at))
				return bad("the value of an attribute does not end");
			x->at = (size_t)(end - x->text) + 1;
		} else if (c == '<' || c == '/') {
			return bad("a tag does not end");
		}
	}
	return bad("a tag does not end");
}

static enum vk_err
take_open(struct vk_xml *x)
{
	enum vk_err e;

	if (x->ended)
		return bad("something follows its end");
	x->kind = VK_XML_OPEN;
	x->at++;
	if ((e = take_name(x)) != VK_OK || (e = take_attributes(x)) != VK_OK)
		return e;
	if (x->empty) {
		x->ended = x->depth == 0;
		return VK_OK;
	}
	if (x->depth == VK_XML_DEPTH)
		return bad("its elements lie too deep in each other");
	x->open[x->depth++] = x->name;
	return VK_OK;
}

static enum vk_err
take_close(struct vk_xml *x)
{
	struct vk_xml_name *open = x->depth ? &x->open[x->depth - 1] : NULL;
	enum vk_err e;

	x->kind = VK_XML_CLOSE;
	x->at += 2;
	if ((e = take_name(x)) != VK_OK)
		return e;
	while (x->at < x->n && is_blank(x->text[x->at]))
		x->at++;
	if (!here(x, ">") || !open || open->n != x->name.n || memcmp(open->p, x->name.p, open->n) != 0)
		return bad("a tag closes what is not open");
	x->at++;
	x->ended = --x->depth == 0;
	return VK_OK;
}

static enum vk_err
take_text(struct vk_xml *x)
{
	const char *lt = memchr(x->text + x->at, '<', x->n - x->at);

	x->kind = VK_XML_TEXT;
	x->at = lt ? (size_t)(lt - x->text) : x->n;
	for (size_t i = x->start; x->depth == 0 && i < x->at; i++)
		if (!is_blank(x->text[i]))
			return bad("there is text outside of its elements");
	return VK_OK;
}

enum vk_err
vk_xml_next(struct vk_xml *x)
{
	for (;;) {
		enum vk_err e = VK_OK;

		x->start = x->at;
		x->empty = false;
		if (x->at == x->n) {
			x->kind = VK_XML_END;
			return x->ended ? VK_OK : bad("an element is not closed");
		}
		if (here(x, "<!--")) {
			x->at += 4;
			e = skip_past(x, "-->", "a comment does not end");
		} else if (here(x, "<?")) {
			e = skip_past(x, "?>", "a processing instruction does not end");
		} else if (here(x, "<![CDATA[") && x->depth > 0) {
			x->kind = VK_XML_TEXT;
			x->at += 9;
			return skip_past(x, "]]>", "a CDATA section does not end");
		} else if (here(x, "<!")) {
			return bad("it has a document type, or another declaration");
		} else if (here(x, "</")) {
			return take_close(x);
		} else {
			return here(x, "<") ? take_open(x) : take_text(x);
		}
		if (e != VK_OK)
			return e;
	}
}
