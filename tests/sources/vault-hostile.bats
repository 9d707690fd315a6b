#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What no OpenBao does and somebody in its place may do: a small server, which is named fake.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err and status come from split

bats_require_minimum_version 1.5.0
load ../cli/lib
load ../cli/run-lib
load vault-lib

setup_file() {
	export E=$BATS_FILE_TMPDIR
	certificates
}

setup() {
	vault_home
	token=$(secret)
	printf %s "$token" >~/token
}

teardown() {
	vault_end
}

@test "a standby node sends on: only where the config says" {
	server "token = file:$HOME/token"
	# To the same machine by another port, another name, another scheme.
	fake secret other
	other=$asked there=$FAKE
	plain=1 fake secret other
	unset plain
	insecure=$FAKE insecure_asked=$asked
	for to in "$there" "https://localhost:${there##*:}" "https://127.0.0.2:${there##*:}" "$insecure" "http://evil.example" "https://x:y@127.0.0.1:${there##*:}"; do
		on_fake redirect "$to"
		fails 4 nodes
		[ "$(wc -l <"$asked")" = 1 ]
	done
	[ ! -s "$other" ]
	[ ! -s "$insecure_asked" ]
	on_fake redirect "$there"
	sed -i "/^token/a nodes = https://a.example:8200, $there" "$VALETKEY_CONFIG"
	gets other
	grep -q 'token$' "$other"
	# From TLS to what is none it goes in no case.
	on_fake redirect "http://localhost.evil.example:80"
	sed -i "/^token/a nodes = http://localhost.evil.example:80" "$VALETKEY_CONFIG"
	fails 4 'goes by https'
	# In a circle, which ends.
	on_fake redirect self
	sed -i "/^token/a nodes = $FAKE" "$VALETKEY_CONFIG"
	fails 6 'more than 3 times'
	[ "$(wc -l <"$asked")" = 4 ]
}

@test "addresses that no token is sent to, in the clear or at all" {
	for address in http://192.0.2.1:8200 http://127.evil.example:8200 http://localhost.evil.example http://bao.example ftp://127.0.0.1; do
		BAO_AT=$address server "token = file:$HOME/token"
		fails 4
	done
	for address in "https://me:pw@127.0.0.1" "https://127.0.0.1?x" "https://127.0.0.1#x" nonsense; do
		BAO_AT=$address server "token = file:$HOME/token"
		hidden=pw get
		[ "$status" = 4 ] || [ "$status" = 6 ]
	done
	# To this machine it may go without TLS, and by no proxy.
	plain=1 fake secret local
	BAO_AT=$FAKE server "token = file:$HOME/token"
	http_proxy=http://127.0.0.1:1 gets local
}

@test "servers that are slow, silent, too large or make no sense" {
	for mode in slow slow-head silent; do
		limit=1 on_fake "$mode"
		begin=$(date +%s)
		fails 6 "$FAKE" 'in time'
		[ $(($(date +%s) - begin)) -le 3 ]
	done
	for mode in large large-head; do
		on_fake "$mode"
		begin=$(date +%s)
		fails 6 "$FAKE" 'too much'
		[ $(($(date +%s) - begin)) -le 3 ]
	done
	for text in '' '{' '[]' 'null' '"x"' '{"data":[]}' '{"data":{"path":5}}' '{"data":null}' '{"a":1,"a":2}' '<html>' $'{"data":"\xff"}' \
		"$(printf '[%.0s' {1..1000})"; do
		on_fake json "$text"
		echo "$text"
		fails 6 "$FAKE" 'not understood'
	done
	on_fake status '302 {"errors":["x"]}'
	fails 6 "$FAKE" 302
	limit=1 on_fake status '500 <html>broken'
	fails 6 "$FAKE" 500
	on_fake status $'403 {"errors":["one\\u001b[31m\\ntwo"]}'
	fails 4 'one?[31m?two'
	on_fake echo
	fails 4 "$FAKE"
}

@test "who may not ask what is mounted is given what he may read: the first word is the mount" {
	fake blind
	while IFS='|' read -r ref value; do
		BAO_AT=$FAKE server "token = file:$HOME/token"
		gets "$value"
	done <<-'EOF'
		vault:two/app#password|two
		vault:two/app|two
		vault:old/data/app#password|data
		vault:old/app#password|one
	EOF
	ref=vault:two/gone#password BAO_AT=$FAKE server "token = file:$HOME/token"
	fails 6 'deleted at y'
	ref=vault:nosuch/app#password BAO_AT=$FAKE server "token = file:$HOME/token"
	fails 4 refuses
}

@test "asked again after 429 as long as it says, and after what broke off" {
	on_fake busy 1
	begin=$(date +%s%N)
	gets fake-secret
	[ $((($(date +%s%N) - begin) / 1000000)) -ge 1000 ]
	on_fake cut 2
	gets fake-secret
	[ "$(wc -l <"$asked")" = 4 ]
	limit=1 on_fake busy 9
	fails 6 'too many'
}

# talk LINE...: what valetkey-http answers to a request with these attributes
talk() {
	printf '%s\n' 'valetkey-helper 1' get-secret store=vault ref=a/b#c "$@" '' | "$(dirname "$(readlink -f "$VALETKEY")")/valetkey-http" || true
}

@test "what would begin another header is not sent, nor what is not known" {
	fake secret x
	for line in "token=$(printf 'x\r\nX-Vault-Namespace: y' | base64 -w 0)" "token=$(printf 'x\ny' | base64 -w 0)" \
		"namespace="$'a\rX-Vault-Token: b' "token=!" "color=red" "timeout=0" "timeout=56" "timeout=x" "auth=nosuch" "mount=.." "nodes"; do
		case $line in
		token*) other=namespace=x ;;
		mount*) other=$'auth=userpass\nusername=x\npassword=eA==' ;;
		*) other=token=eA== ;;
		esac
		talk "address=$FAKE" "ca=$E/tls/ca.pem" "$line" "$other" >answer
		cat answer
		grep -q '^error failed ' answer
	done
	[ ! -s "$asked" ]
	talk "address=$FAKE" "ca=$E/tls/ca.pem" token=eA== >answer
	grep -q '^error not-found ' answer
}

@test "the token of the store's own command is for its server alone" {
	fake secret ours
	printf %s "$token" >~/.vault-token
	chmod 600 ~/.vault-token
	BAO_AT=$FAKE server
	gets ours
	for reference in vault@other:a/b#password vault@vault:a/b#password; do
		: >"$asked"
		BAO_AT=$FAKE ref=$reference server
		sed -i "s/^\[server vault\]/[server ${reference:6:5}]\nstore = vault/" "$VALETKEY_CONFIG"
		fails 4 'no token'
		[ ! -s "$asked" ]
		sed -i "/^store/a token = file:$HOME/token" "$VALETKEY_CONFIG"
		gets ours
	done
}
