/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "valetkey/proto.h"
#include "template.h"

static const char prefix[] = "template-"; /* of the files' names */

static enum vk_err
add(struct vk_kitchen *k, const struct vk_template *t)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf own = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF_SECRET(VK_MAX_FILE);
	VK_CLEANUP(vk_freep) char *name = vk_asprintf("%s%s", prefix, t->var);
	struct vk_file *file;
	enum vk_err e = name ? vk_recipe_own(t->file, &own) : VK_ENOMEM;

	if (e == VK_OK && !own.p)
		return vk_fail(VK_EUSAGE, "the template %s is not there, or empty", t->file);
	if (e == VK_OK && (e = vk_template_expand(own.p, own.len, k->creds, &text)) != VK_OK && e != VK_ENOMEM)
		e = vk_fail(e, "%s: %s", t->file, *vk_reason() ? vk_reason() : vk_err_text(e));
	if (e == VK_OK && (e = vk_files_add(&k->files, name, &text, NULL, &file)) == VK_OK) {
		file->template = own;
		own = (struct vk_buf)VK_BUF(VK_MAX_FILE);
	}
	return e;
}

enum vk_err
vk_templates_add(struct vk_kitchen *k)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; e == VK_OK && i < k->opts->n_templates; i++)
		e = add(k, &k->opts->templates[i]);
	return e;
}

enum vk_err
vk_templates_lead(struct vk_kitchen *k)
{
	enum vk_err e = VK_OK;

	for (size_t i = 0; i < k->files.n; i++) {
		const struct vk_file *f = &k->files.v[i];

		if (e == VK_OK && vk_str_starts(f->name, prefix))
			e = vk_environ_set(&k->env, f->name + strlen(prefix), f->path, strlen(f->path));
	}
	return e;
}
