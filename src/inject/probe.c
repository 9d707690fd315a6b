/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "valetkey/inject.h"
#include "rung1.h"
#include "rung2.h"
#include "rung3.h"

const char *
vk_rung_name(enum vk_rung rung)
{
	static const char *const names[] = { "none", "R1", "R2", "R3" };

	return rung < VK_COUNT(names) ? names[rung] : names[0];
}

const char *
vk_rung_residue(enum vk_rung rung)
{
	switch (rung) {
	case VK_RUNG_R1:
		return "no file and no process of the run; a descriptor that somebody outside had opened keeps its "
		       "file";
	case VK_RUNG_R2:
		return "no name of a file; descendants of the command live on, and keep the files that they have open";
	case VK_RUNG_R3:
		return "nothing while the guard lives; if it is killed too, the files, in memory and perhaps in swap, "
		       "until the next run or the end of the container";
	case VK_RUNG_NONE:
		break;
	}
	return "";
}

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
		e = vk_rung2_start(&r, false);
	if (e == VK_OK)
		e = vk_rung2_place(&r, &files);
	if (e == VK_OK)
		snprintf(how, size, "memory files%s", r.locked ? "" : ", not locked: they may be swapped");
	vk_rung2_end(&r);
	vk_buf_clear(&text);
	return e;
}

static enum vk_err
try_rung3(char *how, size_t size)
{
	struct vk_rung3 r = VK_RUNG3_NONE;
	enum vk_err e = vk_rung3_start(&r);

	if (e == VK_OK)
		snprintf(how, size, "files below %.*s", (int)(strrchr(r.path, '/') - r.path), r.path);
	vk_rung3_end(&r);
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
vk_inject_probe(struct vk_rung_probe ret[VK_RUNGS])
{
	probe_one(&ret[0], VK_RUNG_R1, try_rung1);
	probe_one(&ret[1], VK_RUNG_R2, try_rung2);
	probe_one(&ret[2], VK_RUNG_R3, try_rung3);
	return VK_OK;
}
