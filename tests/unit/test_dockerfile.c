/* SPDX-License-Identifier: ISC */
/* Dockerfiles and .dockerignore files; the expectations are what BuildKit's own parser and matcher say of the same texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "valetkey/dockerfile.h"
#include "valetkey/secret.h"

/* Every instruction in one text: "LINE-END NAME{flag}[word]<args>(doc:text)". */
static void
show(const struct vk_dockerfile *d, struct vk_buf *b)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct vk_instruction *in = &d->v[i];

		vk_buf_fmt(b, "%zu-%zu %s%s", in->line, in->end_line, in->onbuild ? "ONBUILD " : "", in->name);
		for (size_t k = 0; k < in->n_flags; k++)
			vk_buf_fmt(b, "{%s}", in->flags[k]);
		for (size_t k = 0; k < in->n_words; k++)
			vk_buf_fmt(b, "[%s]", in->words[k]);
		if (in->n_words == 0)
			vk_buf_fmt(b, "<%s>", in->args);
		for (size_t k = 0; k < in->n_docs; k++)
			vk_buf_fmt(b, "(%s%s%s@%zu:%s)", in->docs[k].name, in->docs[k].expand ? "" : "'", in->docs[k].chomp ? "-" : "",
			    in->docs[k].line, in->docs[k].text);
		vk_buf_char(b, '\n');
	}
}

static void
test_parses(void **state)
{
	static const struct {
		const char *text, *expect;
	} cases[] = {
		{ "FROM a", "1-1 FROM[a]\n" },
		{ "\xef\xbb\xbf" "from --platform=x  a as b\r\n\r\n# c\r\nrun x\r\n", "1-1 FROM{--platform=x}[a][as][b]\n4-4 RUN<x>\n" },
		{ "FROM a\nRUN a \\\n  b \\  \n# c\n\n \\\n c\nRUN d\n", "1-1 FROM[a]\n2-7 RUN<a   b   c>\n8-8 RUN<d>\n" },
		{ "# syntax=x\n#  Escape = `\nFROM a\nRUN a `\nb\nRUN c \\\n", "3-3 FROM[a]\n4-5 RUN<a b>\n6-6 RUN<c \\>\n" },
		{ "# other=x\n# escape=`\nFROM a\nRUN a \\\nb\n", "3-3 FROM[a]\n4-5 RUN<a b>\n" },
		{ "\n# escape=`\nFROM a\nRUN a \\\nb\n", "3-3 FROM[a]\n4-5 RUN<a b>\n" },
		{ "FROM a\nRUN a \\\\\nENV x=1\n", "1-1 FROM[a]\n2-2 RUN<a \\\\>\n3-3 ENV[x=1]\n" },
		{ "ENV a=1 b='x y' c=\"z \\\" w\" d=e\\ f\n", "1-1 ENV[a=1][b='x y'][c=\"z \\\" w\"][d=e\\ f]\n" },
		{ "ENV key  a b c\n", "1-1 ENV[key=a b c]\n" },
		{ "ARG a b=1 c=\"x y\"\n", "1-1 ARG[a][b=1][c=\"x y\"]\n" },
		{ "RUN --mount=type=secret,\"id=a b\" --net\\work=x -- y --z\n", "1-1 RUN{--mount=type=secret,id=a b}{--network=x}<y --z>\n" },
		{ "COPY [\"a b\", \"c\\u0041\"]\nCOPY [a, b\nCMD [\"x\"]\nRUN [ \"a\" ] && b\n",
			"1-1 COPY[a b][cA]\n2-2 COPY[[a,][b]\n3-3 CMD[x]\n4-4 RUN<[ \"a\" ] && b>\n" },
		{ "onbuild copy --from=x a b\nONBUILD RUN <<E\nx\nE\n", "1-1 ONBUILD COPY{--from=x}[a][b]\n2-4 ONBUILD RUN<<<E>(E@3:x\n)\n" },
		{ "RUN <<A cat <<-\"B\" 3<<'C D'\n1\nA\n\t2\n\tB\n3\nC D\nRUN x\n",
			"1-7 RUN<<<A cat <<-\"B\" 3<<'C D'>(A@2:1\n)(B'-@4:\t2\n)(C D'@6:3\n)\n8-8 RUN<x>\n" },
		{ "RUN cat<<EOF\nENV a=1\n", "1-1 RUN<cat<<EOF>\n2-2 ENV[a=1]\n" },
		{ "RUN a <<< b << c \"<<d\" <<\nENV a=1\n", "1-1 RUN<a <<< b << c \"<<d\" <<>\n2-2 ENV[a=1]\n" },
		{ "RUN [\"a\", \"<<EOF\"]\nENV a=1\n", "1-1 RUN[a][<<EOF]\n2-2 ENV[a=1]\n" },
		{ "RUN <<EOF \\\n && x\n# not a comment\\\nEOF\n", "1-4 RUN<<<EOF  && x>(EOF@3:# not a comment\\\n)\n" },
		{ "WORKDIR <<EOF\nRUN a\n", "1-1 WORKDIR<<<EOF>\n2-2 RUN<a>\n" },
		{ "NONSENSE x\n  \t\nHEALTHCHECK --interval=1s CMD x\n", "1-1 NONSENSE<x>\n3-3 HEALTHCHECK{--interval=1s}<CMD x>\n" },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		VK_CLEANUP(vk_dockerfile_clear) struct vk_dockerfile d = { 0 };
		VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(65536);

		assert_int_equal(vk_dockerfile_parse(cases[i].text, strlen(cases[i].text), &d), VK_OK);
		show(&d, &b);
		assert_string_equal(b.p, cases[i].expect);
	}
}

