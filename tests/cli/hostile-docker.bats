#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What docker, its users and its registries can make docker's helper see.  One test per item.

load lib
load helpers

setup() {
	vk_keystore
	vk_add https://ghcr.io alice s3cret
	vk_add https://123456789012.dkr.ecr.us-east-1.amazonaws.com AWS ecrtoken
	ask_docker store '{"ServerURL":"own.example","Username":"u","Secret":"p"}'
	SUM=$(keystore_sum)
}

teardown() {
	[ "${WRITES:-}" ] || unchanged "$SUM"
}

# rejects TEXT: store does not take it (escapes understood)
rejects() {
	printf %b "$1" >"$T/in"
	split "$VALETKEY" helper docker-credential store <"$T/in"
	complained
	[[ $out != *hunter2* ]]
}

R='"Username":"u","Secret":"hunter2"}'

@test "hostile docker: D1 an empty request has no server" {
	local a text

	for a in get erase; do
		for text in '' ' ' $'\n' $' \t\r\n'; do
			ask_docker "$a" "$text"
			said "no credentials server URL" 1
		done
	done
}

@test "hostile docker: D2 two lines are not one server" {
	local a

	for a in get erase; do
		ask_docker "$a" $'ghcr.io\nown.example\n'
		complained
		ask_docker "$a" $'own.\nexample\n'
		complained
	done
}

@test "hostile docker: D3 what is not JSON is refused" {
	for t in '' null '{' '{}}' "{'ServerURL':'h'}" '{"ServerURL":"h",}' "\\0000" '{"ServerURL":"h"'; do
		rejects "$t"
	done
}

@test "hostile docker: D3 trailing text is refused" {
	rejects "{\"ServerURL\":\"h\",$R x"
	rejects "{\"ServerURL\":\"h\",$R\n{\"ServerURL\":\"g\",$R"
}

@test "hostile docker: D3 an array is refused" {
	rejects "[{\"ServerURL\":\"h\",$R]"
}

@test "hostile docker: D3 numbers, objects and null for strings are refused" {
	rejects "{\"ServerURL\":1,$R"
	rejects "{\"ServerURL\":null,$R"
	rejects "{\"ServerURL\":[\"h\"],$R"
	rejects '{"ServerURL":"h","Username":"u","Secret":{"a":1}}'
	rejects '{"ServerURL":"h","Username":true,"Secret":"hunter2"}'
}

@test "hostile docker: D3 a key given twice is refused, whatever its case" {
	rejects "{\"ServerURL\":\"h\",\"ServerURL\":\"h\",$R"
	rejects "{\"ServerURL\":\"h\",\"serverurl\":\"own.example\",$R"
}

@test "hostile docker: D3 deep nesting is refused" {
	{ printf '{"ServerURL":"h","x":'; head -c 300000 /dev/zero | tr '\0' '['; } >in
	split "$VALETKEY" helper docker-credential store <in
	complained
	head -c 300000 /dev/zero | tr '\0' '{' >in
	split "$VALETKEY" helper docker-credential store <in
	complained
}

@test "hostile docker: D3 an endless list of members is refused at once" {
	{ printf '{"x":['; yes '1,' | head -c 900000; printf '1]}'; } >in
	split timeout 10 "$VALETKEY" helper docker-credential store <in
	complained
}

@test "hostile docker: D3 NUL and lone surrogates are refused" {
	rejects "{\"ServerURL\":\"h\\\\u0000\",$R"
	rejects "{\"ServerURL\":\"h\\\\ud800\",$R"
	rejects "{\"ServerURL\":\"h\\\\udc00x\",$R"
	rejects "{\"ServerURL\":\"h\0000\",$R"
}

@test "hostile docker: D3 what is not UTF-8 is refused" {
	rejects "{\"ServerURL\":\"h\0377\",$R"
	rejects "{\"ServerURL\":\"h\0300\0200\",$R"
	rejects '{"ServerURL":"h","Username":"u","Secret":"hunter2\0355\0240\0200"}'
}

@test "hostile docker: D3 ten megabytes are refused" {
	{ printf '{"ServerURL":"h","Username":"u","Secret":"'; head -c 10M /dev/zero | tr '\0' x; printf '"}'; } >in
	split "$VALETKEY" helper docker-credential store <in
	complained
	head -c 10M /dev/zero | tr '\0' x >in
	split "$VALETKEY" helper docker-credential get <in
	complained
	split timeout 20 "$VALETKEY" helper docker-credential get </dev/zero
	complained
}

