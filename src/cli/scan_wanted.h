/* SPDX-License-Identifier: ISC */
/* scan_wanted.h - what is looked for: the forms of credentials, and whose each is. */
#ifndef VK_CLI_SCAN_WANTED_H
#define VK_CLI_SCAN_WANTED_H

#include "valetkey/cred.h"
#include "cli/scan_call.h"
#include "cli/scan_report.h"

struct vk_scan_wanted {
	struct vk_forms forms;
	char **owners; /* the credentials' names */
	size_t n_owners;
};
#define VK_SCAN_WANTED_NONE { .forms = VK_FORMS_NONE }

/** vk_scan_want(w, l, r): The credentials of ${l}; what cannot be looked for is a problem of ${r}. */
enum vk_err vk_scan_want(struct vk_scan_wanted *w, const struct vk_cred_list *l, struct vk_scan_report *r) VK_MUST;
void vk_scan_wanted_clear(struct vk_scan_wanted *w);

/** vk_scan_search(w, r, call): Search, and report; the exit status, see valetkey-scan(1). */
int vk_scan_search(const struct vk_scan_wanted *w, struct vk_scan_report *r, const struct vk_scan_call *call) VK_MUST;

#endif
