/* SPDX-License-Identifier: ISC */
/* Runs a fuzz target once over every file of the corpus named on the command line. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
main(int argc, char **argv)
{
	struct dirent **names;
	int dir, n, ran = 0;

	if (argc != 2 || (dir = open(argv[1], O_RDONLY | O_DIRECTORY)) < 0 ||
	    (n = scandir(argv[1], &names, NULL, alphasort)) < 0) {
		fprintf(stderr, "usage: replay CORPUS-DIRECTORY\n");
		return 2;
	}
	for (int i = 0; i < n; free(names[i++])) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(VK_MAX_FILE);
		VK_CLEANUP(vk_closep) int fd = -1;

		if (names[i]->d_name[0] == '.')
			continue;
		fd = openat(dir, names[i]->d_name, O_RDONLY);
		if (fd < 0 || vk_buf_read(&b, fd) != VK_OK)
			return 2;
		/* Said first: when the target aborts, this is the input. */
		fprintf(stderr, "%s\n", names[i]->d_name);
		LLVMFuzzerTestOneInput((const uint8_t *)(b.p ? b.p : ""), b.len);
		ran++;
	}
	free(names);
	close(dir);
	printf("%d inputs\n", ran);
	return ran > 0 ? 0 : 1;
}
