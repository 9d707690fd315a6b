/* SPDX-License-Identifier: ISC */
/* scan_report.h - what a search found, as lines or as one JSON document. */
#ifndef VK_CLI_SCAN_REPORT_H
#define VK_CLI_SCAN_REPORT_H

#include "valetkey/scan.h"
#include "cli/progress.h"

struct vk_scan_item;

struct vk_scan_report {
	bool json;
	const struct vk_forms *forms;
	char *const *names;         /* of the credentials, by owner */
	struct vk_scan_item *items; /* of the path that is searched: they wait for the names of its layers */
	size_t n_items;
	struct vk_scan_item *layers;
	size_t n_layers;
	struct vk_buf problems; /* lines, or JSON objects */
	uint64_t n_problems, n_found;
	bool printed; /* a finding */
	uint64_t files, members, bytes;
	struct vk_bar bar;
};

enum { VK_SCAN_PROBLEMS_MAX = 8 * 1024 * 1024 }; /* for ${problems} */

/** vk_scan_report_begin(r): Of ${r} json, forms, names and problems are set; before it only problems are told. */
enum vk_err vk_scan_report_begin(struct vk_scan_report *r) VK_MUST;

/** vk_scan_report_answer(a, report): For struct vk_scan_call. */
enum vk_err vk_scan_report_answer(const struct vk_scan_answer *a, void *report) VK_MUST;

/** vk_scan_report_problem(r, what, why): Something that was not searched, or not looked for. */
void vk_scan_report_problem(struct vk_scan_report *r, const char *what, const char *why);

/** vk_scan_report_end(r, complete): The rest of it; the exit status: 1 found, 6 not all was searched, 0. */
int vk_scan_report_end(struct vk_scan_report *r, bool complete);
void vk_scan_report_clear(struct vk_scan_report *r);

#endif
