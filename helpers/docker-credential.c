/* SPDX-License-Identifier: ISC */
/*
 * docker's credential helper protocol.  Everything that went wrong is said on stdout with exit
 * status 1: docker shows that, and reads two of the sentences.
 */
#include <string.h>
#include <unistd.h>

#include "valetkey/broker.h"
#include "valetkey/io.h"
#include "common.h"
#include "docker.h"

#ifndef VK_VERSION
#error "VK_VERSION comes from meson.build"
#endif

const struct vk_policy_opts vk_docker_opts = { .tool = "docker" };

/* Clients compare this one and go on without credentials. */
static const char not_found[] = "credentials not found in native keychain\n";

/* Write the whole reply to stdout; ${status}, or 1 when it cannot be written. */
static int
say(const char *text, size_t n, int status)
{
	return vk_write_full(STDOUT_FILENO, text, n) == VK_OK ? status : 1;
}

int
vk_docker_fail(enum vk_err e)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf b = VK_BUF(4096);

	vk_buf_str(&b, vk_helper_line(e));
	vk_buf_char(&b, '\n');
	return b.err == VK_OK ? say(b.p, b.len, 1) : 1;
}

enum vk_err
vk_docker_read_server(struct vk_docker_msg *m)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf in = VK_BUF(VK_MAX_INPUT);
	enum vk_err e = vk_helper_read(&in);

	return e == VK_OK ? vk_docker_parse_server(in.p ? in.p : "", in.len, m) : e;
}

/* Only a user name with a password can be said in this protocol. */
static bool
is_for(const struct vk_cred *c, const struct vk_scope *asked)
{
	return vk_docker_serves(&c->scope, asked) && c->kind == VK_KIND_BASIC && *c->username;
}

struct answer {
	const struct vk_scope *asked;
	struct vk_buf out;
};

static enum vk_err
answer(const struct vk_cred *c, void *arg)
{
	struct answer *a = arg;
	VK_CLEANUP(vk_freep) char *server = NULL;

	if (!is_for(c, a->asked))
		return VK_ENOENT;
	if (!(server = vk_docker_server(a->asked)))
		return VK_ENOMEM;
	return vk_docker_answer(server, c->username, &c->secret, &a->out);
}

static int
docker_get(void)
{
	VK_CLEANUP(vk_docker_msg_clear) struct vk_docker_msg m = { 0 };
	VK_CLEANUP(vk_scope_clear) struct vk_scope asked = { 0 };
	struct answer a = { &asked, VK_BUF_SECRET(VK_MAX_INPUT) };
	struct vk_query q = { &asked, NULL };
	enum vk_err e = vk_docker_read_server(&m);
	int status;

	if (e != VK_OK) {
		vk_helper_refused(NULL, &vk_docker_opts, NULL, e);
		return vk_docker_fail(e);
	}
	/* What is no server's name can have no entry: the same answer as for a stranger. */
	if (vk_docker_scope(m.server, &asked) == VK_EPROTO) {
		vk_helper_refused(NULL, &vk_docker_opts, NULL, VK_EPROTO);
		return say(not_found, sizeof(not_found) - 1, 1);
	}
	if (!asked.host)
		return vk_docker_fail(VK_ENOMEM);
	e = vk_helper_answer(&vk_docker_opts, &q, answer, &a);
	if (e == VK_ENOENT)
		status = say(not_found, sizeof(not_found) - 1, 1);
	else
		status = e == VK_OK ? say(a.out.p, a.out.len, 0) : vk_docker_fail(e);
	vk_buf_clear(&a.out);
	return status;
}

enum vk_err
vk_docker_open_store(struct vk_policy **p, struct vk_store **ret_store)
{
	enum vk_err e = vk_policy_open(NULL, p);

	if (e == VK_OK && !vk_policy_has_store(*p))
		return VK_ENOENT;
	return e == VK_OK ? vk_policy_store(*p, ret_store) : e;
}

struct servers {
	struct vk_scope *v;
	size_t n;
};

static void
servers_clear(struct servers *s)
{
	for (size_t i = 0; i < s->n; i++)
		vk_scope_clear(&s->v[i]);
	free(s->v);
}

