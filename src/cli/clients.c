/* SPDX-License-Identifier: ISC */
/* Which client gets its credential how, for "valetkey setup --list"; the README has the same table. */
#include <string.h>

#include "cli/clients.h"
#include "cli/cmd.h"
#include "cli/json_out.h"
#include "cli/rows.h"

struct client {
	const char *name;
	const char *channel;  /* how it gets its credential */
	const char *setup;    /* "valetkey setup NAME" registers it; NULL: there is nothing to register */
	const char *recipe;   /* "valetkey run --with NAME"; NULL: none */
	const char *verified; /* versions that tests/clients saw fetch; "protocol": no real one could be had */
	const char *note;     /* what is and is not possible, in a few words */
};

/* In the order of use.  ${verified}: versions with which tests/clients fetches private packages from a real server. */
static const struct client clients[] = {
	{ "git", "credential helper", "git", "git", "2.39, 2.55", "paths and accounts apart" },
	{ "docker", "credential helper", "docker", "docker", "20.10, 28.2", "one account for each registry" },
	{ "go", "GOAUTH (1.24)", "go", "go", "1.26", "paths apart; before 1.24: netrc" },
	{ "cargo", "credential provider (1.74)", "cargo", "cargo", "1.95, 1.96", "paths apart; git dependencies: git" },
	{ "npm", "file", NULL, "npm", "8.19 to 11.21", "paths and npm scopes apart" },
	{ "pnpm", "tokenHelper, file", "pnpm", "pnpm", "7.33 to 11.28", "paths apart; all or nothing" },
	{ "yarn", "file", NULL, "yarn", "1.22", "paths and npm scopes apart" },
	{ "yarn-berry", "plugin", NULL, "yarn-berry", "3.8, 4.18", "paths apart; not Yarn 2" },
	{ "bun", "file", NULL, "bun", "1.3, 1.4", "exact paths apart" },
	{ "deno", "file", NULL, "deno", "2.9", "R1 with ~/.npmrc, or --gate" },
	{ "deno URLs", "DENO_AUTH_TOKENS", NULL, "deno-modules", "2.9", "one account for each host" },
	{ "pip", "keyring command (23.1)", "pip", "pip", "23.0, 26.3", "paths apart; a user name before 26.2" },
	{ "uv", "keyring command", "uv", "uv", "0.13", "paths apart; a user name, or authenticate" },
	{ "poetry", "variables", NULL, "poetry", "2.5", "by the source's name" },
	{ "twine", "variables", NULL, "twine", "7.0", "one account" },
	{ "conda", "netrc", NULL, "conda", "protocol", "one account for each host" },
	{ "podman", "docker's helper", "docker", "containers", "4.3", "one account for each registry" },
	{ "buildah", "docker's helper", "docker", "containers", "1.28", "one account for each registry" },
	{ "skopeo", "docker's helper", "docker", "containers", "1.9", "one account for each registry" },
	{ "maven", "file", NULL, "maven", "3.8, 3.9, 4.0-rc", "by the server's id" },
	{ "gradle", "variables", NULL, "gradle", "4.4", "by the repository's name" },
	{ "coursier", "file", NULL, "coursier", "2.1", "one account for each host" },
	{ "sbt", "file", NULL, "coursier", "1.10", "one credential" },
	{ "helm", "docker's helper (OCI), file", "docker", "helm", "3.17, 3.22", "OCI: by registry; else paths apart" },
	{ "oras", "docker's helper", "docker", NULL, "1.3", "one account for each registry" },
	{ "composer", "COMPOSER_AUTH", NULL, "composer", "2.5", "one account for each host" },
	{ "bundler", "BUNDLE_URL", NULL, "bundler", "2.3", "URLs apart" },
	{ "nuget", "plugin, variable", "nuget", "nuget", "5.8", "paths apart; dotnet: plugins from 9.0.200" },
	{ "bazel", "credential helper", "bazel", NULL, "protocol", "paths apart, ports not" },
	{ "terraform", "helper, TF_TOKEN", "terraform", "terraform", "1.0, 1.11", "tokens only; ports: the helper" },
	{ "aws", "credential_process", "aws", NULL, "botocore 1.43", "an entry for each profile" },
	{ "gem", "GEM_HOST_API_KEY", NULL, "gem", "3.3", "to push; one account" },
	{ "swift", "netrc", NULL, "swift", "protocol", "R1 with ~/.netrc, or --gate" },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};

static void
add(struct vk_buf *b, const char *key, const char *value)
{
	vk_buf_str(b, ", ");
	if (value)
		vk_json_member(b, key, value);
	else
		vk_buf_fmt(b, "\"%s\": null", key);
}

static int
print_json(void)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(65536);

	vk_buf_char(&b, '[');
	for (const struct client *c = clients; c->name; c++) {
		vk_buf_str(&b, c == clients ? "\n  {" : ",\n  {");
		vk_json_member(&b, "client", c->name);
		add(&b, "channel", c->channel);
		add(&b, "setup", c->setup);
		add(&b, "recipe", c->recipe);
		add(&b, "verified", c->verified);
		add(&b, "note", c->note);
		vk_buf_char(&b, '}');
	}
	vk_buf_str(&b, "\n]\n");
	return b.err == VK_OK ? vk_stdout_text(b.p, b.len) : vk_msg_fail(b.err);
}

enum { COLUMNS = 6 };

static const char *
cell(const struct client *c, size_t column)
{
	const char *const cells[COLUMNS] = { c->name, c->channel, c->setup, c->recipe, c->verified, c->note };

	return cells[column] ? cells[column] : "";
}

static void
widen(struct vk_column *column, const char *text)
{
	size_t n = strlen(text);

	column->width = n > column->width ? n : column->width;
}

int
vk_clients_print(bool json)
{
	struct vk_column columns[COLUMNS] = { { "CLIENT", 0 }, { "CHANNEL", 0 }, { "SETUP", 0 }, { "RUN --WITH", 0 },
		{ "VERIFIED", 0 }, { "NOTE", 0 } };
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(65536);

	if (json)
		return print_json();
	for (const struct client *c = clients; c->name; c++)
		for (size_t i = 0; i < COLUMNS; i++)
			widen(&columns[i], cell(c, i));
	for (size_t i = 0; i < COLUMNS; i++)
		widen(&columns[i], columns[i].title);
	columns[COLUMNS - 1].width = 0;
	vk_rows_heading(&b, columns, COLUMNS);
	for (const struct client *c = clients; c->name; c++) {
		const char *cells[COLUMNS];

		for (size_t i = 0; i < COLUMNS; i++)
			cells[i] = cell(c, i);
		vk_rows_add(&b, columns, COLUMNS, cells);
	}
	return b.err == VK_OK ? vk_stdout_text(b.p, b.len) : vk_msg_fail(b.err);
}
