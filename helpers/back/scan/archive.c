/* SPDX-License-Identifier: ISC */
/*
 * Unpacking, by libarchive, of what begins like an archive or a compressed file.  Each kind is recognised here and
 * libarchive is told which one it is: it would try all, also those that have hardly a mark of their own.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "search.h"

struct kind {
	const char *name;
	size_t at;
	const char *magic;
	size_t n;
	int (*enable)(struct archive *); /* NULL: only known by name */
	bool members;                    /* an archive; else one stream */
};

#define MAGIC(at, s) (at), (s), sizeof(s) - 1

static const struct kind kinds[] = {
	{ "gzip", MAGIC(0, "\x1f\x8b\x08"), archive_read_support_filter_gzip, false },
	{ "zstd", MAGIC(0, "\x28\xb5\x2f\xfd"), archive_read_support_filter_zstd, false },
	{ "xz", MAGIC(0, "\xfd" "7zXZ\0"), archive_read_support_filter_xz, false },
	{ "bzip2", MAGIC(4, "\x31\x41\x59\x26\x53\x59"), archive_read_support_filter_bzip2, false },
	{ "lz4", MAGIC(0, "\x04\x22\x4d\x18"), archive_read_support_filter_lz4, false },
	{ "compress", MAGIC(0, "\x1f\x9d"), archive_read_support_filter_compress, false },
	{ "lzip", MAGIC(0, "LZIP\x01"), archive_read_support_filter_lzip, false },
	{ "rpm", MAGIC(0, "\xed\xab\xee\xdb"), archive_read_support_filter_rpm, false },
	{ "tar", MAGIC(257, "ustar"), archive_read_support_format_tar, true },
	{ "zip", MAGIC(0, "PK\x03\x04"), archive_read_support_format_zip_streamable, true },
	{ "cpio", MAGIC(0, "07070"), archive_read_support_format_cpio, true },
	{ "ar", MAGIC(0, "!<arch>\n"), archive_read_support_format_ar, true },
	{ "7-Zip", MAGIC(0, "7z\xbc\xaf\x27\x1c"), NULL, true },
	{ "RAR", MAGIC(0, "Rar!\x1a\x07"), NULL, true },
};

static const struct kind old_tar = { "tar", 0, "", 0, archive_read_support_format_tar, true };

/* One archive that is being unpacked. */
struct unpacking {
	struct vk_source source; /* of its members; first, so that a source is one of these */
	const struct kind *kind;
	struct archive *archive;
	struct vk_stream *outer;
	const char *first; /* what was read of the outer stream to recognise it */
	size_t n_first;
	const struct vk_place *place;
	unsigned level;
	struct vk_documents documents;
	struct vk_place member;
	struct vk_searched inner; /* what was found in the member before, */
	uint64_t inner_at;        /* whose header lies here */
	bool fatal;               /* reported: nothing more can be read */
	const char *block;        /* of the member: libarchive's */
	size_t block_n;
	uint64_t zeros, at;
	int ended;                /* 1: no, 0: yes, -1: with a problem */
};

/* The sum of a header's bytes, its own field taken as blanks, is in the field: octal. */
static bool
is_old_tar(const char *p, size_t n)
{
	enum { SIZE = 512, FIELD = 148, FIELD_END = 156 };
	unsigned sum = 0, said = 0, digits = 0;

	if (n < SIZE || p[0] == '\0')
		return false;
	for (size_t i = FIELD; i < FIELD_END; i++) {
		if (p[i] >= '0' && p[i] <= '7') {
			said = said * 8 + (unsigned)(p[i] - '0');
			digits++;
		} else if (p[i] != ' ' && p[i] != '\0') {
			return false;
		}
	}
	for (size_t i = 0; digits > 0 && i < SIZE; i++)
		sum += i >= FIELD && i < FIELD_END ? ' ' : (unsigned char)p[i];
	return digits > 0 && sum == said;
}