static void
test_refuses(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "line 1: " },
		{ "# nothing\n", "line 1: " },
		{ "FROM a\nRUN <<EOF\nx\n", "line 2: a here-document" },
		{ "# escape=x\nFROM a\n", "line 1: the escape" },
		{ "# escape=`\n# escape=`\nFROM a\n", "line 2: a second escape" },
		{ "FROM a\nENV x\n", "line 2: ENV needs" },
		{ "FROM a\nCOPY [1, 2]\n", "line 2: an exec form" },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		struct vk_dockerfile d = { .n = 7 };

		vk_reason_clear();
		assert_int_equal(vk_dockerfile_parse(cases[i].text, strlen(cases[i].text), &d), VK_EPROTO);
		assert_int_equal(strncmp(vk_reason(), cases[i].why, strlen(cases[i].why)), 0);
		assert_int_equal(d.n, 7);
	}
	{
		struct vk_dockerfile d = { 0 };
		char *large = calloc(VK_MAX_DOCKERFILE + 1, 1);

		assert_non_null(large);
		assert_int_equal(vk_dockerfile_parse("FROM a\0b", 8, &d), VK_EPROTO);
		assert_int_equal(vk_dockerfile_parse(large, VK_MAX_DOCKERFILE + 1, &d), VK_ELIMIT);
		free(large);
	}
}

static void
test_lines(void **state)
{
	static const char text[] = "FROM a\nRUN one \\\n# c\n  two\nRUN <<E\nthree\nfour\nE\n";
	VK_CLEANUP(vk_dockerfile_clear) struct vk_dockerfile d = { 0 };

	(void)state;
	assert_int_equal(vk_dockerfile_parse(text, strlen(text), &d), VK_OK);
	assert_int_equal(vk_dockerfile_line(&d.v[1], strstr(d.v[1].joined, "one")), 2);
	assert_int_equal(vk_dockerfile_line(&d.v[1], strstr(d.v[1].joined, "two")), 4);
	assert_int_equal(vk_dockerfile_line(&d.v[2], strstr(d.v[2].docs[0].text, "four")), 7);
	assert_int_equal(vk_dockerfile_line(&d.v[2], d.v[2].joined), 5);
}

