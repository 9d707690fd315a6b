/* SPDX-License-Identifier: ISC */
/* The formats that are settings of a person, and read as a whole: .npmrc, docker's config.json, .pypirc. */
#include "import_util.h"

static void
test_npmrc(void **state)
{
	(void)state;
	reads("npmrc", "", "");
	reads("npmrc",
	    "registry=https://npm.example/\n@corp:registry = https://npm.example:8443/repo/\n"
	    "//npm.example:8443/repo/:_authToken = t0ken\nfund=false\n//other.example:_auth=\"dTpwOnE=\"\n"
	    "//pair.example/x/:_password=cGFzcw==\n//pair.example/x/:username=alice\n//pair.example/x/:email=a@b\n",
	    "3 https://npm.example:8443/repo Bearer'' 't0ken' @corp\n5 https://other.example 'u' 'p:q'\n"
	    "6 https://pair.example/x 'alice' 'pass'\n");
	/* the scheme is that of the registry which the file names there */
	reads("npmrc", "@a:registry=http://h:4873/\n//h:4873/:_authToken=t\n", "2 http://h:4873 Bearer'' 't' @a\n");
	/* a token first, as npm prefers it, and one with and without the slash is one */
	reads("npmrc", "//h/:_auth=dTpw\n//h:_authToken=t\n", "2 https://h Bearer'' 't'\n1 https://h 'u' 'p'\n");
	/* comments, escapes, and a dollar that npm leaves alone */
	reads("npmrc", "//h/:_authToken=a\\;b;c\n//i/:_authToken=x\\${Y}z\n//j/:_authToken=\"a\\\\b\" \n",
	    "1 https://h Bearer'' 'a;b'\n2 https://i Bearer'' 'x${Y}z'\n3 https://j Bearer'' 'a\\b'\n");
}

static void
test_npmrc_left(void **state)
{
	(void)state;
	reads("npmrc", "//h/:_authToken=${NPM_TOKEN}\n//i/:_authToken=a${B}\n//${H}/:_authToken=t\n",
	    "1 - //h/:_authToken: it names a variable, which holds the secret (no secret)\n"
	    "2 - //i/:_authToken: it names a variable, which holds the secret\n"
	    "3 - //${H}/:_authToken: a variable is in its registry\n");
	reads("npmrc", "_authToken=t\n//h/:_authToken=\n//h/:certfile=/x\n//h/:key=\"-----\"\n//h/:_authtoken=t\n",
	    "1 - _authToken: it names no registry, and npm reads it no more\n"
	    "2 - //h/:_authToken: it is empty (no secret)\n"
	    "3 - //h/:certfile: it names a file or a program (no secret)\n"
	    "4 - //h/:key: it is a credential of a kind that no entry can be\n"
	    "5 - //h/:_authtoken: it is a credential of a kind that no entry can be\n");
	reads("npmrc", "//h/:_authToken=a\n//h/:_authToken=b\n",
	    "1 - //h/:_authToken: it is given again below\n2 https://h Bearer'' 'b'\n");
	reads("npmrc",
	    "//h/:username=u\n//i/:_password=cA==\n//j/:_auth=dQ==\n//k/:_auth=!\n//l/:username=u\n"
	    "//l/:_password=!",
	    "1 - //h/:username: it has no _password beside it (no secret)\n"
	    "2 - //i/:_password: it has no username beside it\n"
	    "3 - //j/:_auth: it is not a user name and a password in base64\n"
	    "4 - //k/:_auth: it is not a user name and a password in base64\n"
	    "6 - //l/:_password: it is not base64\n");
	reads("npmrc", "//h/../:_authToken=t\n//:_authToken=t\n//h/:_authToken=\"a\\u001bb\"\n//i/:_auth=dTpwCg==\n",
	    "1 - //h/../:_authToken: its host, port or path is not one that an entry can have\n"
	    "2 - //:_authToken: its host, port or path is not one that an entry can have\n"
	    "3 - //h/:_authToken: its secret holds a control character\n"
	    "4 - //i/:_auth: its secret holds a control character\n");
	reads("npmrc", "# plain\n;//h/:_authToken=old\n//i/:_authToken=t\n # //h/:_password=b2xk\n",
	    "2 - : it looks like a credential, in a comment\n"
	    "4 - : it looks like a credential, in a comment\n3 https://i Bearer'' 't'\n");
	reads_n("npmrc", "//h/:_authToken=a\0b\n", 20, "1 - //h/:_authToken: its secret holds a control character\n");
}