static const struct kind *
recognise(const char *p, size_t n)
{
	for (size_t i = 0; i < VK_COUNT(kinds); i++)
		if (kinds[i].at + kinds[i].n <= n && memcmp(p + kinds[i].at, kinds[i].magic, kinds[i].n) == 0)
			return &kinds[i];
	return is_old_tar(p, n) ? &old_tar : NULL;
}

static la_ssize_t
give(struct archive *a, void *arg, const void **ret_p)
{
	struct unpacking *u = arg;
	const char *p = u->first;
	ssize_t n = (ssize_t)u->n_first;

	(void)a;
	u->n_first = 0;
	if (n == 0 && !u->source.search->stopped)
		n = vk_stream_next(u->outer, &p);
	/* Why there is no more was reported where it happened. */
	*ret_p = p;
	return n > 0 ? n : 0;
}

static bool
is_over(struct vk_search *s, const struct vk_place *place, size_t n)
{
	s->unpacked += n;
	if (s->unpacked <= VK_UNPACKED_BASE || s->unpacked / VK_UNPACKED_RATIO <= s->read)
		return false;
	s->stopped = true;
	vk_say_problem(s, place, VK_SCAN_LIMIT,
	    "not searched further: the file on disk unpacks to more than 1 GiB and more than %d times its size",
	    VK_UNPACKED_RATIO);
	return true;
}

static void
damaged(struct unpacking *u, const struct vk_place *place)
{
	const char *why = archive_error_string(u->archive);

	if (!u->source.search->stopped)
		vk_say_problem(u->source.search, place, 0, "%s: cannot be unpacked further: %s", u->kind->name,
		    why ? why : "malformed");
}

/* The next piece of the member into ${u->block}; a hole before it is given as zeros. */
static int
next_block(struct unpacking *u)
{
	const void *p = NULL;
	la_int64_t at = 0;
	size_t n = 0;
	int r;

	while ((r = archive_read_data_block(u->archive, &p, &n, &at)) == ARCHIVE_RETRY)
		;
	if (r < 0 && r != ARCHIVE_WARN) {
		u->fatal = r == ARCHIVE_FATAL;
		damaged(u, u->source.place);
		return -1;
	}
	if (r == ARCHIVE_EOF)
		return 0;
	u->block = p;
	u->block_n = n;
	u->zeros = (uint64_t)at > u->at ? (uint64_t)at - u->at : 0;
	return 1;
}

/*
 * As much as is asked for.  archive_read_data() would do that, too, but when the archive ends in the middle of it, it
 * gives nothing of what it had.
 */
static ssize_t
read_member(struct vk_source *source, char *p, size_t n)
{
	struct unpacking *u = (struct unpacking *)(void *)source;
	size_t got = 0, some;

	if (source->search->stopped)
		return -1;
	while (got < n) {
		if (u->zeros == 0 && u->block_n == 0) {
			if (u->ended == 1)
				u->ended = next_block(u);
			if (u->ended != 1)
				break;
			continue;
		}
		some = n - got;
		if (u->zeros > 0) {
			some = some > u->zeros ? (size_t)u->zeros : some;
			memset(p + got, 0, some);
			u->zeros -= some;
		} else {
			some = some > u->block_n ? u->block_n : some;
			memcpy(p + got, u->block, some);
			u->block += some;
			u->block_n -= some;
		}
		u->at += some;
		got += some;
	}
	if (got == 0)
		return u->ended;
	return is_over(source->search, source->place, got) ? -1 : (ssize_t)got;
}

/* Before each member is read. */
static void
begin_member(struct unpacking *u)
{
	u->block_n = 0;
	u->zeros = u->at = 0;
	u->ended = 1;
}

/* The outer stream knows now where the member before ends. */
static void
pass_member(struct unpacking *u)
{
	uint64_t at = (uint64_t)archive_read_header_position(u->archive);

	vk_stream_passed(u->outer, u->inner_at, at, &u->inner);
	u->inner_at = at;
	u->inner = (struct vk_searched){ 0 };
}

static const char *
name_of(struct archive_entry *entry)
{
	const char *name = archive_entry_pathname_utf8(entry);

	if (!name)
		name = archive_entry_pathname(entry);
	return name ? name : "(a name that cannot be read)";
}

