#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# References that a program of its own answers: here one of a third party, in another language (docs/HELPER.md).
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err and status come from split

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	vk_keystore
	export VALETKEY_CONFIG=$HOME/config.ini VALETKEY_LIBEXEC=$HOME/libexec
	mkdir -p "$VALETKEY_LIBEXEC"
	token=$(secret)
	cat >"$VALETKEY_LIBEXEC/valetkey-notes" <<-'EOF'
		#!/usr/bin/env python3
		import base64, os, sys
		asked = sys.stdin.read().split("\n")
		assert asked[0] == "valetkey-helper 1" and asked[-2:] == ["", ""], asked
		attrs = dict(line.split("=", 1) for line in asked[2:-2])
		with open(os.path.expanduser("~/asked"), "a") as f:
		    f.write(asked[1] + " " + attrs.pop("ref") + "\n")
		with open(os.path.expanduser("~/answer")) as f:
		    answer = f.read()
		if answer.startswith("error"):
		    print(answer, end="\n\n" if not answer.endswith("\n") else "\n")
		    sys.exit()
		secret, _, rest = answer.partition("|")
		print("ok\nsecret=" + base64.b64encode(secret.encode()).decode() + "\n" + rest)
	EOF
	chmod 755 "$VALETKEY_LIBEXEC/valetkey-notes"
	printf '[corp]\nurl = https://git.example/team\nusername = me\nsecret = helper@notes:corp/token\n' >"$VALETKEY_CONFIG"
	chmod 600 "$VALETKEY_CONFIG"
	printf %s "$token" >~/answer
}

@test "a third party's program answers for a section of the config" {
	[ "$("$VALETKEY" get https://git.example/team/x --field secret)" = "$token" ]
	[ "$(cat ~/asked)" = "get-secret corp/token" ]
	run "$VALETKEY" get https://other.example
	[ "$status" = 1 ]
	# It is not started for a host that no section names.
	cat ~/asked
	[ "$(wc -l <~/asked)" = 1 ]
}

@test "its expiry goes along" {
	printf '%s|expires=4102444800\n' "$token" >~/answer
	out=$(printf 'protocol=https\nhost=git.example\npath=team/x\n\n' | "$VALETKEY_BIN/git-credential-valetkey" get)
	[[ $out == *"password=$token"* ]]
	[[ $out == *"password_expiry_utc=4102444800"* ]]
	printf '%s|expires=1000\n' "$token" >~/answer
	split "$VALETKEY" get https://git.example/team
	[ "$status" = 1 ]
	[[ $err == *expired* ]]
}

@test "what it cannot say is an error, and never the absence of a credential" {
	for case in 'error not-found:6' 'error locked by a person:3' 'error denied no:4' 'error unavailable it is down:6' \
		'error failed:6' 'error nonsense:6' "$token|expires=soon\n:6" "$token|color=red\n:6" '|:6' "two"$'\n'"lines:6"; do
		printf %b "${case%:*}" >~/answer
		split "$VALETKEY" get https://git.example/team
		echo "$case: $status $err"
		[ "$status" = "${case##*:}" ]
		[ -z "$out" ]
		[[ $err == *helper@notes* ]]
		[[ $err != *"$token"* ]]
		split sh -c 'printf "protocol=https\nhost=git.example\npath=team\n\n" | "$0" get' "$VALETKEY_BIN/git-credential-valetkey"
		[ "$out" = $'quit=1\n' ] || [[ $case == "error denied"* ]]
	done
}

@test "offline, and without the program" {
	VALETKEY_OFFLINE=1 split "$VALETKEY" get https://git.example/team
	[ "$status" = 6 ]
	[[ $err == *helper@notes*offline* ]]
	[ ! -e ~/asked ]
	split "$VALETKEY" get --offline https://git.example/team
	[ "$status" = 6 ]
	split "$VALETKEY" run --offline --with git -- true
	[ "$status" = 125 ]
	[[ $err == *corp*helper@notes*offline* ]]
	[ ! -e ~/asked ]
	rm "$VALETKEY_LIBEXEC/valetkey-notes"
	split "$VALETKEY" get https://git.example/team
	[ "$status" = 6 ]
	[[ $err == *valetkey-notes* ]]
}