/* The same of a file: patterns, '\n' between them, and whether a path is left out. */
static void
test_ignores(void **state)
{
	static const struct {
		const char *text, *path;
		bool out;
	} cases[] = {
		{ "a", "a", true }, { "a", "b/a", false }, { "a", "a/b/c", true }, { "/a/", "a", true }, { "./a/../b", "b", true },
		{ " a\t", "a", true }, { "#a", "#a", false }, { "\\#a", "#a", true }, { " #a", "#a", true }, { "a\r\nb\r\n", "b", true },
		{ "\xef\xbb\xbf" "a", "a", true }, { "*", ".npmrc", true }, { "*", "a/b", true }, { "*/b", "a/b", true }, { "*/b", "a/c/b", false },
		{ "**", "a/b", true }, { "**/b", "b", true }, { "**/b", "a/c/b", true }, { "**b", "a/xb", true }, { "**/b", "a/xb", false },
		{ "**/b/*", "b/x/y", true }, { "a/**", "a", false }, { "a/**", "a/b", true }, { "a**", "ab/c", true }, { "a/**/b", "a/b", true },
		{ "a/**/b", "a/x/y/b", true }, { "a**/*.txt", "a/dir/f.txt", true }, { "**/*.txt2", "a.txt", false }, { "**/**/x", "a/b/x", true },
		{ "?", "ab", false }, { "a?b", "a/b", false }, { "a?b", "a\xe2\x98\xba" "b", true }, { "a??b", "a\xe2\x98\xba" "b", false },
		{ "[a-c]x", "bx", true }, { "[^a-c]x", "bx", false }, { "[\xce\xb1-\xce\xb6]x", "\xce\xb2x", true }, { "[\\]]", "]", true },
		{ "a\\*", "a*", true }, { "a\\*", "ab", false }, { "a.b", "axb", false }, { "a(b)|c", "a(b)|c", true }, { "x+*", "x+y", true },
		{ "*\n!a", "a", false }, { "!a\n*", "a", true }, { "*\n!a\na/b", "a/b", true }, { "*\n!a\na/b", "a/c", false },
		{ "a\n!a/b", "a/b", false }, { "a\n!a/b", "a/c", true }, { "**\n! a/b", "a/b/c", false }, { "*\n!**/.npmrc", "x/y/.npmrc", false },
		{ ".", "a", false }, { "/", "a", false }, { "", "a", false }, { "../a", "a", false }, { "a//b", "a/b", true },
	};

	(void)state;
	for (size_t i = 0; i < VK_COUNT(cases); i++) {
		VK_CLEANUP(vk_ignore_clear) struct vk_ignore g = { 0 };

		assert_int_equal(vk_ignore_parse(cases[i].text, strlen(cases[i].text), &g), VK_OK);
		if (vk_ignore_match(&g, cases[i].path) != cases[i].out)
			fail_msg("%s: %s", cases[i].text, cases[i].path);
	}
}

static void
test_ignore_refuses(void **state)
{
	static const char *const texts[] = { "a\n!", "a\n! ", "a\n!/", "a\n[", "a\n[]a]", "a\n[a-]", "a\n[^", "a\na\\", "a\n[-x]" };

	(void)state;
	for (size_t i = 0; i < VK_COUNT(texts); i++) {
		struct vk_ignore g = { 0 };

		vk_reason_clear();
		if (vk_ignore_parse(texts[i], strlen(texts[i]), &g) != VK_EPROTO)
			fail_msg("%s", texts[i]);
		assert_int_equal(strncmp(vk_reason(), "line 2: ", 8), 0);
	}
}

/* A pattern that would take a matcher that goes back and forth longer than anybody waits. */
static void
test_ignore_is_quick(void **state)
{
	VK_CLEANUP(vk_ignore_clear) struct vk_ignore g = { 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF(65536), path = VK_BUF(65536);

	(void)state;
	for (int i = 0; i < 40; i++)
		vk_buf_str(&text, "*a");
	vk_buf_str(&text, "b");
	for (int i = 0; i < 3000; i++)
		vk_buf_char(&path, 'a');
	assert_int_equal(vk_ignore_parse(text.p, text.len, &g), VK_OK);
	assert_false(vk_ignore_match(&g, path.p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parses),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_ignores),
		cmocka_unit_test(test_ignore_refuses),
		cmocka_unit_test(test_ignore_is_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
