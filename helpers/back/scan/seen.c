/* SPDX-License-Identifier: ISC */
/* Files that have several names are searched once. */
#include "search.h"

struct vk_seen_file {
	dev_t dev;
	ino_t ino;
	bool used;
};

enum { ROOM_FIRST = 1024 };

static struct vk_seen_file *
slot(const struct vk_seen *seen, dev_t dev, ino_t ino)
{
	uint64_t h = ((uint64_t)ino ^ ((uint64_t)dev << 40)) * 0x9e3779b97f4a7c15U;

	for (size_t i = (size_t)(h >> 20) & (seen->room - 1);; i = (i + 1) & (seen->room - 1)) {
		struct vk_seen_file *f = &seen->v[i];

		if (!f->used || (f->dev == dev && f->ino == ino))
			return f;
	}
}

static bool
grow(struct vk_seen *seen)
{
	struct vk_seen larger = { .room = seen->room ? seen->room * 2 : ROOM_FIRST, .n = seen->n };

	if (!(larger.v = calloc(larger.room, sizeof(*larger.v))))
		return false;
	for (size_t i = 0; i < seen->room; i++)
		if (seen->v[i].used)
			*slot(&larger, seen->v[i].dev, seen->v[i].ino) = seen->v[i];
	free(seen->v);
	*seen = larger;
	return true;
}

bool
vk_seen_before(struct vk_seen *seen, const struct stat *st)
{
	struct vk_seen_file *f;

	if (seen->n * 2 >= seen->room && !grow(seen))
		return false;
	f = slot(seen, st->st_dev, st->st_ino);
	if (f->used)
		return true;
	*f = (struct vk_seen_file){ st->st_dev, st->st_ino, true };
	seen->n++;
	return false;
}

void
vk_seen_clear(struct vk_seen *seen)
{
	free(seen->v);
	*seen = (struct vk_seen){ 0 };
}
