/* SPDX-License-Identifier: ISC */
#include <malloc.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "transfer.h"

enum { FIRST_PAUSE_MS = 200, PAUSE_MAX_MS = 5000, CONNECT_MS = 10000, WAIT_MAX_S = 1000000 };

static int64_t deadline; /* of vk_now_ms() */

int64_t
vk_http_left_ms(void)
{
	return deadline - vk_now_ms();
}

void
vk_http_allow(int ms)
{
	deadline = vk_now_ms() + ms;
}

/* What libcurl copies, headers with tokens among it, is not left in its heap. */
void
vk_wiping_free(void *p)
{
	if (p)
		vk_wipe(p, malloc_usable_size(p));
	free(p);
}

void *
vk_wiping_realloc(void *p, size_t n)
{
	size_t had = p ? malloc_usable_size(p) : 0;
	void *fresh = malloc(n > 0 ? n : 1);

	if (!fresh)
		return NULL;
	if (p)
		memcpy(fresh, p, had < n ? had : n);
	vk_wiping_free(p);
	return fresh;
}

enum vk_err
vk_http_start(long seconds)
{
	deadline = vk_now_ms() + seconds * 1000;
	/* The TLS library frees its buffers, with what it has decrypted, as they are: the C library overwrites them. */
#ifdef M_PERTURB
	mallopt(M_PERTURB, 0x5a);
#endif
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, vk_wiping_free, vk_wiping_realloc, strdup, calloc) !=
	    CURLE_OK)
		return vk_fail(VK_EBACKEND, "libcurl cannot be started");
	return VK_OK;
}

void
vk_http_end(void)
{
	curl_global_cleanup();
}

static const char *
first_of(const char *a, const char *b)
{
	const char *v = getenv(a);

	if (!v || !*v)
		v = getenv(b);
	return v && *v ? v : NULL;
}

static void
set_tls(CURL *c, const struct vk_server_tls *tls)
{
	const char *ca = tls->ca ? tls->ca : first_of("CURL_CA_BUNDLE", "SSL_CERT_FILE");
	const char *dir = getenv("SSL_CERT_DIR");

	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, ca);
	/* A server's own authority is all that vouches for it. */
	if (tls->ca)
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	else if (dir && *dir)
		curl_easy_setopt(c, CURLOPT_CAPATH, dir);
	if (tls->certificate) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, tls->certificate);
		curl_easy_setopt(c, CURLOPT_SSLKEY, tls->key ? tls->key : tls->certificate);
	}
}

void
vk_http_set(CURL *c, const char *url, const struct vk_server_tls *tls, char *why)
{
	int64_t left = vk_http_left_ms();

	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "valetkey/" VK_VERSION);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(left > 1 ? left : 1));
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* A resolver that hangs is not waited for. */
	curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
#endif
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	set_tls(c, tls);
}

int64_t
vk_http_wait_ms(CURL *c)
{
	curl_off_t s = 0;

	if (curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &s) != CURLE_OK || s <= 0)
		return -1;
	return (int64_t)(s < WAIT_MAX_S ? s : WAIT_MAX_S) * 1000;
}

bool
vk_http_not_sent(CURL *c, CURLcode code)
{
	curl_off_t sent_after = 0;

	if (code == CURLE_OPERATION_TIMEDOUT)
		return curl_easy_getinfo(c, CURLINFO_PRETRANSFER_TIME_T, &sent_after) == CURLE_OK && sent_after == 0;
	return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
	    code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR;
}

bool
vk_http_broke_off(CURLcode code)
{
	return code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
	    code == CURLE_PARTIAL_FILE || code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM;
}

bool
vk_http_pause(unsigned tries, int64_t wait_ms)
{
	int64_t most = FIRST_PAUSE_MS << (tries < 8 ? tries : 8), ms = wait_ms;
	uint32_t chance = 0;

	if (most > PAUSE_MAX_MS)
		most = PAUSE_MAX_MS;
	if (wait_ms < 0 && getrandom(&chance, sizeof(chance), 0) >= 0)
		ms = most / 2 + chance % (most / 2);
	if (ms >= vk_http_left_ms())
		return false;
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
	return true;
}

const char *
vk_http_header(const char *line, size_t n, const char *name, size_t *ret_n)
{
	size_t at = strlen(name);

	if (n <= at || line[at] != ':' || vk_str_ifind(line, at, name) != line)
		return NULL;
	for (at++; at < n && (line[at] == ' ' || line[at] == '\t'); at++)
		;
	while (n > at && strchr("\r\n \t", line[n - 1]))
		n--;
	*ret_n = n - at;
	return line + at;
}
