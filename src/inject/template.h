/* SPDX-License-Identifier: ISC */
/* template.h - files of a run for what has no recipe: the user's own text with references to credentials. */
#ifndef VK_INJECT_TEMPLATE_H
#define VK_INJECT_TEMPLATE_H

#include "recipe.h"

/** vk_templates_add(k): Their files, among those of the run.  The reason of a failure names the template. */
enum vk_err vk_templates_add(struct vk_kitchen *k) VK_MUST;

/** vk_templates_lead(k): Their variables, once the files are placed. */
enum vk_err vk_templates_lead(struct vk_kitchen *k) VK_MUST;

#endif
