/* SPDX-License-Identifier: ISC */
/* Keys for Amazon's services. */
#include <string.h>
#include <unistd.h>

#include "aws.h"
#include "identity.h"
#include "proto/xml.h"
#include "valetkey/source.h"

static const char sts[] = "AWS STS", agent[] = "the container's credential agent";
static const char imds[] = "the metadata service of EC2";

void
vk_aws_keys_clear(struct vk_aws_keys *k)
{
	vk_secret_clear(&k->id);
	vk_secret_clear(&k->secret);
	vk_secret_clear(&k->token);
}

const char *
vk_aws_domain(const char *region)
{
	return vk_str_starts(region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

void
vk_aws_login_known(struct vk_ask *a)
{
	static const char *const names[] = { "access-key", "secret-key", "session-token", "role-arn", "session-name",
		"sts-endpoint", "metadata-endpoint", "metadata-disabled", "container-uri", "container-path",
		"container-token", "container-token-file" };

	for (size_t i = 0; i < VK_COUNT(names); i++)
		(void)!vk_ask_get(a, names[i]);
	(void)!vk_identity_have(a);
}

static enum vk_err
from_settings(struct vk_ask *a, const char *id, struct vk_aws_keys *ret)
{
	enum vk_err e = vk_ask_secret(a, "secret-key", &ret->secret);

	if (e == VK_OK)
		e = vk_ask_secret(a, "session-token", &ret->token);
	if (e != VK_OK)
		return e;
	if (!ret->secret.p || !vk_cloud_is_word(id, ""))
		return vk_fail(VK_EPROTO, "access-key and secret-key go together; the former is of letters and digits");
	return vk_secret_set(&ret->id, id, strlen(id));
}

/* The text of the element ${name}. */
static enum vk_err
element(const struct vk_buf *xml, const char *name, struct vk_secret *ret)
{
	struct vk_xml x = { .text = xml->p ? xml->p : "", .n = xml->len };
	bool inside = false;
	enum vk_err e;

	while ((e = vk_xml_next(&x)) == VK_OK && x.kind != VK_XML_END) {
		if (inside && x.kind == VK_XML_TEXT) {
			VK_CLEANUP(vk_secret_clear) struct vk_secret text = { NULL, 0 };

			e = vk_secret_set(&text, x.text + x.start, x.at - x.start);
			return e == VK_OK ? vk_cloud_token(sts, text.p, ret) : e;
		}
		inside = x.kind == VK_XML_OPEN && vk_xml_is(x.name, name);
	}
	return vk_cloud_strange(sts);
}

/* https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html; it needs no signature. */
static enum vk_err
assume_role(struct vk_ask *a, const char *region, const struct vk_server_tls *tls, const char *role,
    const struct vk_secret *jwt, struct vk_aws_keys *ret)
{
	VK_CLEANUP(vk_http_answer_clear) struct vk_http_answer answer = VK_HTTP_ANSWER;
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(2048), form = VK_BUF_SECRET(VK_CLOUD_TOKEN_MAX);
	const char *endpoint = vk_cloud_setting(a, "sts-endpoint", NULL);
	struct vk_http h = { .method = "POST", .again = true, .tls = *tls,
		.headers = { "Content-Type: application/x-www-form-urlencoded" } };
	enum vk_err e = endpoint ? vk_http_url(&url, endpoint, "/") :
	    vk_buf_fmt(&url, "https://sts.%s.%s/", region, vk_aws_domain(region));

	vk_buf_str(&form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
	vk_cloud_form(&form, "RoleArn", role);
	vk_cloud_form(&form, "RoleSessionName", vk_cloud_setting(a, "session-name", "valetkey"));
	if (e == VK_OK)
		e = vk_cloud_form(&form, "WebIdentityToken", jwt->p);
	if (e != VK_OK)
		return e;
	h.url = url.p;
	h.body = form.p;
	h.n_body = form.len;
	e = vk_cloud_do(sts, &h, &answer);
	if (e == VK_OK)
		e = element(&answer.body, "AccessKeyId", &ret->id);
	if (e == VK_OK)
		e = element(&answer.body, "SecretAccessKey", &ret->secret);
	if (e == VK_OK)
		e = element(&answer.body, "SessionToken", &ret->token);
	return e == VK_ENOENT ? VK_EBACKEND : e;
}

/* What agents and the metadata service answer. */
static enum vk_err
take(const char *who, const json_t *j, struct vk_aws_keys *ret)
{
	enum vk_err e = vk_cloud_token(who, vk_cloud_member(j, "AccessKeyId"), &ret->id);

	if (e == VK_OK && !vk_cloud_is_word(ret->id.p, ""))
		e = vk_cloud_strange(who);
	if (e == VK_OK)
		e = vk_cloud_token(who, vk_cloud_member(j, "SecretAccessKey"), &ret->secret);
	if (e == VK_OK)
		e = vk_cloud_token(who, vk_cloud_member(j, "Token"), &ret->token);
	return e;
}

/* https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */
static enum vk_err
from_container(struct vk_ask *a, const char *uri, struct vk_aws_keys *ret)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret token = { NULL, 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf header = VK_BUF_SECRET(VK_CLOUD_TOKEN_MAX);
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	const char *file = vk_cloud_setting(a, "container-token-file", NULL);
	struct vk_http h = { .method = "GET", .url = uri, .again = true, .metadata = true };
	enum vk_err e = file ? vk_source_file(file, &token) : vk_ask_secret(a, "container-token", &token);

	if (e == VK_OK && token.p) {
		vk_buf_str(&header, "Authorization: ");
		e = vk_buf_add(&header, token.p, token.n);
		h.headers[0] = header.p;
	}
	if (e == VK_OK && (e = vk_cloud_login(agent, &h, &j)) == VK_OK)
		e = take(agent, j, ret);
	return e;
}

/* The metadata service answers text: one word. */
static enum vk_err
ask_imds(const char *endpoint, const char *method, const char *path, const char *header, struct vk_secret *ret)
{
	VK_CLEANUP(vk_http_answer_clear) struct vk_http_answer answer = VK_HTTP_ANSWER;
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(2048);
	struct vk_http h = { .method = method, .again = true, .metadata = true,
		.headers = { header, "Content-Type:" } };
	enum vk_err e = vk_http_url(&url, endpoint, "/latest/%s", path);

	h.url = url.p;
	if (e == VK_OK)
		e = vk_cloud_do(imds, &h, &answer);
	if (e == VK_OK)
		e = vk_cloud_token(imds, answer.body.p, ret);
	return e == VK_ENOENT ? VK_EBACKEND : e;
}

/* https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html */
static enum vk_err
from_machine(struct vk_ask *a, struct vk_aws_keys *ret)
{
	static const char path[] = "meta-data/iam/security-credentials/";
	const char *endpoint = vk_cloud_setting(a, "metadata-endpoint", "http://169.254.169.254");
	VK_CLEANUP(vk_secret_clear) struct vk_secret token = { NULL, 0 }, role = { NULL, 0 };
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(2048), header = VK_BUF_SECRET(VK_CLOUD_TOKEN_MAX);
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	struct vk_http h = { .method = "GET", .again = true, .metadata = true };
	enum vk_err e;

	if (vk_str_ieq(vk_cloud_setting(a, "metadata-disabled", "false"), "true"))
		e = vk_fail(VK_EBACKEND, "%s is not asked: metadata-disabled, or AWS_EC2_METADATA_DISABLED", imds);
	else
		e = ask_imds(endpoint, "PUT", "api/token", "X-aws-ec2-metadata-token-ttl-seconds: 300", &token);
	if (e != VK_OK) {
		vk_fail(e, "no keys: no access-key, no role-arn with an identity token, no container; %s", vk_reason());
		return e;
	}
	vk_buf_str(&header, "X-aws-ec2-metadata-token: ");
	if ((e = vk_buf_add(&header, token.p, token.n)) == VK_OK)
		e = ask_imds(endpoint, "GET", path, header.p, &role);
	if (e == VK_OK && (e = vk_http_url(&url, endpoint, "/latest/%s", path)) == VK_OK)
		e = vk_http_path(&url, role.p);
	if (e != VK_OK)
		return e;
	h.url = url.p;
	h.headers[0] = header.p;
	if ((e = vk_cloud_login(imds, &h, &j)) == VK_OK)
		e = take(imds, j, ret);
	return e;
}

enum vk_err
vk_aws_login(struct vk_ask *a, const char *region, const struct vk_server_tls *tls, struct vk_aws_keys *ret)
{
	VK_CLEANUP(vk_secret_clear) struct vk_secret jwt = { NULL, 0 };
	const char *id = vk_cloud_setting(a, "access-key", NULL), *role = vk_cloud_setting(a, "role-arn", NULL);
	const char *path = vk_cloud_setting(a, "container-path", NULL);
	const char *uri = vk_cloud_setting(a, "container-uri", NULL);
	VK_CLEANUP(vk_buf_clear) struct vk_buf url = VK_BUF(2048);
	enum vk_err e;

	if (id)
		return from_settings(a, id, ret);
	if (role && vk_identity_have(a)) {
		if ((e = vk_identity_token(a, "sts.amazonaws.com", &jwt)) != VK_OK)
			return e;
		return assume_role(a, region, tls, role, &jwt, ret);
	}
	if (path)
		uri = vk_http_url(&url, "http://169.254.170.2", "%s", path) == VK_OK && *path == '/' ? url.p : "";
	return uri ? from_container(a, uri, ret) : from_machine(a, ret);
}
