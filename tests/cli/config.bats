#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Where the config comes from, whom it may belong to, and what it may not do.

bats_require_minimum_version 1.5.0
load lib

setup() {
	vk_keystore
	vk_add https://git.example me s3cret --name gh
	export XDG_CONFIG_HOME=$T/xdg TOK=fr0mconfig
	C=$XDG_CONFIG_HOME/valetkey/config.ini
	mkdir -p "$XDG_CONFIG_HOME/valetkey"
	umask 077
}

section() { # section NAME URL USER SECRET: one on stdout
	printf '[%s]\nurl = %s\nusername = %s\nsecret = %s\n' "$@"
}

get() { "$VALETKEY" get "$1" --field secret; }

@test "config: \$XDG_CONFIG_HOME, ~/.config, \$VALETKEY_CONFIG" {
	section a https://a.example u env:TOK >"$C"
	[ "$(get https://a.example)" = fr0mconfig ]
	unset XDG_CONFIG_HOME
	run -1 get https://a.example
	mkdir -p "$HOME/.config/valetkey"
	section b https://b.example u env:TOK >"$HOME/.config/valetkey/config.ini"
	[ "$(get https://b.example)" = fr0mconfig ]
	export XDG_CONFIG_HOME=relative
	[ "$(get https://b.example)" = fr0mconfig ]
	section c https://c.example u env:TOK >"$T/c.ini"
	VALETKEY_CONFIG=$T/c.ini
	export VALETKEY_CONFIG
	[ "$(get https://c.example)" = fr0mconfig ]
	run -1 get https://b.example
	VALETKEY_CONFIG=$T/none.ini
	run -2 get https://c.example
	[[ $output == *none.ini* ]]
	VALETKEY_CONFIG=c.ini
	run -2 get https://c.example
}

@test "config: helpers go by it" {
	section a https://a.example u env:TOK >"$C"
	[[ $(printf 'protocol=https\nhost=a.example\n\n' | "$VALETKEY" helper git-credential get) == *password=fr0mconfig* ]]
	[ "$(printf a.example | "$VALETKEY" helper docker-credential get | jq -r .Secret)" = fr0mconfig ]
}

@test "config: one in a repository is never looked for" {
	mkdir -p repo/.config/valetkey repo/valetkey
	for f in repo/config.ini repo/valetkey.ini repo/.valetkey.ini repo/valetkey/config.ini repo/.config/valetkey/config.ini repo/.valetkey; do
		section a https://a.example u env:TOK >"$f"
	done
	cd repo
	run -1 get https://a.example
	HOME='' run -1 "$VALETKEY" get https://a.example
	unset XDG_CONFIG_HOME
	HOME=. run -1 "$VALETKEY" get https://a.example
}

@test "config: one that others can write is refused, with its directory" {
	section a https://a.example u env:TOK >"$C"
	for mode in 620 602 660 666; do
		chmod "$mode" "$C"
		run -4 get https://a.example
		[[ $output == *"others can write $C"*"chmod go-w"* ]]
	done
	chmod 644 "$C"
	[ "$(get https://a.example)" = fr0mconfig ]
	for mode in 720 702 777; do
		chmod "$mode" "$XDG_CONFIG_HOME/valetkey"
		run -4 get https://a.example
		chmod 700 "$XDG_CONFIG_HOME/valetkey"
	done
	# also behind a link
	mkdir open
	mv "$C" open/real.ini
	ln -s "$T/open/real.ini" "$C"
	[ "$(get https://a.example)" = fr0mconfig ]
	chmod 777 open
	run -4 get https://a.example
}

@test "config: somebody else's is refused, root's is not" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	section a https://a.example u env:TOK >"$C"
	chown 12345 "$C"
	run -4 get https://a.example
	[[ $output == *"another user"* ]]
	chown 0 "$C"
	chown 12345 "$XDG_CONFIG_HOME/valetkey"
	run -4 get https://a.example
	chown 0 "$XDG_CONFIG_HOME/valetkey"
	# as somebody who is not root, with root's config and a keystore of his own
	local dir
	dir=$(mktemp -d /tmp/vk-config-XXXXXX)
	chmod 755 "$dir"
	cp "$C" "$VALETKEY_KEYSTORE" "$VALETKEY_KEY_FILE" "$VALETKEY" "$dir"
	chmod 644 "$dir/config.ini"
	chmod 755 "$dir/$(basename "$VALETKEY")"
	chown 12345 "$dir/keystore" "$dir/key"
	run env HOME=/nonexistent VALETKEY_CONFIG="$dir/config.ini" VALETKEY_KEYSTORE="$dir/keystore" VALETKEY_KEY_FILE="$dir/key" \
		setpriv --reuid 12345 --regid 12345 --clear-groups "$dir/$(basename "$VALETKEY")" get https://a.example --field secret
	rm -r "$dir"
	[ "$status" -eq 0 ]
	[ "$output" = fr0mconfig ]
}

@test "config: every mistake is fatal, with file and line" {
	for bad in 'password = x' 'url = https://b.example' 'username = u ; comment' 'just words' '[a]' '[b] c' 'kind = secret' \
		"username = $(printf 'x%.0s' {1..300})" ' username = x' 'expires = tomorrow'; do
		{ printf '# one\n[a]\nurl = https://a.example\nsecret = env:TOK\n'; printf '%s\n' "$bad"; } >"$C"
		split get https://a.example
		[ "$status" -eq 2 ] && [ -z "$out" ] || { echo "$bad: $status $out"; return 1; }
		[[ $err == *"$C:5: "* ]]
		[ "$(printf 'protocol=https\nhost=git.example\n\n' | "$VALETKEY" helper git-credential get 2>/dev/null | grep -c password)" -eq 0 ]
	done
}