@test "references that make no sense" {
	for ref in helper:x helper@:x "helper@notes:" vault: "vault@$(printf 'a%.0s' {1..41}):x" nosuch:x; do
		printf '[corp]\nurl = https://git.example\nsecret = %s\n' "$ref" >"$VALETKEY_CONFIG"
		split "$VALETKEY" get https://git.example
		echo "$ref: $status $err"
		[ "$status" = 2 ]
	done
	printf '[corp]\nurl = https://git.example\nsecret = vault@corp:a/b#c\n' >"$VALETKEY_CONFIG"
	split "$VALETKEY" get https://git.example
	[ "$status" = 2 ]
	[[ $err == *"[server corp]"* ]]
}

@test "[server NAME] of the config" {
	while IFS='|' read -r text why; do
		printf '[server %b\n' "$text" >"$VALETKEY_CONFIG"
		split "$VALETKEY" get https://git.example
		echo "$text: $status $err"
		[ "$status" = 2 ]
		[[ $err == *"$why"* ]]
	done <<-'EOF'
		corp]\naddress = https://x|has no store
		corp]\nstore = nosuch|store is one of
		vault]\ncolor = red|no setting "color"
		vault]\nca = ca.pem|absolute path
		vault]\ntoken = hvs.abc|is a secret
		vault]\ntoken = vault:a/b#c|cannot come from another server
		vault]\naddress = https://x\naddress = https://y|a second address
		corp]\nstore = vault\nstore = vault|a second store
	EOF
	printf '[server vault]\naddress = https://127.0.0.1:1\n[server vault]\n' >"$VALETKEY_CONFIG"
	split "$VALETKEY" get https://git.example
	[[ $err == *"already on line 1"* ]]
}

@test "a run asks once, and its helpers ask the run" {
	cat >>"$VALETKEY_CONFIG" <<-EOF
		[corp2]
		url = https://other.example
		username = me
		secret = helper@notes:corp/token
	EOF
	"$VALETKEY" run --with git -- sh -c '
		for i in 1 2 3 4 5; do printf "protocol=https\nhost=git.example\npath=team\n\n" | git credential fill; done >~/got'
	[ "$(grep -c "^password=$token" ~/got)" = 5 ]
	cat ~/asked
	[ "$(wc -l <~/asked)" = 1 ]
}

@test "nothing answers in the place of a section that fails" {
	export GITHUB_ACTIONS=true GITHUB_TOKEN=ghtok GITHUB_SERVER_URL=https://git.example
	for ref in vault@nope:kv/x#y vault:kv/x#y helper@notes:x; do
		for locked in error miss; do
			printf '[valetkey]\nwhen-locked = %s\n[corp]\nurl = https://git.example\nsecret = %s\n' "$locked" "$ref" >"$VALETKEY_CONFIG"
			echo 'error locked by a person' >~/answer
			BAO_ADDR=https://127.0.0.1:1 BAO_CACERT=ca.pem split "$VALETKEY" get https://git.example
			echo "$ref $locked: $status $out $err"
			[ "$status" != 0 ]
			[ -z "$out" ]
			[[ $err == *corp* ]]
		done
	done
	# Without the section the variable answers.
	: >"$VALETKEY_CONFIG"
	[ "$("$VALETKEY" get https://git.example)" = ghtok ]
}

@test "an entry of the keystore goes to no server but the one that it is for" {
	vk_add https://victim.example u s3cret --name victim
	for more in '' 'nodes = https://127.0.0.1:2'; do
		printf '[corp]\nurl = https://git.example\nsecret = vault@ev:kv/x#y\n[server ev]\nstore = vault\naddress = https://127.0.0.1:1\ntoken = keystore:victim\n%s\n' \
			"$more" >"$VALETKEY_CONFIG"
		split "$VALETKEY" get https://git.example
		echo "$status $err"
		[ "$status" = 4 ]
		[[ $err != *s3cret* ]]
	done
	[[ $err == *nodes* ]]
	# Asked, since it is its own; and nobody is there.
	vk_add https://127.0.0.1:1 u t0ken --name own
	printf '[corp]\nurl = https://git.example\nsecret = vault@own:kv/x#y\n[server own]\nstore = vault\naddress = https://127.0.0.1:1\ntoken = keystore:own\ntimeout = 2\n' \
		>"$VALETKEY_CONFIG"
	cp "$(dirname "$VALETKEY")/valetkey-http" "$VALETKEY_LIBEXEC/"
	split "$VALETKEY" get https://git.example
	echo "$status $err"
	[ "$status" = 6 ]
	[[ $err == *https://127.0.0.1:1* ]]
}
