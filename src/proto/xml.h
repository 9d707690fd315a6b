/* SPDX-License-Identifier: ISC */
/*
 * xml.h - as much of XML 1.0 as the settings of tools are written in, and strict about it: elements that are closed in
 * order, attributes in quotes, comments, CDATA and processing instructions.  A document type is refused.
 */
#ifndef VK_PROTO_XML_H
#define VK_PROTO_XML_H

#include "valetkey/base.h"

enum { VK_XML_DEPTH = 64 };

enum vk_xml_kind {
	VK_XML_END,   /* of the document */
	VK_XML_OPEN,  /* "<a b='c'>" or "<a/>" */
	VK_XML_CLOSE, /* "</a>" */
	VK_XML_TEXT,  /* between tags, or the inside of a CDATA section */
};

struct vk_xml_name {
	const char *p; /* into the document */
	size_t n;
};

struct vk_xml {
	const char *text;
	size_t n;
	size_t at;   /* what comes next */
	size_t depth;
	struct vk_xml_name open[VK_XML_DEPTH]; /* the elements that are open */
	bool ended;  /* the root has been closed */

	/* What was found: bytes ${start} to ${at} of the document, for an element whose name is ${name}. */
	enum vk_xml_kind kind;
	size_t start;
	struct vk_xml_name name;
	bool empty;  /* "<a/>": no CLOSE follows, and ${depth} does not count it */
};

/** vk_xml_next(x): The next piece.  VK_EPROTO with the reason for what is not well-formed. */
enum vk_err vk_xml_next(struct vk_xml *x) VK_MUST;

/** vk_xml_is(name, word): Is this its name? */
bool vk_xml_is(struct vk_xml_name name, const char *word) VK_MUST;

#endif
