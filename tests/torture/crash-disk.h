/* SPDX-License-Identifier: ISC */
/*
 * crash-disk.h - a disk that a power failure cuts off, and writers that die at any step.
 *
 * The file that the library sees is the page cache.  Beside it is kept what is on the disk, and what was written since the
 * last sync, sector by sector.  A power failure leaves of that any part: each sector as it is on the disk or as any of
 * the writes made it, the file grown or not, a rename made or not.  The library's system calls come here by the
 * linker's --wrap; reading is not touched.
 *
 * A writer that is killed goes on in vain: from some call on, nothing that it does reaches even the page cache.
 */
#ifndef VK_TESTS_CRASH_DISK_H
#define VK_TESTS_CRASH_DISK_H

#include <sys/types.h>

#include "valetkey/base.h"

enum { DISK_SECTOR = 512 };

/** disk_draw(below), disk_seed(seed): The one source of chance; the same seed gives the same run. */
unsigned disk_draw(unsigned below);
void disk_seed(uint64_t seed);

/* What becomes of one writer.  Calls and syncs are counted from 1; 0: never. */
struct disk_plan {
	unsigned kill_call, kill_sync; /* it is killed before this one */
	unsigned fail_call;            /* this one fails: no space, or an error of the disk */
	unsigned fail_syncs;           /* bit N: its sync N fails, and its sectors reached the disk or not */
};

/* What it did. */
struct disk_report {
	unsigned calls, syncs;
	bool dead, failed;
};

/* A fault of the writer that is made here instead of in the library: to see that it is found. */
enum disk_mutant {
	MUTANT_NONE,
	MUTANT_PAGES,      /* new pages are not synced before the header that points to them is written */
	MUTANT_HEADER,     /* the new header is not synced */
	MUTANT_REWRITE,    /* the newest header is not written once more */
	MUTANT_QUARANTINE, /* pages that the last commit freed are written to */
	MUTANT_SUSPECT,    /* a suspect file is not marked */
	MUTANT_WITNESS,    /* the witness is written before its header is on the disk */
	MUTANT_FILE,       /* a new file is not synced before the rename */
	MUTANT_DIRECTORY,  /* the directory is not synced after it */
};

extern enum disk_mutant disk_mutant;

/**
 * disk_on_event:
 * Called after each call that did something.  ${sure}: all that the file which has the name holds is on the disk.
 * Calls that are made by it are nobody's.
 */
extern void (*disk_on_event)(bool sure);

/** disk_attach(path), disk_detach(): Watch this file, which is on the disk as it is; no more, free memory. */
void disk_attach(const char *path);
void disk_detach(void);

/** disk_writer(plan), disk_writer_end(ret): What happens in between is one writer's. */
void disk_writer(const struct disk_plan *plan);
void disk_writer_end(struct disk_report *ret);

/** disk_image(ret, ret_len): What a power failure could leave of the file now; the caller frees. */
void disk_image(unsigned char **ret, size_t *ret_len);

/** disk_crash(): Let it happen: one of these images is the file, and all of it is on the disk. */
void disk_crash(void);

/** disk_lose(): The kernel writes everything back by itself, some of it fails, and nobody is told. */
void disk_lose(void);

/** disk_forget(): The page cache forgets some pages that it takes for written, and reads them from the disk again. */
void disk_forget(void);

/** disk_cache(ret, ret_len): The file as the page cache has it; the caller frees. */
void disk_cache(unsigned char **ret, size_t *ret_len);

/** disk_clear(dir): Remove all files there. */
void disk_clear(const char *dir);

/** disk_put(path, bytes, n): Make a file of that. */
void disk_put(const char *path, const unsigned char *bytes, size_t n);

/** disk_note(fmt, ...), disk_print_log(): What was done since the last power failure, as TAP comments. */
void disk_note(const char *fmt, ...) VK_PRINTF(1, 2);
void disk_print_log(void);

/** disk_must(ok, what): For what the simulation itself relies on. */
void disk_must(bool ok, const char *what);

/*
 * What crash-calls.c needs of crash-disk.c: the file of a descriptor (NULL: none of ours), a new one, a write, the sync
 * of a file (${fails}: what reached the disk is chance, and the rest is forgotten), a rename, and the sync of the directory:
 * without it the name may lead elsewhere on the disk.  disk_sync_name() says whether all of the file is there as well.
 */
struct disk_file;
struct disk_file *disk_file_of(int fd);
bool disk_is_named(const struct disk_file *f);
void disk_file_new(ino_t ino);
void disk_written(struct disk_file *f, int fd, size_t at, size_t n);
void disk_settle(struct disk_file *f, bool fails);
void disk_renamed(ino_t ino);
bool disk_sync_name(void);
bool disk_name_is_sure(void);

#endif
