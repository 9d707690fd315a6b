#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Importing other programs' files: what is taken, what is said about the rest, and that nothing else changes.
# shellcheck disable=SC2154  # out, err, status come from split

bats_require_minimum_version 1.5.0
load lib
load helpers

setup() {
	vk_keystore
	V=$VALETKEY
	unset NETRC NPM_CONFIG_USERCONFIG DOCKER_CONFIG
}

# import ARGUMENT...: run it; nothing that it says may steer a terminal or hold a secret of the tests
import() {
	split "$V" import "$@"
	if LC_ALL=C grep -q '[^[:print:][:space:]]' "$T/out" "$T/err" || grep -q 'S3CR3T' "$T/out" "$T/err"; then
		echo "what is printed is not clean"
		show_run
	fi
}

# entry URL: "user kind secret scope origin" of what the keystore has there
entry() {
	local json

	json=$("$V" list --json "$1") || return
	jq -r --arg secret "$("$V" get "$1")" '.[0] | [.username, .kind, $secret, .scope, .origin] | join(" ")' <<<"$json"
}

count() { "$V" list --json | jq length; }

# machines N: a netrc of that many
machines() {
	seq "$1" | sed 's/.*/machine host-&.example login ci password t0ken-&/'
}

@test "netrc" {
	printf 'machine a.example login u password p\nmachine b.example:8443\n\tlogin "me and" password "q\\"r"\n' >"$HOME/.netrc"
	import netrc
	[ "$status" -eq 0 ]
	[ -z "$err" ]
	[[ $out == "$HOME/.netrc: 2 taken, 0 already there, 0 with another secret, 0 not taken"$'\n'"next: "* ]] || show_run
	[ "$(entry https://a.example)" = "u basic p  you" ]
	[ "$(entry https://b.example:8443)" = 'me and basic q"r  you' ]
	[ "$("$V" show --json a.example | jq -r .url)" = https://a.example ]
	# what is imported is pinned
	ask_git erase 'protocol=https\nhost=a.example\nusername=u\npassword=p\n\n'
	silent
	[ "$("$V" get https://a.example)" = p ]
}

@test "git-credentials, as git itself writes them" {
	git config --global credential.helper store
	printf 'protocol=https\nhost=h.example:8443\npath=team/x y\nusername=a@b\npassword=p/:%%\303\251\n\n' |
		git -c credential.useHttpPath=true credential approve
	grep -q '%3a8443' "$HOME/.git-credentials"
	import git-credentials
	[ "$status" -eq 0 ] || show_run
	ask_git get 'protocol=https\nhost=h.example:8443\npath=team/x y\n\n'
	[[ $out == *$'username=a@b\n'*$'password=p/:%\303\251\n'* ]] || show_run
}

@test "npmrc" {
	printf '@corp:registry=https://npm.example/repo/\n//npm.example/repo/:_authToken=t0ken\nfund=false\n//two.example/:_auth=dTpw\n%s' \
		'//three.example/:_authToken=${NPM_TOKEN}' >"$HOME/.npmrc"
	import npmrc
	[ "$status" -eq 0 ] && [[ $out == *": 2 taken, 0 already there, 0 with another secret, 1 not taken"*"line 5: "*variable* ]] || show_run
	[ "$(entry https://npm.example/repo)" = " bearer t0ken @corp you" ]
	[ "$(entry https://two.example)" = "u basic p  you" ]
	[ "$(count)" -eq 2 ]
}

@test "docker" {
	mkdir "$HOME/.docker"
	cat >"$HOME/.docker/config.json" <<-END
		{"auths": {
			"r.example:5000": {"auth": "$(printf u:p | base64)"},
			"https://index.docker.io/v1/": {"auth": "$(printf hub:q | base64)"},
			"i.example": {"auth": "$(printf u: | base64)", "identitytoken": "idt"},
			"gone.example": {}},
		 "credHelpers": {"gcr.example": "gcloud"}, "credsStore": "pass"}
	END
	import docker
	[ "$status" -eq 0 ] || show_run
	[[ $out == *": 3 taken, "*" 3 not taken"*"line 5: gone.example: "*"line 6: gcr.example: another"*"line 6: credsStore: "* ]] || show_run
	ask_docker get r.example:5000
	[ "$(jq -r '.Username + " " + .Secret' <<<"$out")" = "u p" ]
	ask_docker get https://index.docker.io/v1/
	[ "$(jq -r '.Username + " " + .Secret' <<<"$out")" = "hub q" ]
	ask_docker get i.example
	[ "$(jq -r '.Username + " " + .Secret' <<<"$out")" = "<token> idt" ]
}

@test "pypirc" {
	printf '[distutils]\nindex-servers = x\n[x]\nrepository = https://py.example/simple/\nusername = u\npassword = p%%\n' >"$HOME/.pypirc"
	import pypirc
	[ "$status" -eq 0 ] || show_run
	[ "$(entry https://py.example/simple)" = "u basic p%  you" ]
}

@test "where files are looked for, and when there is none" {
	for format in netrc git-credentials npmrc docker pypirc; do
		import "$format"
		[ "$status" -eq 1 ] && [ -z "$out" ] && [[ $err == *"there is no file $HOME/."* ]] || show_run
	done
	import git-credentials
	[[ $err == *"there is no file $HOME/.git-credentials" ]] || show_run # the usual one of the two
	machines 1 >"$T/n"
	export NETRC=$T/n
	import netrc
	[ "$status" -eq 0 ] && [[ $out == "$T/n: 1 taken"* ]] || show_run
	echo '//h.example/:_authToken=t' >"$T/m"
	export NPM_CONFIG_USERCONFIG=$T/m
	import npmrc
	[ "$status" -eq 0 ] && [[ $out == "$T/m: 1 taken"* ]] || show_run
	mkdir -p "$T/d" "$T/x/git"
	echo '{"auths": {"d.example": {"auth": "dTpw"}}}' >"$T/d/config.json"
	DOCKER_CONFIG=$T/d import docker
	[ "$status" -eq 0 ] && [[ $out == "$T/d/config.json: 1 taken"* ]] || show_run
	echo https://u:p@x.example >"$T/x/git/credentials"
	XDG_CONFIG_HOME=$T/x import git-credentials
	[ "$status" -eq 0 ] && [[ $out == "$T/x/git/credentials: 1 taken"* ]] || show_run
	echo https://u:p@y.example >"$HOME/.git-credentials"
	XDG_CONFIG_HOME=$T/x import git-credentials
	[[ $out == "$HOME/.git-credentials: 1 taken"* ]] || show_run
	import netrc "$T/none"
	[ "$status" -eq 1 ]
	[[ $err == *"$T/none"* ]]
}

@test "what is no format, no file, or no use" {
	sum=$(keystore_sum)
	import passwords "$T/x"
	[ "$status" -eq 2 ]
	[[ $err == *"no such format: passwords"* ]]
	import
	[ "$status" -eq 2 ]
	import netrc a b
	[ "$status" -eq 2 ]
	import netrc "$T"
	[ "$status" -eq 4 ]
	[[ $err == *"not a regular file"* ]]
	mkfifo "$T/fifo"
	import netrc "$T/fifo"
	[ "$status" -eq 4 ]
	echo '# nothing' >"$T/n"
	import netrc "$T/n"
	[ "$status" -eq 1 ] && [[ $err == *"no credential to take"* ]] || show_run
	import netrc "$T/n" --dry-run --wipe-source
	[ "$status" -eq 2 ]
	head -c 1048577 /dev/zero | tr '\0' '\n' >"$T/n"
	import npmrc "$T/n"
	[ "$status" -eq 2 ]
	[[ $err == *"$T/n: it is larger than 1 MiB"* ]]
	unchanged "$sum"
}

@test "a file beyond 1 GiB is refused before the keystore is touched" {
	sum=$(keystore_sum)
	machines 1 >"$T/n"
	truncate -s 1073741825 "$T/n"
	import netrc "$T/n"
	[ "$status" -eq 2 ] && [[ $err == *"larger than 1024 MiB"* ]] || show_run
	unchanged "$sum"
}

@test "again: the same, another secret, --replace" {
	machines 3 >"$T/n"
	import netrc "$T/n"
	sum=$(keystore_sum)
	import netrc "$T/n"
	[ "$status" -eq 0 ] && [[ $out == *": 0 taken, 3 already there, 0 with another secret, 0 not taken"$'\n' ]] || show_run
	unchanged "$sum"
	sed -i 's/t0ken-2/n3w/' "$T/n"
	import netrc "$T/n"
	[ "$status" -eq 0 ] && [[ $out == *": 0 taken, 2 already there, 1 with another secret, 0 not taken"*"line 2: https://host-2.example as ci: "*--replace* ]] || show_run
	unchanged "$sum"
	import netrc "$T/n" --replace
	[[ $out == *": 1 taken, 2 already there, 0 with another secret"* ]] || show_run
	[ "$("$V" get https://host-2.example)" = n3w ]
	[ "$("$V" show --json host-2.example | jq -r .username)" = ci ]
}

@test "what a client stored: the same becomes yours, another secret is left" {
	for host in a b; do
		ask_git store "protocol=https\nhost=$host.example\nusername=u\npassword=p\n\n"
	done
	printf 'machine a.example login u password p\nmachine b.example login u password q\n' >"$T/n"
	import netrc "$T/n"
	[[ $out == *": 1 taken, 0 already there, 1 with another secret"* ]] || show_run
	[ "$(entry https://a.example)" = "u basic p  you" ]
	[ "$(entry https://b.example)" = "u basic p  git" ]
	import netrc "$T/n" --replace
	[ "$(entry https://b.example)" = "u basic q  you" ]
}

@test "two accounts on a machine are two, and the first is the default; of one account the first wins" {
	printf 'machine h.example login a password 1\nmachine h.example login b password 2\nmachine H.example login b password S3CR3T\nmachine h.example login a password 1\n' >"$T/n"
	import netrc "$T/n"
	[ "$status" -eq 0 ] && [[ $out == *": 2 taken, 1 already there, 0 with another secret, 1 not taken"*"line 3: https://h.example as b: line 2 has another secret"*"first one wins"* ]] || show_run
	[ "$("$V" get https://h.example)" = 1 ]
	[ "$("$V" get https://h.example --username b)" = 2 ]
}

@test "names: free ones are given, taken ones are not disturbed" {
	vk_add https://other.example u x --name h.example
	printf 'machine h.example login a password 1\nmachine h.example login b password 2\n' >"$T/n"
	import netrc "$T/n"
	[ "$status" -eq 0 ]
	[ "$("$V" show --json h.example | jq -r .url)" = https://other.example ]
	[ "$("$V" show --json a@h.example | jq -r .url)" = https://h.example ]
}

@test "what is not taken: twenty of it in text, all of it in JSON" {
	{
		echo 'machine good.example login u password p'
		for i in $(seq 30); do echo "default login u password S3CR3T-$i"; done
	} >"$T/n"
	import netrc "$T/n"
	[ "$status" -eq 0 ]
	[ "$(grep -c '^  line' "$T/out")" -eq 20 ]
	[[ $out == *"1 taken,"*" 30 not taken"*"line 21: default: "*"  and 10 more"* ]] || show_run
	import netrc "$T/n" --json
	[ "$(jq -c '[.format, .file, .found, .taken, .same, .not_taken, .unlisted, (.left | length)]' <<<"$out")" = \
		"[\"netrc\",\"$T/n\",1,0,1,30,0,30]" ] || show_run
	[ "$(jq -c '.left[29] | [.line, .what, .secret]' <<<"$out")" = '[31,"default",true]' ] || show_run
}

@test "hostile text does not reach the terminal, nor does a secret" {
	printf 'machine \033]0;x\007h.example login u password S3CR3T\nmachine "a\nb" login u password S3CR3T\nmachine \302\233h login u\nmachine ok.example login u\033[2J password S3CR3T\nmachine nul\0.example login u password S3CR3T\nmachine q.example login u password S3CR3T-1 more-S3CR3T\n' >"$T/n"
	import netrc "$T/n"
	[ "$status" -eq 0 ] && [[ $out == *": 1 taken"*"line 7: q.example: a word here"* ]] || show_run
	import netrc "$T/n" --json
	[ "$status" -eq 0 ]
	jq . <<<"$out" >/dev/null
	printf 'https://u:S3CR3T@h\r\nS3CR3T\nhttps://u:S3CR3T%%0a@h\nhttps://u:S3CR3T%%1b]0;x%%07@h\nhttps://u:S3/CR3T@h\nhttps://u\0:S3CR3T@h\nhttps://S3CR3T@h\nhttps://u:p@%%1b[2J\n' >"$T/c"
	import git-credentials "$T/c"
	[ "$status" -eq 1 ] && [[ $out == *": 0 taken"*" 8 not taken"* ]] || show_run
	import git-credentials "$T/c" --json
	[ "$status" -eq 1 ]
	[ "$(jq '.left | length' <<<"$out")" -eq 8 ]
	printf '//h\033[2J/:_authToken=S3CR3T\n//i/:_authToken="S3CR3T\\u001b"\n//j/:_auth=S3CR3T\n_auth=S3CR3T\n#//k/:_authToken=S3CR3T\n' >"$T/m"
	import npmrc "$T/m"
	[ "$status" -eq 1 ] || show_run
	printf '[\033[2J]\nusername=u\npassword=S3CR3T\n[x]\nS3CR3T\nrepository=https://u:S3CR3T@h/\nusername=u\npassword=S3CR3T\n' >"$T/p"
	import pypirc "$T/p"
	[ "$status" -eq 1 ] || show_run
	[ "$(count)" -eq 1 ]
	cd "$T" && mkdir $'odd\033[2J'
	cp "$T/p" $'odd\033[2J/p'
	import pypirc $'odd\033[2J/p'
	[ "$status" -eq 1 ]
}

@test "docker's JSON: repeated keys, wrong types, cut short" {
	sum=$(keystore_sum)
	for text in '{"auths": {"h": {"auth": "S3CR3T"}, "h": {"auth": "dTpw"}}}' '{"auths": {}, "auths": {"h": {"auth": "dTpw"}}}' \
		'{"auths": {"h": {"auth": "dTpw", "AUTH": "dTpx"}}}' '{"auths": ["S3CR3T"]}' '["S3CR3T"]' '{"auths": {"h": {"auth": "S3CR3T' \
		'{"auths": {}} S3CR3T' $'{"auths": {"h": {"auth": "\xff"}}}'; do
		printf %s "$text" >"$T/d"
		import docker "$T/d" --wipe-source
		[ "$status" -eq 2 ] && [ -z "$out" ] && [[ $err == *"$T/d: "* ]] || show_run
		[ "$(cat "$T/d")" = "$text" ]
	done
	unchanged "$sum"
}

@test "--dry-run changes nothing" {
	machines 3 >"$T/n"
	import netrc "$T/n"
	printf 'machine new.example login u password p\nmachine host-1.example login ci password other\n' >>"$T/n"
	sum=$(keystore_sum)
	before=$(stat -c '%i %Y %Z %s' "$T/n" "$VALETKEY_KEYSTORE")
	import netrc "$T/n" --dry-run
	[ "$status" -eq 0 ] && [[ $out == *": 1 would be taken, 3 already there, 0 with another secret, 1 not taken"* && $out != *next:* ]] || show_run
	import netrc "$T/n" --dry-run --replace --json
	[ "$(jq -c '[.dry_run, .compared, .taken, .wiped]' <<<"$out")" = '[true,true,1,false]' ] || show_run
	unchanged "$sum"
	[ "$before" = "$(stat -c '%i %Y %Z %s' "$T/n" "$VALETKEY_KEYSTORE")" ]
	[ "$(ls "$T" | grep -c keystore)" -eq 1 ]
}

@test "locked, or no keystore: only --dry-run looks" {
	machines 3 >"$T/n"
	sum=$(keystore_sum)
	without_key import netrc "$T/n" --wipe-source
	[ "$status" -eq 3 ] && [ -z "$out" ] || show_run
	[ "$(wc -l <"$T/n")" -eq 3 ]
	without_key import netrc "$T/n" --dry-run
	[ "$status" -eq 0 ] && [[ $out == *": 3 would be taken"* && $err == *"locked, so nothing is compared"* ]] || show_run
	VALETKEY_KEY=x import netrc "$T/n" --dry-run
	[ "$status" -eq 3 ]
	unchanged "$sum"
	export VALETKEY_KEYSTORE=$T/none
	import netrc "$T/n"
	[ "$status" -eq 1 ]
	[[ $err == *"valetkey init"* ]]
	import netrc "$T/n" --dry-run --json
	[ "$status" -eq 0 ] && [ "$(jq -c '[.compared, .taken]' <<<"$out")" = '[false,3]' ] || show_run
	[ ! -e "$T/none" ]
}

@test "standard input, also a long one" {
	machines 3000 >"$T/n"
	split "$V" import netrc - <"$T/n"
	[ "$status" -eq 0 ] && [[ $out == "standard input: 3000 taken"* ]] || show_run
	split bash -c '(cat "$1"; sleep 0.3; echo machine last.example login u password p) | "$2" import netrc - --json' - "$T/n" "$V"
	[ "$(jq -c '[.taken, .same]' <<<"$out")" = '[1,3000]' ] || show_run
	[ "$(count)" -eq 3001 ]
	split "$V" import netrc - --wipe-source <"$T/n"
	[ "$status" -eq 2 ]
	[[ $err == *"needs a file"* ]]
}

@test "secrets of 64 KiB, and larger ones" {
	big=$(head -c 65536 /dev/zero | tr '\0' x)
	printf 'machine a.example login u password %s\nmachine b.example login u password %sS3CR3T\n' "$big" "$big" >"$T/n"
	import netrc "$T/n"
	[[ $out == *": 1 taken"*"1 not taken"*"line 2: b.example: "*"too long"* ]] || show_run
	[ "$("$V" get https://a.example)" = "$big" ]
	printf 'https://u:%s@c.example\nhttps://u:%sS3CR3T@d.example\n' "$big" "$big" >"$T/c"
	import git-credentials "$T/c"
	[[ $out == *": 1 taken"*"1 not taken"*"line 2: d.example: its secret is larger"* ]] || show_run
	[ "$("$V" get https://c.example)" = "$big" ]
	printf '//e.example/:_authToken=%s\n//f.example/:_authToken=%sS3CR3T\n' "$big" "$big" >"$T/m"
	import npmrc "$T/m"
	[[ $out == *": 1 taken"*"1 not taken"* ]] || show_run
	[ "$("$V" get https://e.example)" = "$big" ]
	jq -n --arg auth "$(printf 'u:%s' "$big" | base64 -w0)" '{auths: {"g.example": {auth: $auth}}}' >"$T/d"
	import docker "$T/d"
	[[ $out == *": 1 taken"* ]] || show_run
	printf '[x]\nrepository=https://i.example\nusername=u\npassword=%s\n' "$big" >"$T/p"
	import pypirc "$T/p"
	[[ $out == *": 1 taken"* ]] || show_run
	[ "$(count)" -eq 5 ]
}

@test "a path that is too deep for an entry is left, the rest is taken" {
	printf 'https://u:p@h/%s\nhttps://u:p@h/%s\n' 1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16 1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17 >"$T/c"
	import git-credentials "$T/c"
	[ "$status" -eq 0 ] && [[ $out == *": 1 taken"*"line 2: "*"more than 16 parts"* ]] || show_run
}

@test "http is taken with a warning" {
	echo http://u:p@h.example >"$T/c"
	import git-credentials "$T/c"
	[ "$status" -eq 0 ] && [[ $err == *"1 is for http://"* ]] || show_run
	ask_git get 'protocol=https\nhost=h.example\n\n'
	silent
}

@test "a file that changes meanwhile: nothing is imported" {
	machines 4000 >"$T/n"
	sum=$(keystore_sum)
	: >"$T/trace"
	strace -qq -y -o "$T/trace" -e trace=read -e inject=read:delay_exit=200000 "$V" import netrc "$T/n" >"$T/out" 2>"$T/err" &
	pid=$!
	until grep -q "<$T/n>" "$T/trace"; do sleep 0.05; done
	echo 'machine late.example login u password p' >>"$T/n"
	status=0
	wait $pid || status=$?
	[ "$status" -eq 6 ] && grep -q 'changed while it was read' "$T/err" || { cat "$T/err"; false; }
	unchanged "$sum"
}

@test "an import that is killed leaves the old keystore or all of it" {
	vk_add https://old.example u s3cret
	machines 20000 >"$T/n"
	for after in 0.02 0.05 0.1 0.2 0.3 0.4; do
		timeout -s KILL "$after" "$V" import netrc "$T/n" >/dev/null 2>&1 || true
		n=$(count)
		[ "$n" -eq 1 ] || [ "$n" -eq 20001 ]
		[ "$("$V" get https://old.example)" = s3cret ]
	done
}

@test "progress: on a terminal only, without colour or escapes, and gone at the end; else when asked for" {
	! grep -q __asan_init "$VALETKEY" || skip "a sanitized build takes its time"
	machines 60000 >"$T/n"
	import netrc "$T/n" --dry-run
	[ -z "$err" ]
	TERM=xterm script -qec "$V import netrc $T/n" "$T/typescript" </dev/null >/dev/null
	grep -q $'\r''importing *[0-9]*%  [0-9.]* of [0-9.]* MiB' "$T/typescript"
	run ! grep -q $'\033' "$T/typescript"
	grep -q $'  *\r'"$T/n: 60000 taken" "$T/typescript" # blanks over the bar, then the report
	export VALETKEY_KEYSTORE=$T/second
	"$V" init --key-file "$T/key" >"$T/log"
	TERM=dumb script -qec "$V import netrc $T/n" "$T/typescript" </dev/null >/dev/null
	grep -q "$T/n: 60000 taken" "$T/typescript"
	run ! grep -q importing "$T/typescript"
	export VALETKEY_KEYSTORE=$T/third
	"$V" init --key-file "$T/key" >"$T/log"
	import netrc "$T/n" --progress
	[[ $err == *"importing"*"%"*"MiB"* && $err != *$'\r'* ]] || show_run
}
