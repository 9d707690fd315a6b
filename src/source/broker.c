/* SPDX-License-Identifier: ISC */
/* The asking side of the broker. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "valetkey/broker.h"
#include "valetkey/io.h"
#include "valetkey/store.h"
#include "valetkey/unlock.h"

/* It is slow on purpose with who asks too often. */
enum { PATIENCE_S = 120 };

const char *
vk_broker_where(void)
{
	const char *where = getenv(VK_BROKER_VARIABLE);

	/* Who gave a key of his own to a process within the run wants that one's answers. */
	return where && *where && !vk_unlock_variable() ? where : NULL;
}

bool
vk_broker_within(void)
{
	const char *rung = getenv(VK_RUN_VARIABLE);

	return vk_broker_where() || (rung && *rung && !vk_unlock_variable());
}

enum vk_err
vk_broker_address(const char *place, struct sockaddr_un *ret, unsigned *ret_len)
{
	size_t n = strlen(place);

	if ((*place != '/' && *place != '@') || n < 2 || n >= sizeof(ret->sun_path))
		return vk_fail(VK_EPROTO, "%s is not what valetkey sets", VK_BROKER_VARIABLE);
	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	memcpy(ret->sun_path, place, n);
	if (*place == '@')
		ret->sun_path[0] = '\0';
	*ret_len = (unsigned)(offsetof(struct sockaddr_un, sun_path) + n + (*place == '/'));
	return VK_OK;
}

static enum vk_err
gone(void)
{
	return vk_fail(VK_EBACKEND, "the run that this belongs to has ended: nobody answers for it");
}

/* The caller closes ${ret_fd} in any case. */
static enum vk_err
reach(const char *place, int *ret_fd)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un address;
	unsigned len;
	enum vk_err e = vk_broker_address(place, &address, &len);
	int fd;

	if (e != VK_OK)
		return e;
	if ((fd = *ret_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) < 0)
		return vk_fail_errno("cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	while (connect(fd, (struct sockaddr *)&address, len) < 0)
		if (errno != EINTR)
			return gone();
	return VK_OK;
}

static void
field(struct vk_buf *b, const char *text)
{
	vk_buf_add(b, text, strlen(text) + 1);
}

static enum vk_err
question(const char *where, const char *verb, const char *tool, const struct vk_query *q, struct vk_buf *out)
{
	VK_CLEANUP(vk_freep) char *hostport = vk_scope_hostport(q->scope);

	if (!hostport)
		return VK_ENOMEM;
	field(out, "2");
	vk_buf_add(out, where, VK_BROKER_NONCE);
	vk_buf_char(out, '\0');
	field(out, verb);
	field(out, tool);
	field(out, q->scope->scheme);
	field(out, hostport);
	field(out, q->scope->path);
	if (q->username)
		field(out, q->username);
	return out->err;
}

static enum vk_err
read_answer(const unsigned char *p, size_t n, struct vk_cred **ret)
{
	enum vk_err e = (enum vk_err)p[0];

	if (e == VK_OK)
		return ret ? vk_cred_decode(p + 1, n - 1, ret) : VK_OK;
	if (e > VK_ESYS)
		return vk_fail(VK_EPROTO, "the broker of this run is of another version");
	return n > 1 ? vk_fail(e, "%.*s", (int)(n - 1), (const char *)p + 1) : e;
}

/* ${ret_cred} NULL: there is none to be given. */
static enum vk_err
ask(const char *where, const char *verb, const char *tool, const struct vk_query *q, struct vk_cred **ret_cred)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF(VK_BROKER_QUESTION);
	VK_CLEANUP(vk_arena_freep) unsigned char *in = NULL;
	VK_CLEANUP(vk_closep) int fd = -1;
	ssize_t n;
	enum vk_err e;
	char code;

	if (strlen(where) <= VK_BROKER_NONCE || where[VK_BROKER_NONCE] != ':')
		return vk_fail(VK_EPROTO, "%s is not what valetkey sets", VK_BROKER_VARIABLE);
	if ((e = question(where, verb, tool, q, &out)) != VK_OK ||
	    (e = reach(where + VK_BROKER_NONCE + 1, &fd)) != VK_OK)
		return e;
	/* Whoever is turned away at the door is told why before it can ask. */
	if (send(fd, out.p, out.len, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return gone();
	/* Its size first: what is taken from the arena is wiped, all of it. */
	n = recv(fd, &code, 1, MSG_PEEK | MSG_TRUNC);
	/* Where the question was not read we hear that first, once, and then the answer. */
	if (n < 0 && errno == ECONNRESET)
		n = recv(fd, &code, 1, MSG_PEEK | MSG_TRUNC);
	if (n < 1 || n > VK_BROKER_ANSWER)
		return gone();
	if (!(in = vk_arena_alloc((size_t)n)))
		return VK_ENOMEM;
	if (recv(fd, in, (size_t)n, 0) != n)
		return gone();
	return read_answer(in, (size_t)n, ret_cred);
}

enum vk_err
vk_broker_ask(const char *where, const char *tool, const struct vk_query *q, struct vk_cred **ret_cred)
{
	return ask(where, "get", tool, q, ret_cred);
}

enum vk_err
vk_broker_refused(const char *where, const char *tool, const struct vk_query *q)
{
	return ask(where, "refused", tool, q, NULL);
}
