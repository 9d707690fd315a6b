/* SPDX-License-Identifier: ISC */
/*
 * transfer.h - what small requests (http.c) and the fetching of files (fetch.c) have in common: the clock, the pauses,
 * and how every handle of libcurl is set up.
 */
#ifndef VK_BACK_TRANSFER_H
#define VK_BACK_TRANSFER_H

#include <curl/curl.h>

#include "http.h"

/** vk_http_start(seconds): Start libcurl, which wipes what it frees, and the clock; vk_http_end() ends both. */
enum vk_err vk_http_start(long seconds) VK_MUST;

/** vk_http_left_ms(): How much of the time is left; 0 or less: none. */
int64_t vk_http_left_ms(void) VK_MUST;

/**
 * vk_http_pause(tries, wait_ms):
 * Sleep before another try: ${wait_ms} as the server says, or with -1 longer with each of ${tries}, by chance, so that
 * many do not come back together.  false, at once: the time would be over by then.
 */
bool vk_http_pause(unsigned tries, int64_t wait_ms) VK_MUST;

/** vk_http_wait_ms(c): What the server's Retry-After says; -1: there was none. */
int64_t vk_http_wait_ms(CURL *c) VK_MUST;

/** vk_http_set(c, url, tls, why): No redirects, no .netrc, what time is left; ${why} has CURL_ERROR_SIZE bytes. */
void vk_http_set(CURL *c, const char *url, const struct vk_server_tls *tls, char *why);

/** vk_http_not_sent(c, code): Has the server seen nothing of it?  Then it may be tried again, whatever it asks for. */
bool vk_http_not_sent(CURL *c, CURLcode code) VK_MUST;

/** vk_http_broke_off(code): Did the network end it?  Then what may be sent twice may be tried again. */
bool vk_http_broke_off(CURLcode code) VK_MUST;

/** vk_http_header(line, n, name, ret_n): The value of header ${name}, without blanks around it; NULL: it is another. */
const char *vk_http_header(const char *line, size_t n, const char *name, size_t *ret_n) VK_MUST;

#endif
