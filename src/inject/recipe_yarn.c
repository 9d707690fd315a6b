/* SPDX-License-Identifier: ISC */
/*
 * Yarn 3 and later: a plugin, which YARN_PLUGINS names (Configuration.find() in @yarnpkg/core), asks the broker for the
 * field that a request to one of our places presents.  Yarn's own variables would do for one registry only, and it
 * sends YARN_NPM_AUTH_TOKEN to the registry of every scope that has no token of its own, whoever names that registry.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/json.h"
#include "valetkey/io.h"
#include "valetkey/proto.h"
#include "recipe.h"

static const char file_name[] = "yarn-plugin.cjs";

/*
 * Yarn 3 hands a hook copies of the request's parts, so the request is made anew; Yarn 4 hands it the request itself,
 * and wraps it in what knows of cached answers.  A path that servers may read as another one is asked for without
 * anything.
 */
static const char program_text[] =
    ";\n"
    "module.exports = {name: 'valetkey', factory: require => {\n"
    "  const {execFileSync} = require('child_process');\n"
    "  const {httpUtils, MessageName, ReportError, YarnVersion} = require('@yarnpkg/core');\n"
    "  const told = places.map(p => [new URL(p), p]).sort((a, b) => b[1].length - a[1].length);\n"
    "  const known = new Map();\n"
    "  const covers = (place, url) => place.origin === url.origin &&\n"
    "    (place.pathname === '/' || (url.pathname + '/').startsWith(place.pathname + '/'));\n"
    "  const ask = place => {\n"
    "    try {\n"
    "      const line = execFileSync(program, ['helper', 'yarn-header', place],\n"
    "        {encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']});\n"
    "      const at = line.indexOf(': ');\n"
    "      return {[line.slice(0, at).toLowerCase()]: line.slice(at + 2).replace(/\\n$/, '')};\n"
    "    } catch {\n"
    "      throw new ReportError(MessageName.AUTHENTICATION_NOT_FOUND, `valetkey gives no credential for ${place}`);\n"
    "    }\n"
    "  };\n"
    "  const field = target => {\n"
    "    const url = new URL(target);\n"
    "    const [, place] = told.find(([p]) => covers(p, url)) || [];\n"
    "    if (!place || /%2e|%5c|%2f\\.|\\.%2f/i.test(url.pathname))\n"
    "      return null;\n"
    "    if (!known.has(place))\n"
    "      known.set(place, ask(place));\n"
    "    return known.get(place);\n"
    "  };\n"
    "  return {hooks: {wrapNetworkRequest: async (executor, request) => {\n"
    "    const ours = field(request.target);\n"
    "    if (!ours || Object.entries(ours).every(([name, value]) => request.headers?.[name] === value))\n"
    "      return executor;\n"
    "    const {authorization, ...rest} = request.headers || {};\n"
    "    const headers = {...rest, ...ours};\n"
    "    if (YarnVersion.startsWith('3.'))\n"
    "      return () => httpUtils.request(request.target, request.body, {...request, headers});\n"
    "    request.headers = headers;\n"
    "    return executor;\n"
    "  }}};\n"
    "}};\n";

static enum vk_err
yarn_takes(struct vk_kitchen *k, const struct vk_cred *c, bool *ret)
{
	(void)k;
	*ret = strcmp(c->scope.scheme, "https") == 0 || strcmp(c->scope.scheme, "http") == 0;
	return VK_OK;
}

/* Two entries of one place: the default account answers, as everywhere. */
static enum vk_err
yarn_render(struct vk_kitchen *k, const struct vk_cred_list *taken, bool for_build, struct vk_buf *out)
{
	enum vk_err e;

	(void)for_build;
	if (k->rung == VK_RUNG_NONE)
		return vk_fail(VK_EUSAGE, "yarn-berry asks the broker of a run: there is no file to print");
	e = vk_recipe_self(k);
	vk_buf_str(out, "const program = ");
	if (e == VK_OK)
		e = vk_json_add_string(out, k->self, strlen(k->self));
	vk_buf_str(out, ", places = [");
	for (size_t i = 0; e == VK_OK && i < taken->n; i++) {
		VK_CLEANUP(vk_freep) char *url = vk_scope_url(&taken->v[i]->scope);

		if (!url)
			return VK_ENOMEM;
		vk_buf_str(out, i > 0 ? ", " : "");
		e = vk_json_add_string(out, url, strlen(url));
	}
	vk_buf_str(out, "]");
	return e == VK_OK ? vk_buf_str(out, program_text) : e;
}

static const char *
yarn_usual(struct vk_kitchen *k)
{
	(void)k;
	return NULL;
}

/* There is no secret in it, so the gate has nothing to keep. */
static enum vk_err
yarn_more(struct vk_kitchen *k, const struct vk_cred_list *taken)
{
	(void)taken;
	for (size_t i = 0; i < k->files.n; i++)
		if (strcmp(k->files.v[i].name, file_name) == 0)
			k->files.v[i].rule = VK_GATE_ALL;
	return VK_OK;
}

/* Node looks for a module's real path, which a memory file has not: on R2 it is a file until the run ends. */
static enum vk_err
write_litter(struct vk_kitchen *k, const struct vk_cred_list *taken)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf text = VK_BUF(VK_MAX_FILE);
	VK_CLEANUP(vk_closep) int fd = -1;
	const char *dir = getenv("TMPDIR");
	enum vk_err e = yarn_render(k, taken, false, &text);

	if (e != VK_OK)
		return e;
	if (!(k->litter = vk_asprintf("%s/valetkey-yarn.XXXXXX", dir && *dir == '/' ? dir : "/tmp")))
		return VK_ENOMEM;
	if ((fd = vk_litter_file(k->litter)) < 0) {
		free(VK_TAKE(k->litter));
		return vk_fail_errno("cannot make a file for Yarn's plugin");
	}
	return vk_write_full(fd, text.p, text.len);
}

static enum vk_err
yarn_lead(struct vk_kitchen *k, const struct vk_cred_list *taken, const char *path)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf value = VK_BUF(65536);
	const char *own = vk_environ_get(&k->env, "YARN_PLUGINS");
	enum vk_err e = k->rung == VK_RUNG_R2 ? write_litter(k, taken) : VK_OK;

	if (e != VK_OK)
		return e;
	path = k->litter ? k->litter : path;
	if (strchr(path, ';'))
		return vk_fail(VK_EPOLICY, "Yarn cannot be told of the plugin %s: its path holds a semicolon", path);
	vk_buf_fmt(&value, "%s%s%s", own && *own ? own : "", own && *own ? ";" : "", path);
	return value.err == VK_OK ? vk_environ_set(&k->env, "YARN_PLUGINS", value.p, value.len) : value.err;
}

const struct vk_recipe vk_recipe_yarn_berry = {
	.name = "yarn-berry",
	.asks = true,
	.file = file_name,
	.takes = yarn_takes,
	.render = yarn_render,
	.usual = yarn_usual,
	.more = yarn_more,
	.lead = yarn_lead,
};
