/* SPDX-License-Identifier: ISC */
/*
 * spawn - time whole processes against each other.
 *
 *   spawn ROUNDS < cases
 *
 * One case per line, fields separated by tabs:
 *   NAME  STDIN-FILE  EXPECTED-EXIT  EXPECTED-OUTPUT  [VARIABLE=VALUE...]  PROGRAM  [ARGUMENT...]
 * EXPECTED-OUTPUT is a string that standard output must hold; "-" for none.  Every
 * case is run once and checked, since the time of a failing program means nothing.
 * Then every round runs all cases in a fresh random order: a busy moment of the
 * machine hits all of them alike.  Prints one line per case:
 *   NAME  MEDIAN-NS  P10-NS  P90-NS  MEDIAN-FAULTS  MIN-FAULTS
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CASES = 64, MAX_ARGS = 64, MAX_ENV = 256, MAX_ROUNDS = 20000 };

struct bench_case {
	char *name, *input, *expect;
	int status;
	char *argv[MAX_ARGS + 1];
	char *env[MAX_ENV + 1];
	int64_t *ns;
	int64_t *faults;
};

extern char **environ;

static void
die(const char *what, const char *name)
{
	fprintf(stderr, "spawn: %s: %s\n", name, what);
	exit(2);
}

/* One process, standard output to ${out}; its wall time and page faults. */
static int
run_once(const struct bench_case *c, int out, int64_t *ret_ns, int64_t *ret_faults)
{
	posix_spawn_file_actions_t fa;
	struct timespec a, b;
	struct rusage ru;
	int status, in = open(c->input, O_RDONLY | O_CLOEXEC);
	pid_t pid;

	if (in < 0)
		die("cannot open its input", c->name);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	clock_gettime(CLOCK_MONOTONIC, &a);
	/* glibc's posix_spawn is a vfork: the size of this process does not count. */
	if ((errno = posix_spawnp(&pid, c->argv[0], &fa, NULL, c->argv, (char *const *)c->env)) != 0)
		die(strerror(errno), c->argv[0]);
	while (wait4(pid, &status, 0, &ru) < 0)
		if (errno != EINTR)
			die(strerror(errno), "wait4");
	clock_gettime(CLOCK_MONOTONIC, &b);
	posix_spawn_file_actions_destroy(&fa);
	close(in);
	*ret_ns = (int64_t)(b.tv_sec - a.tv_sec) * 1000000000 + (b.tv_nsec - a.tv_nsec);
	*ret_faults = ru.ru_minflt + ru.ru_majflt;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
check(const struct bench_case *c)
{
	static char text[65536];
	FILE *f = tmpfile();
	int64_t ns, faults;
	int status;
	size_t n;

	if (!f)
		die(strerror(errno), "tmpfile");
	status = run_once(c, fileno(f), &ns, &faults);
	rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	if (status != c->status) {
		fprintf(stderr, "spawn: %s: exit %d instead of %d\n", c->name, status, c->status);
		exit(2);
	}
	if (strcmp(c->expect, "-") != 0 && !strstr(text, c->expect))
		die("its output is not the expected one", c->name);
}

static char *
field(char **rest, const char *name)
{
	char *f = strsep(rest, "\t");

	if (!f)
		die("a field is missing", name);
	return f;
}

/* Our environment, with the variables of the case, which hide ours of the same name. */
static void
set_env(struct bench_case *c, char *const *vars, size_t n_vars)
{
	size_t n = 0;

	while (n < n_vars) {
		c->env[n] = vars[n];
		n++;
	}
	for (char **e = environ; *e; e++) {
		size_t len = strcspn(*e, "=") + 1;
		bool hidden = false;

		for (size_t i = 0; i < n_vars && !hidden; i++)
			hidden = strncmp(vars[i], *e, len) == 0;
		if (n == MAX_ENV)
			die("the environment is too large", c->name);
		if (!hidden)
			c->env[n++] = *e;
	}
}

static size_t
read_cases(struct bench_case *cases, size_t rounds)
{
	char *line = NULL;
	size_t cap = 0, n = 0;
	ssize_t len;

	while ((len = getline(&line, &cap, stdin)) > 0) {
		struct bench_case *c = &cases[n];
		char *rest, *arg, *vars[MAX_ARGS];
		size_t k = 0, n_vars = 0;

		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (n == MAX_CASES)
			die("too many cases", line);
		rest = strdup(line);
		c->name = field(&rest, line);
		c->input = field(&rest, c->name);
		c->status = (int)strtol(field(&rest, c->name), NULL, 10);
		c->expect = field(&rest, c->name);
		while ((arg = strsep(&rest, "\t")) && k < MAX_ARGS && n_vars < MAX_ARGS)
			if (k == 0 && strchr(arg, '=') && arg[0] != '/')
				vars[n_vars++] = arg;
			else
				c->argv[k++] = arg;
		if (k == 0 || arg)
			die("no program, or too many arguments", c->name);
		set_env(c, vars, n_vars);
		c->ns = calloc(rounds, sizeof(*c->ns));
		c->faults = calloc(rounds, sizeof(*c->faults));
		if (!c->ns || !c->faults)
			die("out of memory", c->name);
		n++;
	}
	free(line);
	return n;
}

static int
ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
shuffle(size_t *order, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		uint32_t r;
		size_t j, t;

		if (getrandom(&r, sizeof(r), 0) != sizeof(r))
			die(strerror(errno), "getrandom");
		j = r % i;
		t = order[i - 1];
		order[i - 1] = order[j];
		order[j] = t;
	}
}

int
main(int argc, char **argv)
{
	static struct bench_case cases[MAX_CASES];
	size_t order[MAX_CASES], n, rounds = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (rounds < 1 || rounds > MAX_ROUNDS || null < 0)
		die("usage: spawn ROUNDS < cases", "arguments");
	n = read_cases(cases, rounds);
	for (size_t i = 0; i < n; i++) {
		check(&cases[i]);
		order[i] = i;
	}
	for (size_t r = 0; r < rounds; r++) {
		shuffle(order, n);
		for (size_t i = 0; i < n; i++) {
			struct bench_case *c = &cases[order[i]];

			if (run_once(c, null, &c->ns[r], &c->faults[r]) != c->status)
				die("failed in the middle of the run", c->name);
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct bench_case *c = &cases[i];

		qsort(c->ns, rounds, sizeof(*c->ns), ascending);
		qsort(c->faults, rounds, sizeof(*c->faults), ascending);
		printf("%s\t%lld\t%lld\t%lld\t%lld\t%lld\n", c->name, (long long)c->ns[rounds / 2],
		    (long long)c->ns[rounds / 10], (long long)c->ns[rounds * 9 / 10],
		    (long long)c->faults[rounds / 2], (long long)c->faults[0]);
	}
	return 0;
}
