/* SPDX-License-Identifier: ISC */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <linux/ptrace.h>
#include <unistd.h>

#include "memory.h"

enum { REGIONS_MAX = 512, SLOTS = 1 << 16, SPLAT = 16, BATCH = 64, BUFFER = 1 << 20 };

static struct pattern {
	char name[48];
	unsigned char bytes[PATTERN_MAX];
	size_t n;
} patterns[PATTERNS_MAX];
static size_t n_patterns;

/* Every window of every pattern, by hash; open addressing. */
static struct window {
	uint64_t value;
	uint16_t pattern, at;
	bool used;
} windows[SLOTS];

struct region {
	uint64_t start, end;
	bool shared, writable, dontdump, locked;
	char place[PLACE_MAX];
};

/* Of the process that is being searched. */
static struct {
	uint64_t sp, env, env_end, arg, arg_end;
	int mem, pagemap;
	on_find *find;
	struct effort *effort;
} now;

static void
die(const char *what)
{
	fprintf(stderr, "mem-search: %s: %s\n", what, strerror(errno));
	exit(2);
}

static size_t
slot_of(uint64_t v)
{
	return (size_t)(v * 0x9e3779b97f4a7c15ULL >> 48);
}

static void
add_window(uint64_t v, size_t pattern, size_t at)
{
	size_t i = slot_of(v);

	for (; windows[i].used; i = (i + 1) % SLOTS)
		if (windows[i].value == v)
			return;
	windows[i] = (struct window){ v, (uint16_t)pattern, (uint16_t)at, true };
}

static void
add_pattern(const char *name, const unsigned char *bytes, size_t n)
{
	struct pattern *p = &patterns[n_patterns];

	if (n < WINDOW || n > PATTERN_MAX || n_patterns == PATTERNS_MAX) {
		errno = ERANGE;
		die(name);
	}
	snprintf(p->name, sizeof(p->name), "%s", name);
	memcpy(p->bytes, bytes, n);
	p->n = n;
	for (size_t at = 0; at + WINDOW <= n; at++) {
		uint64_t v;

		memcpy(&v, bytes + at, sizeof(v));
		add_window(v, n_patterns, at);
	}
	n_patterns++;
}

static void
add_words(const char *name, const unsigned char *bytes, size_t n)
{
	char label[48];

	snprintf(label, sizeof(label), "%.40s words", name);
	for (size_t at = 0; at + 4 <= n; at += 4) {
		unsigned char splat[SPLAT];

		for (size_t i = 0; i < SPLAT; i++)
			splat[i] = bytes[at + i % 4];
		add_pattern(label, splat, sizeof(splat));
	}
}

void
patterns_read(const char *file)
{
	FILE *f = fopen(file, "re");
	char name[48], hex[2 * PATTERN_MAX + 1];

	if (!f)
		die(file);
	while (fscanf(f, "%47s %512s", name, hex) == 2) {
		unsigned char bytes[PATTERN_MAX];
		size_t n = strlen(hex) / 2, len = strlen(name);
		bool key = name[len - 1] == '*';

		for (size_t i = 0; i < n; i++) {
			char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

			bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
		}
		if (key)
			name[len - 1] = '\0';
		add_pattern(name, bytes, n);
		if (key)
			add_words(name, bytes, n);
	}
	fclose(f);
}

static const char *
place_at(const struct region *r, uint64_t at)
{
	if (r->dontdump)
		return "dontdump";
	if (strcmp(r->place, "stack") != 0)
		return r->place;
	if (at >= now.env && at < now.env_end)
		return "environment";
	if (at >= now.arg && at < now.arg_end)
		return "arguments";
	return at < now.sp ? "stack (dead)" : "stack";
}

/* Returns how many bytes from ${at} on belong to the find there; 0: none. */
static size_t
match(const unsigned char *p, size_t left, const struct pattern **ret)
{
	uint64_t v;
	size_t i, n = WINDOW;

	memcpy(&v, p, sizeof(v));
	if (v == 0) /* most of memory */
		return 0;
	for (i = slot_of(v); windows[i].used; i = (i + 1) % SLOTS)
		if (windows[i].value == v)
			break;
	if (!windows[i].used)
		return 0;
	*ret = &patterns[windows[i].pattern];
	while (n < left && windows[i].at + n < (*ret)->n && p[n] == (*ret)->bytes[windows[i].at + n])
		n++;
	return n;
}

static void
scan(const struct region *r, uint64_t at, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i + WINDOW <= n;) {
		const struct pattern *found;
		size_t len = match(p + i, n - i, &found);

		if (len == 0) {
			i++;
			continue;
		}
		now.find(r ? place_at(r, at + i) : "registers", found->name, len);
		i += len;
	}
}

/* Pages that are there, and not of a file as it lies on disk. */
static bool
is_present(const struct region *r, uint64_t entry)
{
	bool present = entry >> 63, swapped = entry >> 62 & 1, of_file = entry >> 61 & 1;

	return (present || swapped) && (!of_file || r->shared || r->writable);
}

