/* SPDX-License-Identifier: ISC */
/* Finding credentials in JSON, INI, TOML and XML files of tools. */
#include <string.h>

#include "proto/json.h"
#include "cli/doctor.h"

/* docker's config.json and containers-auth.json(5): "auths" maps a registry to what it wants. */
void
vk_doctor_scan_docker(struct vk_doctor *d, const char *path, const char *text, size_t n)
{
	static const char *const secrets[] = { "auth", "password", "identitytoken", "registrytoken" };
	VK_CLEANUP(vk_json_freep) json_t *j = NULL;
	const char *host;
	json_t *entry;

	vk_json_init();
	if (!(j = json_loadb(text, n, 0, NULL)))
		return;
	json_object_foreach(json_object_get(j, "auths"), host, entry)
		for (size_t i = 0; i < VK_COUNT(secrets); i++) {
			const char *v = json_string_value(json_object_get(entry, secrets[i]));

			if (!v || !*v)
				continue;
			d->at = memmem(text, n, host, strlen(host));
			vk_doctor_plaintext(d, path, host, strlen(host), secrets[i]);
		}
}

/* "key = value" lines of a file with [sections], where ${keys} hold secrets. */
static void
scan_sections(struct vk_doctor *d, const char *path, const char *text, size_t n,
    const char *const *keys, size_t n_keys)
{
	const char *section = "";
	size_t section_n = 0;

	for (const char *p = text, *end = text + n; p < end;) {
		size_t len = strcspn(p, "\n"), lead = strspn(p, " \t");
		const char *s = p + lead;

		if (*s == '[') {
			section = s + 1;
			section_n = strcspn(section, "]\n");
		}
		for (size_t i = 0; i < n_keys; d->at = NULL, i++) {
			const char *v = s + strlen(keys[i]);

			if (!vk_str_starts(s, keys[i]))
				continue;
			v += strspn(v, " \t");
			if (*v != '=' && *v != ':')
				continue;
			v += 1 + strspn(v + 1, " \t\"'");
			d->at = s;
			if (*v && !strchr("\r\n", *v))
				vk_doctor_plaintext(d, path, section, section_n, keys[i]);
		}
		p += len + 1;
	}
}

void
vk_doctor_scan_pypirc(struct vk_doctor *d, const char *path, const char *text, size_t n)
{
	static const char *const keys[] = { "password" };

	scan_sections(d, path, text, n, keys, VK_COUNT(keys));
}

void
vk_doctor_scan_cargo(struct vk_doctor *d, const char *path, const char *text, size_t n)
{
	static const char *const keys[] = { "token", "secret-key" };

	scan_sections(d, path, text, n, keys, VK_COUNT(keys));
}

/* The text of the first element ${tag} within ${n} bytes; its length, 0 when there is none. */
static size_t
element(const char *s, size_t n, const char *tag, const char **ret_text)
{
	const char *open = memmem(s, n, tag, strlen(tag)), *close;

	if (!open)
		return 0;
	open += strlen(tag);
	close = memchr(open, '<', n - (size_t)(open - s));
	while (close && open < close && strchr(" \t\r\n", *open))
		open++;
	while (close && close > open && strchr(" \t\r\n", close[-1]))
		close--;
	*ret_text = open;
	return close ? (size_t)(close - open) : 0;
}

/*
 * Maven's settings.xml: <server><id>ID</id>...<password>...  "{...}" is encrypted (with a key that is
 * often beside it, which is another story), "${...}" is in a variable.
 */
void
vk_doctor_scan_maven(struct vk_doctor *d, const char *path, const char *text, size_t n)
{
	static const char *const tags[] = { "<password>", "<passphrase>" };

	for (const char *p = text, *end = text + n; p < end && (p = strstr(p, "<")); p++) {
		const char *close, *id = "", *v;
		size_t len, id_n;

		if (vk_str_starts(p, "<!--")) {
			close = strstr(p, "-->");
			p = close ? close : end - 1;
			continue;
		}
		if (!vk_str_starts(p, "<server>") || !(close = strstr(p, "</server>")))
			continue;
		len = (size_t)(close - p);
		id_n = element(p, len, "<id>", &id);
		for (size_t i = 0; i < VK_COUNT(tags); i++) {
			if (element(p, len, tags[i], &v) == 0 || *v == '{' || vk_str_starts(v, "${"))
				continue;
			d->at = v;
			vk_doctor_plaintext(d, path, id, id_n, i == 0 ? "password" : "passphrase");
		}
		p = close;
	}
}