static void
rest(const char *text, const char *expect)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF_SECRET(VK_MAX_FILE);

	assert_int_equal(vk_import_npmrc_rest(text, strlen(text), &out), VK_OK);
	assert_string_equal(out.p ? out.p : "", expect);
}

static void
test_npmrc_rest(void **state)
{
	(void)state;
	rest("", "");
	rest("; hello\r\nfund = false\r\n//h/:_authToken=t\r\n//h/:_authToken=${V}\n[x]\n//p/:username=u\n"
	     "//p/:_password=cA==\n//p/:email=e\n//q/:username=u\n//r/:certfile=/x",
	    "; hello\r\nfund = false\r\n//h/:_authToken=${V}\n[x]\n//p/:email=e\n//q/:username=u\n"
	    "//r/:certfile=/x");
	rest("a=b\n//h/:_auth=dTpw", "a=b\n");
	rest("\xef\xbb\xbf//h/:_auth=dTpw\na=b\n", "a=b\n");
	rest("\xef\xbb\xbf" "a=b\n\xef\xbb\xbf//h/:_auth=dTpw\n", "\xef\xbb\xbf" "a=b\n");
}

static void
test_docker(void **state)
{
	(void)state;
	reads("docker", "", "");
	reads("docker", " \n", "");
	reads("docker", "{}", "");
	reads("docker",
	    "{\n \"auths\": {\n  \"r.example:5000\": {\"auth\": \"dTpwOnE=\"},\n  \"https://index.docker.io/v1/\":\n"
	    "   {\"auth\": \"aHViOmh1YnBhc3M=\", \"email\": \"x\"},\n"
	    "  \"c.example/ns\": {\"username\": \"u\", \"password\": \"p\"},\n"
	    "  \"i.example\": {\"auth\": \"dTo=\", \"identitytoken\": \"idt\"}\n }\n}\n",
	    "3 https://r.example:5000 'u' 'p:q'\n4 https://index.docker.io/v1 'hub' 'hubpass'\n"
	    "6 https://c.example/ns 'u' 'p'\n7 https://i.example '<token>' 'idt'\n");
	/* docker does not mind the case, and an identity token does not hide a password */
	reads("docker", "{\"AUTHS\": {\"h\": {\"Auth\": \"dTpw\", \"identityToken\": \"idt\"}}}",
	    "0 https://h '<token>' 'idt'\n0 https://h 'u' 'p'\n");
}

static void
test_docker_left(void **state)
{
	(void)state;
	reads("docker",
	    "{\"auths\": {\"a\": {\"auth\": \"dTpw\", \"email\": \"e@x\"},\n\"b\": {\"auth\": \"dTpw\", \"password\": \"q\"},\n"
	    "\"c\": {\"auth\": \"dTpw\", \"accessToken\": \"t\"},\n\"d\": {\"auth\": \"dTpw\", \"token\": \"\"}}}",
	    "1 https://a 'u' 'p'\n2 https://b 'u' 'p'\n"
	    "2 - b: a member of it that docker does not read looks like a credential\n3 https://c 'u' 'p'\n"
	    "3 - c: a member of it that docker does not read looks like a credential\n4 https://d 'u' 'p'\n");
	reads("docker",
	    "{\"auths\": {\"a\": {}, \"b\": {\"registrytoken\": \"t\"},\n\"c\": {\"auth\": \"S3CR3T\"},\n"
	    "\"d/../e\": {\"auth\": \"dTpw\"},"
	    "\n\"ftp://f\": {\"auth\": \"dTpw\"}, \"g\": 7, \"h\": {\"auth\": \"dTo=\"}},\n"
	    "\"credHelpers\": {\"a\": \"x\", \"m\": \"valetkey\",\n\"n\": \"y\"}, \"credsStore\": \"pass\"}",
	    "1 - a: it holds no secret (no secret)\n"
	    "1 - b: a registry token is not something that a helper can give docker\n"
	    "2 - c: it is not a user name and a password in base64\n"
	    "3 - d/../e: its host, port or path is not one that an entry can have\n"
	    "4 - ftp://f: its host, port or path is not one that an entry can have\n"
	    "4 - g: it holds no secret (no secret)\n4 - h: its secret is empty\n"
	    "5 - a: another credential helper keeps it (no secret)\n"
	    "6 - n: another credential helper keeps it (no secret)\n"
	    "6 - credsStore: another credential helper keeps all that is not here (no secret)\n");
	reads("docker", "{\"credsStore\": \"valetkey\"}", "");
	/* a key that is spelt with escapes is taken, and its line is not known */
	reads("docker", "{\"auths\": {\"\\u0068\": {\"auth\": \"dTpw\"}}}", "0 https://h 'u' 'p'\n");
}

