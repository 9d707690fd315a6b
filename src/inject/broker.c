/* SPDX-License-Identifier: ISC */
/* Our side of the broker. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "valetkey/io.h"
#include "valetkey/store.h"
#include "crypto/crypto.h"
#include "broker.h"

enum vk_err
vk_broker_serve(struct vk_broker *b, struct vk_kitchen *k, const struct vk_recipe *r)
{
	struct vk_broker_tool *t = &b->tools[b->n_tools];
	bool known = false;
	enum vk_err e;

	if (b->n_tools == VK_BROKER_TOOLS)
		return vk_fail(VK_ELIMIT, "a run serves at most %d tools that ask", VK_BROKER_TOOLS);
	if ((e = vk_recipe_select(k, r, &t->taken)) != VK_OK)
		return e;
	t->name = r->tool ? r->tool : r->name;
	/* Tools that ask as the same one take the same. */
	for (size_t i = 0; i < b->n_tools; i++)
		known |= strcmp(b->tools[i].name, t->name) == 0;
	if (t->taken.n == 0 || known) {
		e = t->taken.n == 0 ? VK_ENOENT : VK_OK;
		free(t->taken.v);
		t->taken = (struct vk_cred_list){ 0 };
		return e;
	}
	b->n_tools++;
	return VK_OK;
}

static enum vk_err
random_hex(char *out, size_t digits)
{
	unsigned char bytes[VK_BROKER_NONCE / 2];
	enum vk_err e = vk_random(bytes, sizeof(bytes));

	for (size_t i = 0; e == VK_OK && i < digits; i += 2)
		snprintf(out + i, 3, "%02x", bytes[i / 2]);
	return e;
}

static enum vk_err
ask(struct vk_broker *b, struct vk_note *n)
{
	enum vk_err e = vk_note_send(b->child.sock, n);

	vk_note_clear(n);
	if (e == VK_OK)
		e = vk_note_recv_soon(b->child.sock, n);
	if (e == VK_OK && n->code != VK_OK)
		e = vk_fail((enum vk_err)n->code, "%s", n->text);
	return e;
}

/* Neither a refresh token nor whose entry it is goes along. */
static enum vk_err
give(struct vk_broker *b, const struct vk_cred *c, long tools)
{
	VK_CLEANUP(vk_payload_clear) struct vk_payload p = { 0 };
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	struct vk_cred plain = *c;
	enum vk_err e;

	plain.refresh = plain.extra = (struct vk_secret){ NULL, 0 };
	n.code = VK_BROKER_GIVE;
	n.value = tools;
	if ((e = vk_cred_encode(&plain, &p)) != VK_OK || (e = vk_note_send(b->child.sock, &n)) != VK_OK)
		return e;
	if (send(b->child.sock, p.p, p.n, MSG_NOSIGNAL) != (ssize_t)p.n)
		return vk_fail_errno("cannot tell the broker a credential");
	if ((e = vk_note_recv(b->child.sock, &n)) == VK_OK && n.code != VK_OK)
		e = vk_fail((enum vk_err)n.code, "%s", n.text);
	return e;
}

static long
takers(const struct vk_broker *b, const struct vk_cred *c)
{
	long bits = 0;

	for (size_t i = 0; i < b->n_tools; i++)
		for (size_t k = 0; k < b->tools[i].taken.n; k++)
			if (b->tools[i].taken.v[k] == c)
				bits |= 1L << i;
	return bits;
}

enum vk_err
vk_broker_start(struct vk_broker *b, const struct vk_cred_list *creds, const struct vk_policy_opts *policy)
{
	enum vk_err e = random_hex(b->nonce, VK_BROKER_NONCE);

	b->policy = policy;
	b->run = getpid();
	if (e == VK_OK)
		e = vk_child_start_policy(vk_broker_main, b, &b->child);
	/* The account that is the keystore's default comes before others of the same place. */
	for (unsigned flag = VK_CRED_DEFAULT, pass = 0; pass < 2; pass++, flag = 0)
		for (size_t i = 0; e == VK_OK && i < creds->n; i++)
			if ((creds->v[i]->flags & VK_CRED_DEFAULT) == flag && takers(b, creds->v[i]))
				e = give(b, creds->v[i], takers(b, creds->v[i]));
	return e;
}

static enum vk_err
bind_name(struct vk_broker *b, int fd)
{
	char name[VK_BROKER_NONCE + 1];
	struct sockaddr_un address;
	unsigned len;
	enum vk_err e = random_hex(name, VK_BROKER_NONCE);

	snprintf(b->place, sizeof(b->place), "@valetkey-%s", name);
	if (e == VK_OK)
		e = vk_broker_address(b->place, &address, &len);
	if (e == VK_OK && bind(fd, (struct sockaddr *)&address, len) < 0)
		e = vk_fail_errno("cannot name the broker's socket");
	return e;
}

/* In the ramfs, which is writable through its descriptor alone, so from within it. */
static enum vk_err
bind_file(struct vk_broker *b, const struct vk_rung1 *r, int fd)
{
	static const char file[] = "/broker";
	VK_CLEANUP(vk_closep) int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sockaddr_un address;
	unsigned len;
	bool bound;

	if (back < 0)
		return vk_fail_errno("cannot open the working directory");
	if (strlen(r->place) + sizeof(file) > sizeof(b->place))
		return vk_fail(VK_ELIMIT, "%s is too long a place for a socket", r->place);
	memcpy(b->place, r->place, strlen(r->place));
	memcpy(b->place + strlen(r->place), file, sizeof(file));
	if (vk_broker_address(b->place, &address, &len) != VK_OK)
		return vk_fail(VK_ELIMIT, "%s is too long a place for a socket", r->place);
	address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address.sun_path, file + 1, sizeof(file) - 1);
	if (fchdir(r->dir) < 0)
		return vk_fail_errno("cannot enter the directory of the run");
	bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	if (fchdir(back) < 0)
		return vk_fail_errno("cannot return to the working directory");
	/* A umask may have taken the owner's permission, which connect() wants. */
	if (!bound || fchmodat(r->dir, file + 1, 0600, 0) < 0)
		return vk_fail_errno("cannot name the broker's socket");
	return VK_OK;
}

enum vk_err
vk_broker_open(struct vk_broker *b, const struct vk_rung1 *r)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	enum vk_err e;

	if (fd < 0)
		return vk_fail_errno("cannot make a socket");
	n.code = VK_BROKER_LISTEN;
	n.fds[0] = fd;
	n.n_fds = 1;
	e = r ? bind_file(b, r, fd) : bind_name(b, fd);
	if (e == VK_OK && listen(fd, SOMAXCONN) < 0)
		e = vk_fail_errno("cannot listen for the helpers of this run");
	return e == VK_OK ? ask(b, &n) : e;
}

enum vk_err
vk_broker_variable(const struct vk_broker *b, struct vk_buf *out)
{
	return vk_buf_fmt(out, "%s:%s", b->nonce, b->place);
}

void
vk_broker_end(struct vk_broker *b, struct vk_broker_count *ret)
{
	VK_CLEANUP(vk_note_clear) struct vk_note n = VK_NOTE_INIT;

	*ret = (struct vk_broker_count){ 0 };
	n.code = VK_BROKER_END;
	if (b->child.pid > 0 && ask(b, &n) == VK_OK)
		memcpy(ret, n.text, sizeof(*ret));
	vk_child_stop(&b->child);
	for (size_t i = 0; i < b->n_tools; i++)
		free(b->tools[i].taken.v);
	b->n_tools = 0;
}
