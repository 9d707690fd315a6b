/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "cli/infile.h"
#include "valetkey/io.h"

/* What came through a pipe: pieces sealed under a key of this process alone, so that no secret lies in the heap. */
struct vk_infile_kept {
	unsigned char *key; /* in the arena */
	struct sealed {
		unsigned char tag[VK_TAG_LEN];
		size_t n;
		unsigned char *p;
	} *v;
	size_t n, next;
	bool complete;
};

static void
kept_free(struct vk_infile_kept *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++)
		free(k->v[i].p);
	free(k->v);
	vk_arena_free(k->key);
	free(k);
}

void
vk_infile_clear(struct vk_infile *f)
{
	if (f->fd > STDERR_FILENO)
		close(f->fd);
	free(f->path);
	vk_arena_free(f->piece);
	kept_free(f->kept);
	*f = (struct vk_infile){ .fd = -1 };
}

static enum vk_err
begin_keeping(struct vk_infile *f)
{
	if (!(f->kept = calloc(1, sizeof(*f->kept))) || !(f->kept->key = vk_arena_alloc(VK_KEY_LEN)))
		return VK_ENOMEM;
	return vk_random(f->kept->key, VK_KEY_LEN);
}

/* O_NONBLOCK: a FIFO in its place must not hang us. */
static enum vk_err
open_file(struct vk_infile *f)
{
	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (f->fd < 0 && errno == ENOENT)
		return vk_fail(VK_ENOENT, "there is no file %s", f->path);
	if (f->fd < 0 || fstat(f->fd, &f->st) < 0)
		return vk_fail_errno("cannot read %s", f->path);
	if (S_ISREG(f->st.st_mode))
		return VK_OK;
	vk_hint("name a file, or - for standard input");
	return vk_fail(VK_EPOLICY, "%s is not a regular file", f->path);
}

enum vk_err
vk_infile_open(const char *path, struct vk_infile *ret)
{
	VK_CLEANUP(vk_infile_clear) struct vk_infile f = { .fd = -1 };
	enum vk_err e;

	if (!(f.path = vk_strdup(path)) || !(f.piece = vk_arena_alloc(VK_INFILE_PIECE)))
		return VK_ENOMEM;
	if (strcmp(path, "-") == 0) {
		f.fd = STDIN_FILENO;
		e = begin_keeping(&f);
	} else {
		e = open_file(&f);
	}
	if (e != VK_OK)
		return e;
	*ret = f;
	f = (struct vk_infile){ .fd = -1 };
	return VK_OK;
}

static void
nonce_of(size_t i, unsigned char nonce[VK_NONCE_LEN])
{
	memset(nonce, 0, VK_NONCE_LEN);
	memcpy(nonce, &i, sizeof(i));
}

static enum vk_err
keep(struct vk_infile_kept *k, const char *p, size_t n)
{
	unsigned char nonce[VK_NONCE_LEN];
	struct sealed *v = k->v, s = { .n = n };

	/* Grown by doubling: its capacity is the power of two that ${n} has reached. */
	if ((k->n & (k->n - 1)) == 0 && !(v = reallocarray(k->v, k->n ? k->n * 2 : 1, sizeof(*v))))
		return VK_ENOMEM;
	k->v = v;
	if (!(s.p = malloc(n)))
		return VK_ENOMEM;
	memcpy(s.p, p, n);
	nonce_of(k->n, nonce);
	vk_seal(k->key, nonce, NULL, 0, s.p, n, s.tag);
	k->v[k->n++] = s;
	return VK_OK;
}

static enum vk_err
next_kept(struct vk_infile *f, size_t *ret_n)
{
	struct vk_infile_kept *k = f->kept;
	unsigned char nonce[VK_NONCE_LEN];
	const struct sealed *s;

	if (k->next == k->n) {
		*ret_n = 0;
		return VK_OK;
	}
	s = &k->v[k->next];
	nonce_of(k->next, nonce);
	memcpy(f->piece, s->p, s->n);
	if (!vk_unseal(k->key, nonce, NULL, 0, (unsigned char *)f->piece, s->n, s->tag))
		return vk_fail(VK_ESYS, "what was read from standard input has changed in memory");
	k->next++;
	*ret_n = s->n;
	return VK_OK;
}

enum vk_err
vk_infile_next(struct vk_infile *f, size_t *ret_n)
{
	size_t n;
	enum vk_err e;

	if (f->kept && f->kept->complete) {
		e = next_kept(f, &n);
	} else {
		e = vk_read_upto(f->fd, f->piece, VK_INFILE_PIECE, &n);
		if (e == VK_OK && f->kept && n > 0)
			e = keep(f->kept, f->piece, n);
		if (e == VK_OK && f->kept && n < VK_INFILE_PIECE)
			f->kept->complete = true, f->kept->next = f->kept->n;
	}
	if (e != VK_OK)
		return *vk_reason() ? vk_fail(e, "%s: %s", f->path, vk_reason()) : e;
	f->at += n;
	*ret_n = n;
	return VK_OK;
}

void
vk_infile_rewind(struct vk_infile *f)
{
	f->at = 0;
	if (f->kept)
		f->kept->next = 0;
	else
		(void)lseek(f->fd, 0, SEEK_SET);
}

enum vk_err
vk_infile_unchanged(const struct vk_infile *f)
{
	struct stat now;

	if (f->kept)
		return VK_OK;
	if (fstat(f->fd, &now) < 0)
		return vk_fail_errno("%s", f->path);
	if (now.st_size == f->st.st_size && now.st_mtim.tv_sec == f->st.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == f->st.st_mtim.tv_nsec)
		return VK_OK;
	vk_hint("do it again when nobody writes to it");
	return vk_fail(VK_ESYS, "%s was changed while it was read", f->path);
}