static void
docker_fails(const char *text, enum vk_err with)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF(VK_MAX_FILE);

	vk_reason_clear();
	assert_int_equal(read_in_steps("docker", text, strlen(text), 4096, &out), with);
	assert_true(*vk_reason());
	assert_null(strstr(vk_reason(), "S3CR3T"));
	assert_null(out.p);
}

static void
test_docker_fails(void **state)
{
	VK_CLEANUP(vk_buf_clear) struct vk_buf many = VK_BUF(VK_MAX_FILE);

	(void)state;
	docker_fails("{\"auths\": {\"S3CR3T", VK_EPROTO);
	docker_fails("[\"S3CR3T\"]", VK_EPROTO);
	docker_fails("{\"auths\": \"S3CR3T\"}", VK_EPROTO);
	docker_fails("{\"auths\": {\"h\": {\"auth\": \"S3CR3T\"}, \"h\": {\"auth\": \"dTpw\"}}}", VK_EPROTO);
	docker_fails("{\"auths\": {}, \"Auths\": {\"h\": {\"auth\": \"dTpw\"}}}", VK_EPROTO);
	docker_fails("{\"auths\": {\"h\": {\"auth\": \"S3CR3T\", \"AUTH\": \"dTpw\"}}}", VK_EPROTO);
	docker_fails("{\"auths\": {\"h\": {\"auth\": \"S3CR\\u00003T\"}}}", VK_EPROTO);
	docker_fails("{\"auths\": {\"h\": {\"auth\": \"S3CR3T\xff\"}}}", VK_EPROTO);
	docker_fails("{\"auths\": {}} S3CR3T", VK_EPROTO);
	docker_fails("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}}", VK_ELIMIT);
	vk_buf_str(&many, "{\"auths\": {\"a\": {}");
	for (int i = 0; i < VK_IMPORT_MAX_KEYS; i++)
		vk_buf_fmt(&many, ", \"h%d\": {}", i);
	vk_buf_str(&many, ", \"b\": {}}}");
	docker_fails(many.p, VK_ELIMIT);
}

static void
test_pypirc(void **state)
{
	(void)state;
	reads("pypirc", "", "");
	reads("pypirc",
	    "[distutils]\nindex-servers =\n    other\n    private\n\n[other]\nrepository = https://h/\nusername = u\n"
	    "password = abc%d\n# note\n[private]\nRepository: https://py.example:8443/simple/\n"
	    "username=ann\nPassword = p:=q ;x #y\n",
	    "6 https://h 'u' 'abc%d'\n11 https://py.example:8443/simple 'ann' 'p:=q ;x #y'\n");
	reads("pypirc", "[pypi]\r\nrepository = http://h/\r\nusername = u\r\npassword = p\r\n", "1 http://h 'u' 'p'\n");
}