@test "config: a name one byte too long, a value one byte too long" {
	# 49 bytes are where the parser library cuts sections, 200 where it cuts lines
	for n in 39 40 41 47 48 49 50 51 60 200 400; do
		name=$(head -c "$n" /dev/zero | tr '\0' n)
		section "$name" https://a.example u env:TOK >"$C"
		if [ "$n" -le 40 ]; then
			[ "$(get https://a.example)" = fr0mconfig ]
		else
			run -2 get https://a.example
			[[ $output == *"$C:1: "* ]]
		fi
	done
	for n in $(seq 160 215) 1000 70000; do
		path=$(head -c "$n" /dev/zero | tr '\0' p)
		section a "https://a.example/$path" u env:TOK >"$C"
		# were the value cut, it would answer for a shorter path
		run get "https://a.example/${path:0:150}"
		[ "$status" -ne 0 ]
		run get "https://a.example/${path:0:8000}"
		[ "$status" -eq 0 ] || [[ $output == *"$C:2: "* ]] || [[ $output == *"too long"* ]] || [ "$n" -gt 8000 ]
	done
}

@test "config: NUL, carriage returns, control characters, a byte order mark" {
	printf '[a]\nurl = https://a.example\0/narrow\nsecret = env:TOK\n' >"$C"
	run -2 get https://a.example
	printf '[a]\nurl = https://a.example\rx\nsecret = env:TOK\n' >"$C"
	run -2 get https://a.example
	printf '[a]\nurl = https://a.example\nusername = \033[2J\nsecret = env:TOK\n' >"$C"
	split get https://a.example
	[ "$status" -eq 2 ]
	[[ $err != *$'\033'* ]]
	printf '\xef\xbb\xbf[a]\nurl = https://a.example\nsecret = env:TOK\n' >"$C"
	run -2 get https://a.example
	[[ $output == *"byte order mark"* ]]
	printf '[a]\r\nurl = https://a.example\r\nsecret = env:TOK\r\n' >"$C"
	[ "$(get https://a.example)" = fr0mconfig ]
}

@test "config: a secret where a reference belongs is refused and not repeated" {
	printf '[a]\nurl = https://a.example\nsecret = ghp_abcdefghijkl\n' >"$C"
	split get https://a.example
	[ "$status" -eq 2 ]
	[[ $err == *"$C:3: "*env:NAME* && $err != *ghp_* ]]
	printf '[a]\nurl = https://u:hunter2@a.example\nsecret = env:TOK\n' >"$C"
	split get https://a.example
	[ "$status" -eq 2 ]
	[[ $err != *hunter2* ]]
}

@test "config: narrows a keystore entry, and never widens it" {
	for url in https://evil.example http://git.example https://git.example:444 https://git.example.evil.example; do
		section a "$url" me keystore:gh >"$C"
		split get "$url"
		[ "$status" -eq 4 ] && [ -z "$out" ] || { echo "$url $status"; return 1; }
		split sh -c "printf 'url=$url\n\n' | '$VALETKEY' helper git-credential get"
		[[ $out != *s3cret* ]]
		run -125 "$VALETKEY" run -- true
	done
	vk_add https://deep.example/team u p4th --name deep
	for url in https://deep.example https://deep.example/tea https://deep.example/teams; do
		section a "$url" u keystore:deep >"$C"
		run -4 get "$url"
	done
	section a https://git.example/x other keystore:gh >"$C"
	run -4 get https://git.example/x
	section a https://git.example/x me keystore:gh >"$C"
	[ "$(get https://git.example/x)" = s3cret ]
}

@test "config: sources that fail say which" {
	section a https://a.example u env:NOT_SET >"$C"
	split get https://a.example
	[ "$status" -eq 6 ]
	[[ $err == *'[a]'*NOT_SET* ]]
	section a https://a.example u "file:$T/none" >"$C"
	split get https://a.example
	[ "$status" -eq 6 ]
	[[ $err == *"$T/none"* ]]
	section a https://a.example u keystore:none >"$C"
	run -6 get https://a.example
	printf 'fil3\r\n' >tok
	section a https://a.example u "file:$T/tok" >"$C"
	[ "$(get https://a.example)" = fil3 ]
	printf 'two\nlines\n' >tok
	split get https://a.example
	[ "$status" -eq 6 ]
	[[ $err != *two* ]]
}

@test "config: when-locked" {
	unset VALETKEY_KEY_FILE
	run -3 get https://x.example
	split "$VALETKEY" helper git-credential get <<<$'protocol=https\nhost=x.example\n'
	[ "$status" -eq 3 ]
	[[ $out == *quit=1* ]]
	printf '[valetkey]\nwhen-locked = miss\n' >"$C"
	run -1 get https://x.example
	split "$VALETKEY" helper git-credential get <<<$'protocol=https\nhost=x.example\n'
	[ "$status" -eq 0 ]
	[ -z "$out" ]
	printf '[valetkey]\nwhen-locked = error\n' >"$C"
	run -3 get https://x.example
}

@test "config: without one, looking for it costs one failed open" {
	command -v strace >/dev/null || skip "no strace"
	ASAN_OPTIONS=detect_leaks=0 strace -o calls -f "$VALETKEY" helper git-credential get <<<$'protocol=https\nhost=git.example\n' >out
	grep -q password=s3cret out
	[ "$(grep -c "xdg/" calls)" -eq 1 ]
	grep -q 'open.*xdg/valetkey/config.ini.*ENOENT' calls
}
