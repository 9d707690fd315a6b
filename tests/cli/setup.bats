#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Registering valetkey with git and docker, with the real git reading the result.

bats_require_minimum_version 1.5.0
load lib
load setup-lib

@test "setup git: git asks valetkey for the keystore's hosts, with paths where entries have them" {
	"$V" setup git
	[[ $(ask https://git.example/x) == *password=s3cret* ]]
	[[ $(ask https://deep.example:8443/team/a/repo.git) == *password=p4th* ]]
	[[ $(ask https://deep.example:8443/team/ab) != *password* ]]
	[ "$(git config --get-urlmatch credential.helper https://git.example)" = "$T/bin/git-credential-valetkey" ]
	[ "$(git config --get-urlmatch credential.useHttpPath https://deep.example:8443/x)" = true ]
	run git config --get-urlmatch credential.useHttpPath https://git.example/x
	[ "$status" -eq 1 ]
	run git config --get-urlmatch credential.helper https://other.example
	[ "$status" -eq 1 ]
}

@test "setup git: other helpers are not asked for these hosts" {
	git config --global credential.helper "!echo password=fromother; echo username=x; :"
	"$V" setup git
	[[ $(ask https://git.example) == *password=s3cret* ]]
	[[ $(ask https://other.example) == *password=fromother* ]]
}

@test "setup --list: its columns stand apart and below each other" {
	"$V" setup --list >"$T/table"
	"$V" setup --list --json >"$T/json"
	python3 - "$T/table" "$T/json" <<-'P'
		import json, re, sys
		head, *lines = open(sys.argv[1]).read().splitlines()
		known = json.load(open(sys.argv[2]))
		at = [m.start() for m in re.finditer(r"(?:^|(?<=  ))\S", head)]
		assert len(at) == 6 and len(lines) == len(known), head
		for line, k in zip(lines, known):
		    cells = [line[a:b].rstrip(" ") for a, b in zip(at, at[1:] + [None])]
		    want = [k[key] or "-" for key in ("client", "channel", "setup", "recipe", "verified", "note")]
		    assert cells == want and all(line[a - 2:a] == "  " for a in at[1:]), line
	P
}

@test "setup: a tool that cannot be registered is told where to look" {
	run --separate-stderr "$V" setup npm
	[ "$status" -eq 2 ]
	# shellcheck disable=SC2154 # from run
	[[ $stderr == *'no such tool: npm'*'valetkey setup --list'* ]]
}

@test "setup --undo says of a file that setup had made that it is gone" {
	"$V" setup git
	run "$V" setup git --undo
	[[ $output == "git: $G is gone again: setup had made it" ]]
	[ ! -e "$G" ]
	printf '[user]\n\tname = x\n' >"$G"
	"$V" setup git
	run "$V" setup git --undo
	[[ $output == *"byte for byte" ]]
}

@test "setup git --undo: byte for byte, whatever the file ended with" {
	for end in '' '\n' '\n\n' '\n# end' '\n\t\r\n'; do
		printf "[user]\\n\\tname = x$end" >"$G"
		chmod 640 "$G"
		cp -p "$G" before
		"$V" setup git
		[ "$(git config user.name)" = x ]
		git config --get-urlmatch credential.helper https://git.example
		"$V" setup git --undo
		undone "$G" before
		[ "$(stat -c %a "$G")" = 640 ]
	done
}

@test "setup git --undo: a file that was not there is not there again" {
	"$V" setup git
	[ -s "$G" ]
	[ "$(stat -c %a "$G")" = 600 ]
	"$V" setup git --undo
	[ ! -e "$G" ]
	[ -z "$(state)" ]
}

@test "setup git --undo: an empty file stays one" {
	: >"$G"
	"$V" setup git
	"$V" setup git --undo
	[ -e "$G" ]
	[ ! -s "$G" ]
}

@test "setup: a second time changes nothing, not even the inode" {
	printf '[user]\n\tname = x' >"$G"
	"$V" setup git docker
	before=$(stat -c '%i %Y' "$G" "$D"; cat "$G" "$D")
	run -0 "$V" setup git docker
	[[ $output == *"git: already set up"*"docker: already set up"* ]]
	[ "$before" = "$(stat -c '%i %Y' "$G" "$D"; cat "$G" "$D")" ]
	# also when lines of others stand behind ours by now
	git config --global alias.st status
	before=$(stat -c '%i' "$G"; cat "$G")
	run -0 "$V" setup git
	[ "$before" = "$(stat -c '%i' "$G"; cat "$G")" ]
}

@test "setup git --undo: what others wrote behind our lines stays whole" {
	printf '[user]\n\tname = x' >"$G"
	"$V" setup git
	git config --global alias.st status
	run -0 "$V" setup git --undo
	[ "$(git config user.name)" = x ]
	[ "$(git config alias.st)" = status ]
	run ! grep -q valetkey "$G"
	[ -z "$(state)" ]
}

@test "setup git --undo: what git put into our sections stays, and is said" {
	printf '[user]\n\tname = x\n' >"$G"
	"$V" setup git
	git config --global credential.https://git.example.username bob
	run -0 "$V" setup git --undo
	[[ $output == *"what others changed"* ]]
	[ "$(git config credential.https://git.example.username)" = bob ]
	[ "$(git config user.name)" = x ]
	run ! grep -q -e helper -e valetkey -e useHttpPath -e deep.example "$G"
}

@test "setup git --undo: marks taken out by hand, sections of the user's own" {
	printf '[credential "https://git.example"]\n\tusername = own\n' >"$G"
	cp "$G" before
	"$V" setup git
	sed -i '/^# .* valetkey/d' "$G"
	"$V" setup git --undo
	cmp "$G" before
}

@test "setup git --undo: our lines already gone" {
	printf '[user]\n\tname = x\n' >"$G"
	cp "$G" before
	"$V" setup git
	cp before "$G"
	run -0 "$V" setup git --undo
	[[ $output == *"nothing of valetkey's"* ]]
	undone "$G" before
	run -0 "$V" setup git --undo
	[[ $output == *"not set up"* ]]
	"$V" setup git
	rm "$G"
	run -0 "$V" setup git --undo
	[ ! -e "$G" ]
}

@test "setup git: the file that git itself would change" {
	mkdir -p "$HOME/.config/git"
	printf '[a]\n\tb = c\n' >"$HOME/.config/git/config"
	"$V" setup git
	[ ! -e "$G" ]
	grep -q git-credential-valetkey "$HOME/.config/git/config"
	# now the other file: the first one gets back what it had
	export GIT_CONFIG_GLOBAL=$T/elsewhere
	"$V" setup git
	grep -q git-credential-valetkey "$T/elsewhere"
	printf '[a]\n\tb = c\n' | cmp - "$HOME/.config/git/config"
	unset GIT_CONFIG_GLOBAL
	"$V" setup git --undo
	[ ! -e "$T/elsewhere" ]
}

@test "setup git: a linked file stays a link" {
	mkdir "$HOME/dot"
	printf '[user]\n\tname = x\n' >"$HOME/dot/gitconfig"
	ln -s dot/gitconfig "$G"
	cp "$G" before
	"$V" setup git
	[ "$(readlink "$G")" = dot/gitconfig ]
	grep -q valetkey "$HOME/dot/gitconfig"
	"$V" setup git --undo
	[ "$(readlink "$G")" = dot/gitconfig ]
	undone "$HOME/dot/gitconfig" before
	rm "$HOME/dot/gitconfig"
	run -4 "$V" setup git
	[ -L "$G" ]
}

@test "setup git: somebody else's lock is respected" {
	: >"$G.lock"
	run -2 "$V" setup git
	[[ $output == *"being changed by another program"* ]]
	[ ! -e "$G" ]
	[ -e "$G.lock" ]
	[ -z "$(state)" ]
}

@test "setup git: a path with blanks, quotes and backslashes is quoted for git and for the shell" {
	dir="$T/a b'c\"d\\e\$f;g#h"
	mkdir "$dir"
	cp "$V" "$dir/valetkey"
	ln -s valetkey "$dir/git-credential-valetkey"
	"$dir/valetkey" setup git
	[[ $(ask https://git.example) == *password=s3cret* ]]
}

@test "setup git: without the links the one file will do" {
	mkdir one
	cp "$V" one/valetkey
	one/valetkey setup git
	[[ $(ask https://git.example) == *password=s3cret* ]]
}

@test "setup: refused where others could replace the program" {
	mkdir -p open/bin
	cp "$V" open/bin/valetkey
	for bad in open/bin open/bin/valetkey open; do
		chmod o+w "$bad"
		run -4 open/bin/valetkey setup git
		[[ $output == *everybody* ]]
		chmod o-w "$bad"
	done
	chmod 1777 open/bin
	run -4 open/bin/valetkey setup git
	[ ! -e "$G" ]
	chmod 755 open/bin
	open/bin/valetkey setup git
}

@test "setup: a program that is gone by now is not registered" {
	cp "$V" gone
	mv gone here
	run -0 ./here setup git --print
	[[ $output == *"/here helper git-credential"* ]]
}

@test "setup --print: shows it and changes nothing" {
	run -0 "$V" setup git docker --print
	[[ $output == *'[credential "https://deep.example:8443"]'*useHttpPath* ]]
	[[ $output == *'"deep.example:8443": "valetkey"'* ]]
	[ ! -e "$G" ]
	[ ! -e "$HOME/.docker" ]
	[ -z "$(state)" ]
}

@test "setup go cargo terraform pip uv: told no hosts, so there need be none, and the keystore is not asked" {
	unset VALETKEY_KEY_FILE
	for tool in go cargo terraform pip uv; do
		split "$V" setup "$tool"
		[ "$status" = 0 ]
		[[ $out == "$tool: valetkey is set up in "* && $out != *host* && $(grep -c . <<<"$out") = 1 ]]
		split "$V" setup "$tool"
		[[ $out == "$tool: already set up in "* && $out != *host* ]]
		[ "$(jq -c .hosts "$HOME/.local/state/valetkey/setup-$tool.json")" = '[]' ]
		[[ $("$V" doctor 2>&1) == *"$tool asks valetkey ("* ]]
		"$V" setup "$tool" --undo
	done
	split "$V" setup git
	[ "$status" = 3 ]
}

@test "setup: hosts by name, with the keystore locked, and kept by later calls" {
	unset VALETKEY_KEY_FILE
	run -3 "$V" setup git
	[[ $output == *--host* ]]
	[ ! -e "$G" ]
	run -0 "$V" setup git --host named.example --host http://clear.example:8080
	git config --get-urlmatch credential.helper https://named.example
	git config --get-urlmatch credential.helper http://clear.example:8080
	export VALETKEY_KEY_FILE=$T/key
	"$V" setup git
	git config --get-urlmatch credential.helper https://named.example
	git config --get-urlmatch credential.helper https://git.example
	# Nor does one more by name take out what an open keystore had.
	cp "$G" before
	unset VALETKEY_KEY_FILE
	"$V" setup git --host more.example
	for host in https://git.example https://deep.example:8443 https://named.example https://more.example; do
		git config --get-urlmatch credential.helper "$host"
	done
	[ "$(git config --get-urlmatch credential.useHttpPath https://deep.example:8443)" = true ]
	run -0 "$V" setup git --host more.example
	[[ $output == *'already set up'* ]]
	[ "$("$V" setup git --host more.example --print)" = "$(cat "$G")" ]
}

@test "setup: bad calls" {
	run -2 "$V" setup
	run -2 "$V" setup svn
	run -2 "$V" setup git svn
	[ ! -e "$G" ]
	run -2 "$V" setup git --undo --print
	run -2 "$V" setup git --host 'https://u:pw@h.example'
	[[ $output != *pw@* ]]
	run -2 "$V" setup git --host 'https://h.example
[credential]'
	run -2 "$V" setup docker --host http://h.example
	[ ! -e "$G" ]
	unset HOME
	run -2 "$V" setup git
}

@test "setup: a keystore without entries" {
	rm "$VALETKEY_KEYSTORE" key
	run -2 "$V" setup git
	[[ $output == *"no host"* ]]
}

@test "add: extends what is set up, and says so" {
	printf '[user]\n\tname = x' >"$G"
	cp "$G" before
	"$V" setup git docker
	split sh -c "printf n3w | '$V' add https://new.example/p --username u"
	[ "$status" -eq 0 ]
	[[ $err == *"git now asks valetkey for https://new.example"*"docker now asks"* ]]
	[[ $(ask https://new.example/p/x) == *password=n3w* ]]
	[ "$(jq -r '.credHelpers["new.example"]' "$D")" = valetkey ]
	# http is nothing for docker; an npm scope nothing for either
	split sh -c "printf n3w | '$V' add http://clear.example --username u"
	[[ $err == *"git now asks"* && $err != *"docker now asks"* ]]
	split sh -c "printf n3w | '$V' add https://npm.example --scope @corp"
	[[ $err != *"now asks"* ]]
	"$V" setup git docker --undo
	undone "$G" before
	[ ! -e "$D" ]
}

@test "add: when the set-up cannot be extended the credential is stored and the user warned" {
	"$V" setup git
	: >"$G.lock"
	split sh -c "printf n3w | '$V' add https://new.example --username u"
	[ "$status" -eq 0 ]
	[[ $err == *"was not extended"* ]]
	[ "$("$V" get https://new.example --field secret)" = n3w ]
}