/* Two sections have repositories of their own, and tokens of these a user name. */
static void
test_pypirc_defaults(void **state)
{
	static const char *const sections[] = { "pypi", "testpypi" };
	char *urls[2];

	(void)state;
	for (size_t i = 0; i < VK_COUNT(sections); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF(VK_MAX_FILE);
		VK_CLEANUP(vk_freep) char *text =
		    vk_asprintf("[%s]\npassword: pypi-t0ken\n[x]\npassword=p\n", sections[i]);

		assert_int_equal(read_in_steps("pypirc", text, strlen(text), 4096, &out), VK_OK);
		assert_true(vk_str_starts(out.p, "1 https://"));
		assert_true(vk_str_ends(out.p, "/legacy '__token__' 'pypi-t0ken'\n3 - x: it has no repository\n"));
		urls[i] = vk_strdup(out.p);
	}
	assert_string_not_equal(urls[0], urls[1]);
	free(urls[0]);
	free(urls[1]);
	reads("pypirc", "[pypi]\npassword=other\n", "1 - pypi: it has no username\n");
}

static void
test_pypirc_left(void **state)
{
	(void)state;
	reads("pypirc",
	    "[a]\nusername = u\npassword = p\n[b]\nrepository = https://b/\nusername = u\n"
	    "[c]\nrepository = https://c/\n"
	    "password = p\n[d]\nrepository = https://u:p@d/\nusername=u\npassword=p\n[e]\nrepository=https://e\n"
	    "username=u\npassword=p\npassword=q\n[f]\nrepository=https://f\nusername=u\npassword=\n  p\n",
	    "1 - a: it has no repository\n4 - b: it has no password (no secret)\n7 - c: it has no username\n"
	    "10 - d: its host, port or path is not one that an entry can have\n14 - e: it has a setting twice\n"
	    "19 - f: a setting of it has more than one line\n");
	reads("pypirc",
	    "password = p\n[server-login]\nusername=u\npassword=p\n[DEFAULT]\npassword=p\n[x]\nS3CR3T\n"
	    "[y\n[pypi]\nusername=u\npassword=\n",
	    "1 - : it is before the first section\n2 - server-login: it is for other sections\n"
	    "5 - DEFAULT: it is for other sections\n8 - x: it is neither a section nor a setting\n"
	    "9 - x: it is neither a section nor a setting\n10 - pypi: it has no password (no secret)\n");
	reads("pypirc", "[pypi]\nusername=u\x1b[2J\npassword=p\n",
	    "1 - pypi: its user name holds a control character\n");
	/* What would be lost with the file: comments, and settings that no entry is made of. */
	reads("pypirc",
	    "[x]\nrepository=https://h\nusername=u\npassword=p\n  # password=old\n;Token: t\n# mine\nclient_secret=s\n"
	    "others=\n  a\n  https://u:p@h\ncert=/x\n",
	    "5 - : it looks like a credential, in a comment\n6 - : it looks like a credential, in a comment\n"
	    "8 - x: a setting of it that is not taken looks like a credential\n"
	    "11 - x: a setting of it that is not taken looks like a credential\n1 https://h 'u' 'p'\n");
	reads("pypirc", "[pypi]\nusername=u\npassword=p\tq\n", "1 - pypi: its secret holds a control character\n");
}

static void
test_too_large(void **state)
{
	static const char *const formats[] = { "npmrc", "docker", "pypirc" };
	VK_CLEANUP(vk_freep) char *text = malloc(VK_IMPORT_MAX_WHOLE + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', VK_IMPORT_MAX_WHOLE + 1);
	for (size_t i = 0; i < VK_COUNT(formats); i++) {
		VK_CLEANUP(vk_buf_clear) struct vk_buf out = VK_BUF(VK_MAX_FILE);

		assert_int_equal(read_in_steps(formats[i], text, VK_IMPORT_MAX_WHOLE, 4096, &out), VK_OK);
		vk_reason_clear();
		assert_int_equal(read_in_steps(formats[i], text, VK_IMPORT_MAX_WHOLE + 1, 4096, &out), VK_ELIMIT);
		assert_string_equal(vk_reason(), "it is larger than 1 MiB");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_npmrc),
		cmocka_unit_test(test_npmrc_left),
		cmocka_unit_test(test_npmrc_rest),
		cmocka_unit_test(test_docker),
		cmocka_unit_test(test_docker_left),
		cmocka_unit_test(test_docker_fails),
		cmocka_unit_test(test_pypirc),
		cmocka_unit_test(test_pypirc_defaults),
		cmocka_unit_test(test_pypirc_left),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