static enum vk_err
note_server(const struct vk_cred *c, void *arg)
{
	struct servers *s = arg;
	struct vk_scope *v;
	enum vk_err e;

	if (!(c->flags & VK_CRED_DOCKER))
		return VK_OK;
	if (!(v = reallocarray(s->v, s->n + 1, sizeof(*v))))
		return VK_ENOMEM;
	s->v = v;
	if ((e = vk_scope_copy(&c->scope, &s->v[s->n])) == VK_OK)
		s->n++;
	return e;
}

/* docker asks "get" for all that is listed, and gives up on all when one of them fails. */
static enum vk_err
list_one(struct vk_policy *p, const struct vk_scope *scope, struct vk_buf *out)
{
	VK_CLEANUP(vk_cred_freep) struct vk_cred *c = NULL;
	VK_CLEANUP(vk_freep) char *server = NULL;
	struct vk_query q = { scope, NULL };
	enum vk_err e = vk_policy_find(p, &q, &c);

	if (e != VK_OK)
		return e == VK_ENOENT ? VK_OK : e;
	if (!is_for(c, scope))
		return VK_OK;
	if (!(server = vk_docker_server(scope)))
		return VK_ENOMEM;
	return vk_docker_list_add(server, c->username, out);
}

static int
docker_list(void)
{
	VK_CLEANUP(vk_policy_closep) struct vk_policy *p = NULL;
	VK_CLEANUP(servers_clear) struct servers servers = { NULL, 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF(64u * 1024 * 1024);
	struct vk_store *st;
	enum vk_err e = vk_docker_open_store(&p, &st);

	if (e == VK_OK)
		e = vk_store_each(st, NULL, note_server, &servers);
	else if (e == VK_ENOENT)
		e = VK_OK;
	for (size_t i = 0; e == VK_OK && i < servers.n; i++)
		e = list_one(p, &servers.v[i], &out);
	if (e == VK_OK)
		e = vk_docker_list_end(&out);
	return e == VK_OK ? say(out.p, out.len, 0) : vk_docker_fail(e);
}

static bool
is_of_the_keystore(const char *action)
{
	return strcmp(action, "store") == 0 || strcmp(action, "erase") == 0 || strcmp(action, "list") == 0;
}

/*
 * A run has nothing that docker put there or could change.  It is told so for "store", or a login would seem to have
 * worked.
 */
static int
in_run(const char *action)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf in = VK_BUF_SECRET(VK_MAX_INPUT);

	if (strcmp(action, "list") == 0)
		return say("{}\n", 3, 0);
	/* Read even so: who still writes would be ended by a closed pipe. */
	if (vk_helper_read(&in) == VK_OK && strcmp(action, "erase") == 0)
		return 0;
	return vk_docker_fail(vk_fail(VK_EPOLICY, "inside valetkey run nothing is stored: log in before it"));
}

int
vk_docker_credential(int argc, char **argv)
{
	static const char usage[] =
	    "usage: docker-credential-valetkey store|get|erase|list|version\n";
	static const char version[] = "docker-credential-valetkey (valetkey) " VK_VERSION "\n";
	const char *action = argc == 2 ? argv[1] : "";

	if (argc != 2)
		return say(usage, sizeof(usage) - 1, 1);
	if (strcmp(action, "get") == 0)
		return docker_get();
	if (vk_broker_where() && is_of_the_keystore(action))
		return in_run(action);
	if (strcmp(action, "store") == 0)
		return vk_docker_store();
	if (strcmp(action, "erase") == 0)
		return vk_docker_erase();
	if (strcmp(action, "list") == 0)
		return docker_list();
	if (strcmp(action, "version") == 0 || strcmp(action, "--version") == 0 ||
	    strcmp(action, "-v") == 0)
		return say(version, sizeof(version) - 1, 0);
	if (strcmp(action, "--help") == 0 || strcmp(action, "-h") == 0)
		return say(usage, sizeof(usage) - 1, 0);
	return vk_docker_fail(vk_fail(VK_EUSAGE, "docker-credential-valetkey: unknown action: %s", action));
}