static void
search_region(const struct region *r)
{
	static unsigned char buf[BUFFER];
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	size_t batch = BUFFER / page < BATCH ? BUFFER / page : BATCH;
	uint64_t entries[BATCH];

	for (uint64_t at = r->start; at < r->end;) {
		size_t n = (size_t)((r->end - at) / page), first = 0, count = 0;
		ssize_t got;

		n = n > batch ? batch : n;
		if (pread(now.pagemap, entries, n * 8, (off_t)(at / page * 8)) != (ssize_t)(n * 8))
			return; /* [vsyscall] lies beyond what can be asked about */
		while (first < n && !is_present(r, entries[first]))
			first++;
		while (first + count < n && is_present(r, entries[first + count]))
			count++;
		at += first * page;
		if (count == 0)
			continue;
		/* Pages of devices, such as [vvar], cannot be read in this way. */
		if ((got = pread(now.mem, buf, count * page, (off_t)at)) > 0) {
			scan(r, at, buf, (size_t)got);
			now.effort->pages += count;
			now.effort->bytes += (size_t)got;
		}
		/* One page again where the run may go on, so that what lies across is seen. */
		at += count * page;
		if (first + count == n && n == batch && count > 1 && at < r->end)
			at -= page;
	}
}

static void
name_region(struct region *r, const char *path, unsigned long inode, bool after_program)
{
	const char *base = strrchr(path, '/');

	if (strcmp(path, "[stack]") == 0 || strcmp(path, "[heap]") == 0)
		snprintf(r->place, sizeof(r->place), "%.5s", path + 1);
	else if (inode == 0 && *path == '\0')
		snprintf(r->place, sizeof(r->place), "%s", after_program ? "data" : "anonymous");
	else if (strstr(path, "/valetkey"))
		snprintf(r->place, sizeof(r->place), "data");
	else
		snprintf(r->place, sizeof(r->place), "%.50s", base ? base + 1 : path);
	r->place[strcspn(r->place, "]")] = '\0';
}

/* /proc/PID/smaps, which is maps and what the kernel does with each. */
static size_t
regions_read(pid_t pid, struct region *v, struct shelter *shelter)
{
	char path[64], line[4352];
	bool program = false;
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	if (!(f = fopen(path, "re")))
		return 0;
	while (fgets(line, sizeof(line), f)) {
		unsigned long start, end, inode, kib;
		char perms[8], name[4097] = "";

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%lx-%lx %7s %*x %*s %lu %4096[^\n]", &start, &end, perms, &inode, name) >= 4) {
			struct region *r = &v[n];

			if (n == REGIONS_MAX)
				die("more regions than there is room for");
			*r = (struct region){ .start = start, .end = end, .shared = perms[3] == 's', .writable = perms[1] == 'w' };
			name_region(r, name, inode, program && n > 0 && v[n - 1].end == start);
			program = strcmp(r->place, "data") == 0;
			n++;
		} else if (n > 0 && strncmp(line, "VmFlags:", 8) == 0) {
			v[n - 1].dontdump = strstr(line, " dd") != NULL;
			v[n - 1].locked = strstr(line, " lo") != NULL;
			/* Of the kernel's own, which have no size that counts. */
			if (strstr(line, " io") || strstr(line, " pf"))
				v[n - 1].dontdump = false;
			if (v[n - 1].dontdump) {
				shelter->kib += (v[n - 1].end - v[n - 1].start) / 1024;
				if (v[n - 1].locked)
					shelter->locked_kib += (v[n - 1].end - v[n - 1].start) / 1024;
			}
		} else if (sscanf(line, "Size: %lu", &kib) == 1) {
			continue;
		}
	}
	fclose(f);
	return n;
}

/* proc_pid_stat(5): fields 48 to 51 are where arguments and environment lie. */
static void
read_stat(pid_t pid)
{
	char path[64], line[4096], *at;
	unsigned field = 2;
	FILE *f;

	now.env = now.env_end = now.arg = now.arg_end = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!(f = fopen(path, "re")))
		return;
	if (fgets(line, sizeof(line), f) && (at = strrchr(line, ')'))) {
		uint64_t *const to[] = { &now.arg, &now.arg_end, &now.env, &now.env_end };

		for (char *word = strtok(at + 1, " "); word; word = strtok(NULL, " ")) {
			field++;
			if (field >= 48 && field < 52)
				*to[field - 48] = strtoull(word, NULL, 10);
		}
	}
	fclose(f);
}

static void
search_registers(pid_t pid)
{
	static unsigned char state[16384];
	const int sets[] = {
		NT_PRSTATUS,
#ifdef __x86_64__
		NT_X86_XSTATE,
#else
		NT_PRFPREG,
#endif
	};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct iovec io = { state, sizeof(state) };

		if (ptrace(PTRACE_GETREGSET, pid, sets[i], &io) == 0) {
			scan(NULL, 0, state, io.iov_len);
			now.effort->bytes += io.iov_len;
		}
	}
}

static void
read_stack_pointer(pid_t pid)
{
	struct ptrace_syscall_info info;

	now.sp = 0;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0)
		now.sp = info.stack_pointer;
}

void
memory_search(pid_t pid, bool registers, on_find *find, struct effort *effort, struct shelter *shelter)
{
	static struct region regions[REGIONS_MAX];
	char path[64];
	size_t n;

	*shelter = (struct shelter){ 0 };
	now.find = find;
	now.effort = effort;
	read_stat(pid);
	read_stack_pointer(pid);
	n = regions_read(pid, regions, shelter);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	now.mem = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	now.pagemap = open(path, O_RDONLY | O_CLOEXEC);
	if (now.mem < 0 || now.pagemap < 0) {
		if (errno != ENOENT && errno != ESRCH)
			die(path);
		n = 0; /* it was killed meanwhile */
	}
	for (size_t i = 0; i < n; i++)
		search_region(&regions[i]);
	if (now.mem >= 0)
		close(now.mem);
	if (now.pagemap >= 0)
		close(now.pagemap);
	if (registers)
		search_registers(pid);
	effort->stops++;
}
