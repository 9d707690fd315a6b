/* SPDX-License-Identifier: ISC */
/*
 * aws.h - requests to Amazon's services: which keys (aws_login.c), how these sign (aws_sign.c), what is asked (aws.c).
 */
#ifndef VK_BACK_AWS_H
#define VK_BACK_AWS_H

#include "cloud.h"

struct vk_aws_keys {
	struct vk_secret id, secret;
	struct vk_secret token; /* of a session; absent for keys that last */
};

void vk_aws_keys_clear(struct vk_aws_keys *k);

/**
 * vk_aws_domain(region): "amazonaws.com", or where that region's partition is.  Static.
 *
 * vk_aws_login_known(a): Look at all settings of a login (vk_ask_all_used()).
 *
 * vk_aws_login(a, region, tls, ret):
 * The settings access-key, secret-key and session-token; else those of the role "role-arn" for an identity token
 * (identity.h), by STS; else those that a container's agent gives out, else those of the machine's metadata service
 * (v2).
 */
const char *vk_aws_domain(const char *region) VK_MUST;
void vk_aws_login_known(struct vk_ask *a);
enum vk_err vk_aws_login(struct vk_ask *a, const char *region, const struct vk_server_tls *tls, struct vk_aws_keys *ret)
    VK_MUST;

/* A request that is to be signed.  Its path has no characters to encode; its query is sorted and encoded. */
struct vk_aws_request {
	const char *service, *region;
	const char *method, *url;
	const char *type;   /* Content-Type; NULL: none */
	const char *target; /* X-Amz-Target; NULL: none */
	const char *body;   /* "": none */
};

/* Its headers, each whole; of no use any more after some minutes. */
struct vk_aws_headers {
	struct vk_buf host, date, token, authorization, type, target;
};

#define VK_AWS_HEADERS                                                                          \
	{ VK_BUF(1024), VK_BUF(64), VK_BUF_SECRET(VK_CLOUD_TOKEN_MAX), VK_BUF_SECRET(2048),     \
	  VK_BUF(128), VK_BUF(128) }

void vk_aws_headers_clear(struct vk_aws_headers *h);

/**
 * vk_aws_sign(k, r, now, ret):
 * Signature version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
 * Not libcurl's own: where that sorts the fields of a query, "domain-owner=" comes before "domain=".
 */
enum vk_err vk_aws_sign(const struct vk_aws_keys *k, const struct vk_aws_request *r, int64_t now,
    struct vk_aws_headers *ret) VK_MUST;

#endif