static void
search_member(struct unpacking *u, struct archive_entry *entry)
{
	VK_CLEANUP(vk_freep) char *name = vk_strdup(name_of(entry));
	struct vk_buf document = VK_BUF(VK_DOCUMENT_MAX);
	struct vk_search *s = u->source.search;
	bool wanted;

	if (!name)
		return;
	u->member = (struct vk_place){ .in = u->place, .name = name };
	if (archive_entry_is_data_encrypted(entry)) {
		vk_say_problem(s, &u->member, VK_SCAN_LIMIT, "not searched further: it is encrypted");
		return;
	}
	begin_member(u);
	wanted = vk_document_wanted(name);
	s->members++;
	vk_search_stream(s, &u->source, &u->member, u->level + 1, wanted ? &document : NULL, &u->inner);
	if (wanted)
		vk_document_keep(&u->documents, name, &document);
	vk_buf_clear(&document);
	u->member.name = "";
}

static void
search_members(struct unpacking *u)
{
	struct archive_entry *entry;
	int r;

	for (;;) {
		r = archive_read_next_header(u->archive, &entry);
		pass_member(u);
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			break;
		if (archive_entry_filetype(entry) != AE_IFDIR)
			search_member(u, entry);
		if (u->fatal || u->source.search->stopped || u->source.search->err != VK_OK)
			break;
	}
	if (r < 0 && r != ARCHIVE_WARN)
		damaged(u, u->place);
	vk_documents_tell(u->source.search, &u->documents, u->place, "");
}

/* One stream: what it unpacks to is searched as what it is, perhaps an archive. */
static void
search_unpacked(struct unpacking *u)
{
	struct archive_entry *entry;
	int r = archive_read_next_header(u->archive, &entry);

	u->member = (struct vk_place){ .in = u->place };
	/* Without a filter it would be the same bytes again: it only began like a compressed file. */
	if (archive_filter_code(u->archive, 0) == ARCHIVE_FILTER_NONE)
		return;
	begin_member(u);
	if (r == ARCHIVE_OK || r == ARCHIVE_WARN)
		vk_search_stream(u->source.search, &u->source, &u->member, u->level + 1, NULL, NULL);
	else if (r != ARCHIVE_EOF)
		damaged(u, u->place);
}

void
vk_unpack(struct vk_search *s, struct vk_stream *st, const char *p, size_t n, const struct vk_place *place,
    unsigned level)
{
	struct unpacking u = {
		.source = { .read = read_member, .search = s }, .kind = recognise(p, n), .outer = st, .first = p,
		.n_first = n, .place = place, .level = level,
	};

	if (!u.kind)
		return;
	if (!u.kind->enable) {
		vk_say_problem(s, place, VK_SCAN_LIMIT, "not searched further: %s archives are not unpacked",
		    u.kind->name);
		return;
	}
	if (level >= VK_LEVELS_MAX) {
		vk_say_problem(s, place, VK_SCAN_LIMIT, "not searched further: more than %d archives in one another",
		    VK_LEVELS_MAX);
		return;
	}
	u.source.place = &u.member;
	vk_stream_whole(st);
	if (!(u.archive = archive_read_new())) {
		vk_say_problem(s, place, VK_SCAN_LIMIT, "no memory is left for it");
		return;
	}
	if (u.kind->enable(u.archive) != ARCHIVE_OK ||
	    (!u.kind->members && archive_read_support_format_raw(u.archive) != ARCHIVE_OK)) {
		vk_say_problem(s, place, VK_SCAN_LIMIT, "not searched further: this libarchive does not read %s",
		    u.kind->name);
	} else if (archive_read_open(u.archive, &u, NULL, give, NULL) != ARCHIVE_OK) {
		/* What libarchive does not take for one after all is none. */
		if (archive_errno(u.archive) != EILSEQ)
			damaged(&u, place);
	} else if (u.kind->members) {
		search_members(&u);
	} else {
		search_unpacked(&u);
	}
	vk_documents_clear(&u.documents);
	archive_read_free(u.archive);
}
