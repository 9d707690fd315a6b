/* SPDX-License-Identifier: ISC */
/* Which files of a saved image are its layers, and which command made each. */
#include <string.h>

#include "valetkey/scan.h"
#include "json.h"

enum {
	MEMBERS_MAX = 65536, /* of one document */
	FILES_MAX = 4096,
	NESTED_MAX = 4,      /* an index may name indexes */
	INDEXES_MAX = 256,  /* documents that are read in all */
};

struct image_reader {
	const struct vk_image_source *source;
	struct vk_image *image;
	unsigned documents;
};

static enum vk_err
document(struct image_reader *r, const char *name, json_t **ret)
{
	size_t n = 0;
	const char *text = r->documents++ < INDEXES_MAX ? r->source->get(name, &n, r->source->arg) : NULL;
	enum vk_err e = text ? vk_json_parse_large(text, n, MEMBERS_MAX, ret) : VK_ENOENT;

	if (e != VK_OK)
		vk_reason_clear();
	return e == VK_ENOMEM ? e : e == VK_OK ? VK_OK : VK_ENOENT;
}

static const char *
string_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static bool
is_listed(const struct vk_image *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->v[i].name, name) == 0)
			return true;
	return false;
}

static enum vk_err
add_file(struct vk_image *m, const char *name, const char *digest, const char *command, size_t index, size_t of)
{
	struct vk_image_file f = { .index = (unsigned)index, .of = (unsigned)of }, *v;

	/* Layers that images share are named after the first. */
	if (m->n == FILES_MAX || *name == '\0' || is_listed(m, name))
		return VK_OK;
	if (!(v = reallocarray(m->v, m->n + 1, sizeof(*v))))
		return VK_ENOMEM;
	m->v = v;
	f.name = vk_strdup(name);
	f.digest = vk_strdup(digest);
	f.command = vk_strdup(command);
	if (!f.name || !f.digest || !f.command) {
		free(f.name);
		free(f.digest);
		free(f.command);
		return VK_ENOMEM;
	}
	m->v[m->n++] = f;
	return VK_OK;
}

/* The command of the next layer; ${at} moves on, over entries of the history that made none. */
static const char *
next_command(const json_t *config, size_t *at)
{
	const json_t *history = json_object_get(config, "history");

	while (*at < json_array_size(history)) {
		const json_t *h = json_array_get(history, (*at)++);

		if (!json_is_true(json_object_get(h, "empty_layer")))
			return string_of(h, "created_by");
	}
	return "";
}

/* "sha256:0123" is the file blobs/sha256/0123; NULL when it is no digest. */
static char *
blob_name(const char *digest)
{
	const char *colon = strchr(digest, ':');
	size_t n = colon ? (size_t)(colon - digest) : 0;

	if (n == 0 || n > 32 || strchr(digest, '/') || strlen(digest) > 256)
		return NULL;
	return vk_asprintf("blobs/%.*s/%s", (int)n, digest, colon + 1);
}

static enum vk_err
docker_image(struct image_reader *r, const json_t *image)
{
	VK_CLEANUP(vk_json_freep) json_t *config = NULL;
	const json_t *layers = json_object_get(image, "Layers"), *ids;
	const char *name = string_of(image, "Config");
	size_t n = json_array_size(layers), history = 0;
	enum vk_err e = document(r, name, &config);

	if (e == VK_ENOMEM)
		return e;
	ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	e = add_file(r->image, name, "", "", 0, n);
	for (size_t i = 0; i < n && e == VK_OK; i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const char *file = json_string_value(json_array_get(layers, i));

		e = add_file(r->image, file ? file : "", id ? id : "", next_command(config, &history), i + 1, n);
	}
	return e;
}

static enum vk_err
docker_archive(struct image_reader *r)
{
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	enum vk_err e = document(r, "manifest.json", &j);

	for (size_t i = 0; e == VK_OK && i < json_array_size(j); i++)
		e = docker_image(r, json_array_get(j, i));
	return e;
}

static enum vk_err
oci_image(struct image_reader *r, const json_t *manifest)
{
	const json_t *layers = json_object_get(manifest, "layers");
	VK_CLEANUP(vk_freep) char *name = blob_name(string_of(json_object_get(manifest, "config"), "digest"));
	VK_CLEANUP(vk_json_freep) json_t *config = NULL;
	size_t n = json_array_size(layers), history = 0;
	enum vk_err e = name ? document(r, name, &config) : VK_OK;

	if (e == VK_ENOMEM)
		return e;
	e = add_file(r->image, name ? name : "", "", "", 0, n);
	for (size_t i = 0; i < n && e == VK_OK; i++) {
		const char *digest = string_of(json_array_get(layers, i), "digest");
		VK_CLEANUP(vk_freep) char *file = blob_name(digest);

		e = add_file(r->image, file ? file : "", digest, next_command(config, &history), i + 1, n);
	}
	return e;
}

static enum vk_err
oci_document(struct image_reader *r, const char *name, unsigned depth)
{
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	const json_t *manifests;
	enum vk_err e = document(r, name, &j);

	if (e != VK_OK)
		return e;
	if (json_object_get(j, "layers"))
		return oci_image(r, j);
	manifests = json_object_get(j, "manifests");
	for (size_t i = 0; i < json_array_size(manifests) && e == VK_OK && depth < NESTED_MAX; i++) {
		VK_CLEANUP(vk_freep) char *next = blob_name(string_of(json_array_get(manifests, i), "digest"));

		if (next && (e = oci_document(r, next, depth + 1)) == VK_ENOENT)
			e = VK_OK;
	}
	return e;
}

enum vk_err
vk_image_read(const struct vk_image_source *source, struct vk_image *ret)
{
	struct vk_image m = { 0 };
	struct image_reader r = { .source = source, .image = &m };
	enum vk_err docker = docker_archive(&r), oci = VK_ENOENT;

	if (docker != VK_ENOMEM)
		oci = oci_document(&r, "index.json", 0);
	if (docker == VK_ENOMEM || oci == VK_ENOMEM || m.n == 0) {
		vk_image_clear(&m);
		return docker == VK_ENOMEM || oci == VK_ENOMEM ? VK_ENOMEM : VK_ENOENT;
	}
	*ret = m;
	return VK_OK;
}

void
vk_image_clear(struct vk_image *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].name);
		free(m->v[i].digest);
		free(m->v[i].command);
	}
	free(m->v);
	*m = (struct vk_image){ 0 };
}