@test "hostile docker: D3 a secret over the limit is refused, one at it passes" {
	WRITES=1
	{ printf '{"ServerURL":"big.example","Username":"u","Secret":"'; head -c 65537 /dev/zero | tr '\0' x; printf '"}'; } >in
	split "$VALETKEY" helper docker-credential store <in
	complained
	unchanged "$SUM"
	{ printf '{"ServerURL":"big.example","Username":"u","Secret":"'; head -c 65536 /dev/zero | tr '\0' x; printf '"}'; } >in
	split "$VALETKEY" helper docker-credential store <in
	silent
	ask_docker get big.example
	[ "$(jq -r '.Secret | length' <<<"$out")" -eq 65536 ]
}

@test "hostile docker: D4 escaped angle brackets are decoded" {
	WRITES=1
	ask_docker store '{"ServerURL":"h.example","Username":"\u003ctoken\u003e","Secret":"a\u0026b"}'
	silent
	ask_docker get h.example
	[ "$(jq -r '.Username + .Secret' <<<"$out")" = '<token>a&b' ]
}

@test "hostile docker: D5 keys in another case are accepted" {
	WRITES=1
	ask_docker store '{"serverurl":"h.example","USERNAME":"u","secret":"s"}'
	silent
	ask_docker get h.example
	[ "$(jq -r .Secret <<<"$out")" = s ]
}

@test "hostile docker: D6 an empty or missing user name has its sentence" {
	ask_docker store '{"ServerURL":"h.example","Username":"","Secret":"s"}'
	said "no credentials username" 1
	ask_docker store '{"ServerURL":"h.example","Secret":"s"}'
	said "no credentials username" 1
	ask_docker store '{"ServerURL":"","Username":"u","Secret":"s"}'
	said "no credentials server URL" 1
	ask_docker store '{"Username":"u","Secret":"s"}'
	said "no credentials server URL" 1
	rejects '{"ServerURL":"h","Username":"u"}'
	rejects '{"ServerURL":"h","Username":"u\\nx","Secret":"hunter2"}'
}

@test "hostile docker: D7 names that look like a server are not found" {
	local s

	for s in ghcr.io.evil.com xghcr.io hcr.io ghcr.io@evil.com user:pw@ghcr.io user@ghcr.io 'ghcr.io?x' 'ghcr.io#x' \
	    ghcr.io%2e 'ghcr.io:443x' 123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.com \
	    210987654321.dkr.ecr.us-east-1.amazonaws.com https://ghcr.io@evil.com/ ftp://ghcr.io 'ghcr.io evil.com' ghcr.io.; do
		ask_docker get "$s"
		not_found
	done
}

@test "hostile docker: D8 an https entry does not answer http" {
	ask_docker get http://ghcr.io
	not_found
	ask_docker get http://ghcr.io:443
	not_found
	ask_docker erase http://own.example
	silent
	unchanged "$SUM"
}

@test "hostile docker: D9 the spellings of one registry are one entry" {
	local s

	for s in ghcr.io GHCR.IO ghcr.io:443 https://ghcr.io https://ghcr.io/ HTTPS://ghcr.io https://ghcr.io/v1/ \
	    https://ghcr.io/v2/ ghcr.io/v2/ ' ghcr.io' $'ghcr.io\r\n'; do
		ask_docker get "$s"
		[ "$out" = '{"ServerURL":"ghcr.io","Username":"alice","Secret":"s3cret"}'$'\n' ] || show_run
	done
}

@test "hostile docker: D9 the Hub's three keys are three entries" {
	local hub=https://index.docker.io/v1/

	WRITES=1
	ask_docker store "{\"ServerURL\":\"$hub\",\"Username\":\"u\",\"Secret\":\"main\"}"
	for k in access-token refresh-token; do
		ask_docker get "$hub$k"
		not_found
		ask_docker store "{\"ServerURL\":\"$hub$k\",\"Username\":\"u\",\"Secret\":\"$k\"}"
		silent
	done
	for k in access-token refresh-token; do
		ask_docker get "$hub$k"
		[ "$(jq -r '.ServerURL + " " + .Secret' <<<"$out")" = "$hub$k $k" ]
	done
	ask_docker get "$hub"
	[ "$(jq -r '.ServerURL + " " + .Secret' <<<"$out")" = "$hub main" ]
	ask_docker list ''
	[ "$(jq -c 'keys' <<<"$out")" = "[\"$hub\",\"${hub}access-token\",\"${hub}refresh-token\",\"own.example\"]" ]
	ask_docker erase "$hub"
	silent
	ask_docker get "$hub"
	not_found
	ask_docker get "${hub}access-token"
	[ "$status" -eq 0 ]
}

