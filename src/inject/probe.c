/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <unistd.h>

#include "valetkey/inject.h"
#include "rung1.h"
#include "rung2.h"

static enum vk_err
try_rung1(char *how, size_t size)
{
	char *no_command[] = { NULL };
	struct vk_rung1_plan plan = {
		.uid = geteuid(), .gid = getegid(), .command = no_command, .home = getenv("HOME")
	};
	struct vk_rung1 r = VK_RUNG1_NONE;
	enum vk_err e = vk_way_choose(&plan.way);

	if (e == VK_OK)
		e = vk_rung1_build(&r, &plan);
	if (e == VK_OK)
		snprintf(how, size, "%s; files in %s", vk_way_text(plan.way), r.place);
	vk_rung1_end(&r);
	return e;
}

static enum vk_err
try_rung2(char *how, size_t size)
{
	VK_CLEANUP(vk_files_clear) struct vk_files files = { .n = 0 };
	struct vk_buf text = VK_BUF_SECRET(64);
	struct vk_rung2 r = VK_RUNG2_NONE;
	struct vk_file *f;
	enum vk_err e = vk_buf_str(&text, "probe");

	if (e == VK_OK)
		e = vk_files_add(&files, "probe", &text, NULL, &f);
	if (e == VK_OK)
		e = vk_rung2_start(&r);
	if (e == VK_OK)
		e = vk_rung2_place(&r, &files);
	if (e == VK_OK)
		snprintf(how, size, "memory files%s", r.locked ? "" : ", not locked: they may be swapped");
	vk_rung2_end(&r);
	vk_buf_clear(&text);
	return e;
}

static void
probe_one(struct vk_rung_probe *p, enum vk_rung rung,
    enum vk_err (*attempt)(char *how, size_t size))
{
	enum vk_err e;

	p->rung = rung;
	e = attempt(p->how, sizeof(p->how));
	p->works = e == VK_OK;
	if (e != VK_OK) {
		snprintf(p->how, sizeof(p->how), "%.*s", (int)sizeof(p->how) - 1,
		    *vk_reason() ? vk_reason() : vk_err_text(e));
		vk_reason_clear();
	}
}

enum vk_err
vk_inject_probe(struct vk_rung_probe ret[2])
{
	probe_one(&ret[0], VK_RUNG_R1, try_rung1);
	probe_one(&ret[1], VK_RUNG_R2, try_rung2);
	return VK_OK;
}
