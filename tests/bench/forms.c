/* SPDX-License-Identifier: ISC */
/* The forms of USER and SECRET pairs on standard input, one on each line as the other programs want them. */
#include <stdio.h>
#include <string.h>

#include "valetkey/forms.h"

int
main(void)
{
	struct vk_forms f = VK_FORMS_NONE;
	char user[256], secret[1024];
	unsigned owner = 0;

	while (fgets(user, sizeof(user), stdin) && fgets(secret, sizeof(secret), stdin)) {
		user[strcspn(user, "\n")] = secret[strcspn(secret, "\n")] = '\0';
		if (vk_forms_add(&f, secret, strlen(secret), owner) != VK_OK ||
		    vk_forms_pair(&f, user, secret, strlen(secret), owner) != VK_OK)
			return 1;
		owner++;
	}
	for (size_t i = 0; i < f.n; i++)
		if (!memchr(vk_form_text(&f, i), '\n', f.v[i].n))
			printf("%.*s\n", (int)f.v[i].n, vk_form_text(&f, i));
	vk_forms_clear(&f);
	return 0;
}