@test "hostile docker: D10 another port is another registry" {
	ask_docker get ghcr.io:5000
	not_found
	WRITES=1
	ask_docker store '{"ServerURL":"own.example:5000","Username":"x","Secret":"y"}'
	ask_docker get own.example
	[ "$(jq -r .Secret <<<"$out")" = p ]
	ask_docker erase own.example:5000
	ask_docker get own.example
	[ "$(jq -r .Secret <<<"$out")" = p ]
}

@test "hostile docker: D11 a repository's name finds the longest path, then the registry" {
	ask_docker get ghcr.io/org/repo
	[ "$(jq -r .Username <<<"$out")" = alice ]
	WRITES=1
	vk_add https://ghcr.io/org o orgtoken
	vk_add https://only.example/org x y
	ask_docker get ghcr.io/org/repo
	[ "$(jq -r .Username <<<"$out")" = o ]
	ask_docker get ghcr.io/organ/repo
	[ "$(jq -r .Username <<<"$out")" = alice ]
	ask_docker get only.example/organ
	not_found
	ask_docker get only.example
	not_found
}

@test "hostile docker: D11 a repository's name with dots to resolve is not found" {
	for s in ghcr.io/../x ghcr.io//x ghcr.io/%2e%2e/x 'ghcr.io/a\b'; do
		ask_docker get "$s"
		not_found
	done
}

@test "hostile docker: D12 quotes, backslashes and control characters come back as they were" {
	local secret

	WRITES=1
	ask_docker store '{"ServerURL":"h.example","Username":"a\"b\\c","Secret":"q\"\\\n\t\u0001\u001b\u007f\u00e9\ud83d\ude00</script>"}'
	silent
	ask_docker get h.example
	secret=$(jq -r '.Username + " " + .Secret | @base64' <<<"$out")
	[ "$secret" = "$(printf 'a"b\\c q"\\\n\t\001\033\177\303\251\360\237\230\200</script>' | base64 -w0)" ]
	[ "$(grep -c '' <<<"${out%$'\n'}")" -eq 1 ]
	ask_docker list ''
	jq -e '."h.example" == "a\"b\\c"' <<<"$out"
}

@test "hostile docker: D12 a secret that is not UTF-8 is refused, not mangled" {
	WRITES=1
	printf '\377\376' | "$VALETKEY" add https://latin.example --username u >/dev/null
	ask_docker get latin.example
	complained
}

@test "hostile docker: D13 an empty list is an object" {
	WRITES=1
	ask_docker erase own.example
	ask_docker list ''
	said '{}' 0
}

@test "hostile docker: D13 the list holds docker's own entries and no secret" {
	ask_docker list ''
	said '{"own.example":"u"}' 0
}

@test "hostile docker: D13 list does not wait for its input" {
	split timeout 5 "$VALETKEY" helper docker-credential list < <(sleep 20)
	said '{"own.example":"u"}' 0
}

@test "hostile docker: D14 no argument or two give the usage" {
	split "$VALETKEY" helper docker-credential
	complained
	[[ $out == usage:* ]]
	split "$VALETKEY" helper docker-credential get ghcr.io
	complained
	[[ $out == usage:* ]]
}

@test "hostile docker: D14 an unknown action is named, printably" {
	split "$VALETKEY" helper docker-credential frobnicate
	said 'docker-credential-valetkey: unknown action: frobnicate' 1
	split "$VALETKEY" helper docker-credential $'x\033[2J\n'
	said 'docker-credential-valetkey: unknown action: x?[2J?' 1
}

@test "hostile docker: nothing is run, and a closed standard output is an error" {
	printf ghcr.io >in
	split strace -f -e trace=execve,execveat,fork,vfork,clone,clone3 -o "$T/trace" "$VALETKEY" helper docker-credential get <in
	[ "$status" -eq 0 ]
	[ "$(grep -cE 'execve|fork|clone' "$T/trace")" -eq 1 ]
	"$VALETKEY" helper docker-credential get <in >/dev/full 2>err || status=$?
	[ "$status" -eq 1 ]
	[ "$(grep -c s3cret err)" -eq 0 ]
}
