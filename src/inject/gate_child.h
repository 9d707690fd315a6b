/* SPDX-License-Identifier: ISC */
/* gate_child.h - what the process that answers opens is told over its socket. */
#ifndef VK_INJECT_GATE_CHILD_H
#define VK_INJECT_GATE_CHILD_H

#include <stdint.h>

enum vk_gate_word {
	VK_GATE_FILE = 101, /* a file: its descriptor, and the rule in ${value} */
	VK_GATE_REPLACE,    /* another descriptor for the file number ${value} */
	VK_GATE_KNOW,       /* the next of them has been placed: a struct vk_gate_id in ${text} */
	VK_GATE_PLACE,      /* the one that was placed last is also found as a struct vk_gate_place in ${text} */
	VK_GATE_HIDE,       /* what is hidden from the command: its descriptor (O_PATH) */
	VK_GATE_RULES,      /* answer with a Landlock rule set that leaves out what was hidden */
	VK_GATE_LISTEN,     /* from the command: the descriptor of its notifications */
	VK_GATE_COUNT,      /* answer with an array of struct vk_gate_count in ${text} */
	VK_GATE_LEAVE,      /* the command has ended: no file any more; ${value} answers how many filters are in use */
};

struct vk_gate_id {
	uint64_t dev, ino; /* of the empty file */
};

/* A path by its directory, since there may be nothing at it. */
struct vk_gate_place {
	struct vk_gate_id dir;
	char name[128];
};

/** vk_gate_main(sock, arg): The body of the process. */
void vk_gate_main(int sock, const void *arg);

#endif
