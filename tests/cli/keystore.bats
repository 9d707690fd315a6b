#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The commands that make, fill and read a keystore.
# shellcheck disable=SC2154  # out, err, status come from split

load lib
load helpers

setup() {
	vk_home
}

# fails STATUS PATTERN COMMAND...: it fails so, one error line matches, and stdout stays empty
fails() {
	local want=$1 pattern=$2

	shift 2
	split "$@"
	if ! { [ "$status" -eq "$want" ] && [ -z "$out" ] && [[ $err == *$pattern* ]]; }; then show_run; fi
}

works() {
	split "$@"
	if [ "$status" -ne 0 ]; then show_run; fi
}

# As fails, with TEXT as standard input.
fails_with() {
	local text=$1

	shift
	printf %s "$text" >"$T/in"
	fails "$@" <"$T/in"
}

works_with() {
	local text=$1

	shift
	printf %s "$text" >"$T/in"
	works "$@" <"$T/in"
}

@test "init: a key file and a keystore, both private" {
	works "$VALETKEY" init --key-file "$T/key"
	[ "$(stat -c %a "$T/key" "$VALETKEY_KEYSTORE")" = "600"$'\n'"600" ]
	[ "$(wc -lc <"$T/key" | tr -s ' ')" = " 1 45" ]
	[ "$(base64 -d <"$T/key" | wc -c)" -eq 32 ]
	works "$VALETKEY" status
	VALETKEY_KEY=$(cat "$T/key") VALETKEY_KEY_FILE='' works "$VALETKEY" list
}

@test "init: the default place is made, private" {
	unset VALETKEY_KEYSTORE
	works "$VALETKEY" init --key-file "$T/key"
	[ "$(stat -c %a "$HOME/.local/share/valetkey/keystore")" = 600 ]
	[ "$(stat -c %a "$HOME/.local/share/valetkey")" = 700 ]
	XDG_DATA_HOME=$T/data works "$VALETKEY" init --key-file "$T/key"
	[ -f "$T/data/valetkey/keystore" ]
}

@test "init: never over anything" {
	works "$VALETKEY" init --key-file "$T/key"
	before=$(sha256sum "$VALETKEY_KEYSTORE" "$T/key")
	fails 2 "already" "$VALETKEY" init --key-file "$T/key"
	fails 2 "already" "$VALETKEY" init --key-file "$T/key2"
	[ ! -e "$T/key2" ]
	[ "$before" = "$(sha256sum "$VALETKEY_KEYSTORE" "$T/key")" ]
	rm "$VALETKEY_KEYSTORE"
	ln -s nowhere "$VALETKEY_KEYSTORE"
	fails 2 "already" "$VALETKEY" init --key-file "$T/key"
	[ ! -e "$T/nowhere" ]
}

@test "init: a key file that holds a key is used, any other is left alone" {
	works "$VALETKEY" init --key-file "$T/key"
	before=$(cat "$T/key")
	VALETKEY_KEYSTORE=$T/second works "$VALETKEY" init --key-file "$T/key"
	[ "$before" = "$(cat "$T/key")" ]
	VALETKEY_KEYSTORE=$T/second works "$VALETKEY" list
	echo "not a key" >"$T/notes"
	VALETKEY_KEYSTORE=$T/third fails 2 "no raw key" "$VALETKEY" init --key-file "$T/notes"
	[ "$(cat "$T/notes")" = "not a key" ]
	[ ! -e "$T/third" ]
	: >"$T/empty"
	VALETKEY_KEYSTORE=$T/third fails 2 "no raw key" "$VALETKEY" init --key-file "$T/empty"
	ln -s elsewhere "$T/dangling"
	VALETKEY_KEYSTORE=$T/third fails 6 "dangling" "$VALETKEY" init --key-file "$T/dangling"
	[ ! -e "$T/third" ]
	[ ! -e "$T/elsewhere" ]
}

@test "init: when the keystore cannot be made, the key file is taken back" {
	mkdir "$T/dir" && : >"$T/dir/file"
	VALETKEY_KEYSTORE=$T/dir/file/keystore fails 6 "" "$VALETKEY" init --key-file "$T/new"
	[ ! -e "$T/new" ]
	[ -z "$(find "$T" -name '*.new-*')" ]
}

@test "init: VALETKEY_KEY is the slot" {
	unset VALETKEY_KEY_FILE
	VALETKEY_KEY=$(head -c32 /dev/urandom | base64)
	export VALETKEY_KEY
	works "$VALETKEY" init
	works_with s3cret "$VALETKEY" add https://git.example --username alice
	works "$VALETKEY" get https://git.example
	[ "$out" = "s3cret"$'\n' ]
	fails 2 "VALETKEY_KEY" env VALETKEY_KEYSTORE="$T/k2" "$VALETKEY" init --key-file "$T/key"
	VALETKEY_KEY=nonsense fails 3 "VALETKEY_KEY" env VALETKEY_KEYSTORE="$T/k2" "$VALETKEY" init
	[ ! -e "$T/k2" ]
}

@test "init: a passphrase, and what goes wrong with one" {
	unset VALETKEY_KEY_FILE
	works_with "correct horse" "$VALETKEY" init --passphrase-stdin --kdf interactive
	works "$VALETKEY" status --json || [ "$status" -eq 3 ]
	VALETKEY_KEYSTORE=$T/k2
	fails_with "" 2 "empty" "$VALETKEY" init --passphrase-stdin
	fails_with "two"$'\n'"lines" 2 "more than one line" "$VALETKEY" init --passphrase-stdin
	fails_with "x" 2 "no such cost" "$VALETKEY" init --passphrase-stdin --kdf cheap
	fails 3 "not a terminal" "$VALETKEY" init </dev/null
	[ ! -e "$T/k2" ]
}

@test "add and get: basic, bearer and header" {
	vk_keystore
	works_with "s3cret" "$VALETKEY" add https://git.example --username alice
	[ "$err" = "" ]
	[[ $out == "stored git.example: basic credential for https://git.example as alice; next: "* ]]
	works_with "tok"$'\n' "$VALETKEY" add https://npm.example/repo --scope @corp
	works_with "hdr"$'\r\n' "$VALETKEY" add https://api.example --kind header --header X-Api-Key
	works "$VALETKEY" get https://git.example/any/repo
	[ "$out" = "s3cret"$'\n' ]
	works "$VALETKEY" get https://npm.example/repo/pkg
	[ "$out" = "tok"$'\n' ]
	works "$VALETKEY" get https://api.example --json
	[ "$(jq -r '[.secret, .kind, .header] | join(" ")' <<<"$out")" = "hdr header X-Api-Key" ]
	works "$VALETKEY" get --field username https://git.example
	[ "$out" = "alice"$'\n' ]
	fails 1 "no user name" "$VALETKEY" get --field username https://api.example
	works "$VALETKEY" get https://git.example --field all
	[ "$out" = $'url=https://git.example\nkind=basic\nusername=alice\nsecret=s3cret\n' ]
}

@test "add: the secret is kept byte for byte" {
	vk_keystore
	secret=$' "\\\t\x01\xff\xc3\xa4;#= '
	works_with "$secret" "$VALETKEY" add https://git.example --username alice
	works "$VALETKEY" get https://git.example
	[ "$out" = "$secret"$'\n' ]
	fails 2 "UTF-8" "$VALETKEY" get https://git.example --json
	head -c 65536 /dev/zero | tr '\0' x >"$T/big"
	works "$VALETKEY" add https://big.example <"$T/big"
	works "$VALETKEY" get https://big.example
	[ "${#out}" -eq 65537 ]
}

@test "add: what cannot be a secret is refused, and nothing is written" {
	vk_keystore
	sum=$(keystore_sum)
	fails_with "" 2 "empty" "$VALETKEY" add https://git.example
	fails_with $'\n' 2 "empty" "$VALETKEY" add https://git.example
	fails_with $'a\nb' 2 "more than one line" "$VALETKEY" add https://git.example
	fails_with $'a\n\n' 2 "more than one line" "$VALETKEY" add https://git.example
	fails_with $'a\rb' 2 "more than one line" "$VALETKEY" add https://git.example
	printf 'a\0b' >"$T/nul"
	fails 2 "NUL" "$VALETKEY" add https://git.example <"$T/nul"
	head -c 65537 /dev/zero | tr '\0' x >"$T/big"
	fails 2 "65536" "$VALETKEY" add https://git.example <"$T/big"
	unchanged "$sum"
}

@test "add: bad command lines" {
	vk_keystore
	sum=$(keystore_sum)
	fails 2 "scheme" "$VALETKEY" add git.example
	fails 2 "password in a URL" "$VALETKEY" add https://alice:pw@git.example
	[[ $err != *:pw* ]]
	fails 2 "dot segment" "$VALETKEY" add https://git.example/a/../b
	fails 2 "different users" "$VALETKEY" add https://alice@git.example --username bob
	fails 2 "needs --username" "$VALETKEY" add https://git.example --kind basic
	fails 2 "--header" "$VALETKEY" add https://git.example --kind header
	fails 2 "--header" "$VALETKEY" add https://git.example --kind header --header 'X: y'
	fails 2 "--header" "$VALETKEY" add https://git.example --username u --header X-Y
	fails 2 "@corp" "$VALETKEY" add https://git.example --scope corp
	fails 2 "a name has" "$VALETKEY" add https://git.example --name 'a,b'
	fails 2 "a name has" "$VALETKEY" add https://git.example --name ''
	fails 2 "no such kind" "$VALETKEY" add https://git.example --kind digest
	fails 2 "in the past" "$VALETKEY" add https://git.example --expires 2001-01-01
	fails 2 "not a time" "$VALETKEY" add https://git.example --expires soon
	fails 2 "not a time" "$VALETKEY" add https://git.example --expires 2999-02-30
	fails 2 "no such option" "$VALETKEY" add https://git.example --secret hunter2
	fails 2 "twice" "$VALETKEY" add https://git.example --name a --name b
	fails 2 "needs an argument" "$VALETKEY" add https://git.example --name
	fails 2 "too many" "$VALETKEY" add https://git.example hunter2
	fails 2 "missing" "$VALETKEY" add
	fails 2 "control characters" "$VALETKEY" add https://git.example --username $'a\nb'
	unchanged "$sum"
}

@test "add: expiry in all its spellings" {
	vk_keystore
	now=$(date +%s)
	for when in +30d +12h +90m +100s +2w 2999-01-31 2999-01-31T12:30:00Z 2999-01-31T13:30:00+01:00 \
		'2999-01-31 12:30:00.25z' 32476595400; do
		works_with x "$VALETKEY" add https://t.example --expires "$when" --replace
		works "$VALETKEY" show t.example --json
		t=$(jq .expires <<<"$out")
		case $when in
		+30d) want=$((now + 30 * 86400)) ;;
		+12h) want=$((now + 43200)) ;;
		+90m) want=$((now + 5400)) ;;
		+100s) want=$((now + 100)) ;;
		+2w) want=$((now + 14 * 86400)) ;;
		32476595400) want=$when ;;
		2999-01-31) want=$(date -d "2999-01-31 00:00Z" +%s) ;;
		*) want=$(date -d "2999-01-31 12:30:00Z" +%s) ;;
		esac
		echo "$when: $t, expected $want"
		[ "$t" -ge "$want" ]
		[ "$t" -le $((want + 30)) ]
	done
}

@test "add: an expired credential answers nobody, and list says so" {
	vk_keystore
	works_with x "$VALETKEY" add https://t.example --expires +1s
	works "$VALETKEY" list
	[[ $out == *"in 1 second "* ]] || [[ $out == *expired* ]]
	sleep 2
	works "$VALETKEY" list
	[[ $out == *" expired "* ]]
	fails 1 "" "$VALETKEY" get https://t.example
}

@test "add: --from copies by reference" {
	vk_keystore
	printf 'filed\n' >"$T/token"
	TOKEN=varied works "$VALETKEY" add https://a.example --from env:TOKEN
	works "$VALETKEY" add https://b.example --from "file:$T/token"
	rm "$T/token"
	works "$VALETKEY" get https://a.example
	[ "$out" = "varied"$'\n' ]
	works "$VALETKEY" get https://b.example
	[ "$out" = "filed"$'\n' ]
	fails 6 "NOSUCH" "$VALETKEY" add https://c.example --from env:NOSUCH
	fails 6 "" "$VALETKEY" add https://c.example --from "file:$T/token"
	fails 2 "--from" "$VALETKEY" add https://c.example --from keystore:a.example
	fails 2 "" "$VALETKEY" add https://c.example --from hunter2
	[[ $err != *hunter2* ]]
	fails 1 "" "$VALETKEY" get https://c.example
}

@test "add: an entry that is there is replaced only when told to" {
	vk_keystore
	vk_add https://git.example alice one --name mine
	sum=$(keystore_sum)
	fails_with two 2 "stored by you" "$VALETKEY" add https://git.example --username alice
	unchanged "$sum"
	works_with two "$VALETKEY" add https://git.example --username alice --replace
	works "$VALETKEY" get https://git.example
	[ "$out" = "two"$'\n' ]
	works "$VALETKEY" show mine # the name stayed
	works "$VALETKEY" list --json
	[ "$(jq length <<<"$out")" -eq 1 ]
}

@test "add: names are unique, and derived where none is given" {
	vk_keystore
	vk_add https://git.example alice a
	vk_add https://git.example bob b
	works "$VALETKEY" list --json
	[ "$(jq -r '[.[].name] | sort | join(" ")' <<<"$out")" = "bob@git.example git.example" ]
	fails_with c 2 "has the name" "$VALETKEY" add https://other.example --name git.example
	fails_with c 2 "free" "$VALETKEY" add https://git.example:443 --kind bearer
	[[ $err == *"hint: choose one with --name"* ]]
	works_with c "$VALETKEY" add https://git.example:8443/x/y
	works "$VALETKEY" show git.example:8443/x/y
}

@test "add: the first account is the default, until --default says otherwise" {
	vk_keystore
	vk_add https://git.example alice a
	vk_add https://git.example bob b
	works "$VALETKEY" get https://git.example --field username
	[ "$out" = "alice"$'\n' ]
	works "$VALETKEY" get https://git.example --username bob
	[ "$out" = "b"$'\n' ]
	works "$VALETKEY" get https://bob@git.example
	[ "$out" = "b"$'\n' ]
	fails 1 "" "$VALETKEY" get https://git.example --username carol
	vk_add https://git.example bob b2 --replace --default
	works "$VALETKEY" get https://git.example
	[ "$out" = "b2"$'\n' ]
	vk_add https://git.example bob b3 --replace # still the default
	works "$VALETKEY" get https://git.example
	[ "$out" = "b3"$'\n' ]
}

@test "add: http and Docker Hub are warned about" {
	vk_keystore
	works_with x "$VALETKEY" add http://git.example --username u
	[[ $err == *"in the clear"* ]]
	works_with x "$VALETKEY" add https://docker.io --username u
	[[ $err == *"index.docker.io/v1"* ]]
	fails 1 "" "$VALETKEY" get https://git.example
}

@test "list: nothing secret, nothing that a terminal obeys" {
	vk_keystore
	vk_add https://git.example alice TOPSECRET
	ask_git store 'protocol=https\nhost=evil.example\nusername=\033]0;x\007\302\2332J\npassword=TOPSECRET\n'
	[ "$status" -eq 0 ]
	for args in "list" "list --json" "list https://evil.example" "show https://evil.example" "show git.example --json"; do
		# shellcheck disable=SC2086
		works "$VALETKEY" $args
		[[ $out != *TOPSECRET* ]]
		! LC_ALL=C grep -q "[$(printf '\001-\010\013-\037\177')]" <<<"$out"
		[[ $out != *$'\xc2\x9b'* ]]
	done
	works "$VALETKEY" list
	[[ $out == *"?]0;x?"* ]]
	works "$VALETKEY" list --json
	[ "$(jq -r '.[] | select(.origin == "git") | .username' <<<"$out")" = $'\033]0;x\a\xc2\x9b2J' ]
}

@test "list: by URL, and an empty one" {
	vk_keystore
	works "$VALETKEY" list
	[ -z "$out" ]
	[[ $err == *empty* ]]
	works "$VALETKEY" list --json
	[ "$(jq length <<<"$out")" -eq 0 ]
	vk_add https://git.example/a u 1
	vk_add https://git.example/ab u 2
	vk_add https://git.example/a/b u 3
	vk_add https://git.example u 4
	vk_add https://other.example u 5
	works "$VALETKEY" list https://git.example/a --json
	[ "$(jq -r '[.[].url] | sort | join(" ")' <<<"$out")" = \
		"https://git.example https://git.example/a https://git.example/a/b" ]
	works "$VALETKEY" list https://git.example --json
	[ "$(jq length <<<"$out")" -eq 4 ]
	split "$VALETKEY" list https://none.example
	[ "$status" -eq 1 ]
	[ -z "$out" ]
}

@test "list: what a client refused is shown with its time" {
	vk_keystore
	vk_add https://git.example alice s3cret
	ask_git erase 'protocol=https\nhost=git.example\nusername=alice\npassword=s3cret\n'
	works "$VALETKEY" list
	[[ $out == *"you     20"*"Z"* ]]
	works "$VALETKEY" get https://git.example
	[ "$out" = "s3cret"$'\n' ]
}

@test "remove: precisely" {
	vk_keystore
	vk_add https://git.example alice a
	vk_add https://git.example bob b
	vk_add https://git.example/path alice c
	sum=$(keystore_sum)
	fails 2 "2 accounts" "$VALETKEY" remove https://git.example
	[[ $err == *alice* && $err == *bob* ]]
	fails 1 "no such entry" "$VALETKEY" remove https://git.example/path/below
	fails 1 "no such entry" "$VALETKEY" remove https://git.example --username carol
	fails 1 "no such entry" "$VALETKEY" remove http://git.example --all
	fails 1 "no such entry" "$VALETKEY" remove nobody
	fails 2 "goes with a URL" "$VALETKEY" remove git.example --all
	unchanged "$sum"
	works "$VALETKEY" remove https://git.example --username bob
	[ "$out" = "removed https://git.example as bob"$'\n' ]
	vk_add https://git.example bob b
	works "$VALETKEY" remove https://git.example --all
	[ "$(wc -l <<<"$out")" -eq 3 ]
	works "$VALETKEY" remove git.example/path
	works "$VALETKEY" list --json
	[ "$(jq length <<<"$out")" -eq 0 ]
}

@test "remove: what a client stored, by its URL" {
	vk_keystore
	ask_git store 'protocol=https\nhost=git.example\nusername=u\npassword=p\n'
	works "$VALETKEY" list --json
	[ "$(jq -r '.[0].origin + .[0].name' <<<"$out")" = git ]
	works "$VALETKEY" remove https://git.example
	fails 1 "" "$VALETKEY" get https://git.example
}

@test "get: the exit codes and the stranger's host" {
	vk_keystore
	vk_add https://git.example alice s3cret
	fails 1 "no credential" "$VALETKEY" get https://other.example
	fails 1 "no credential" "$VALETKEY" get http://git.example
	fails 1 "no credential" "$VALETKEY" get https://git.example:8443
	fails 1 "no credential" "$VALETKEY" get https://git.example.evil.example
	fails 2 "no such field" "$VALETKEY" get https://git.example --field password
	fails 2 "scheme" "$VALETKEY" get git.example
	VALETKEY_KEY_FILE='' fails 3 "locked" "$VALETKEY" get https://git.example
	fails 2 "profile" "$VALETKEY" get https://git.example --profile nosuch
}

@test "get: not to a terminal unless --reveal" {
	vk_keystore
	vk_add https://git.example alice TOPSECRET
	python3 - "$VALETKEY" <<-'END'
		import os, pty, sys
		def run(*args):
		    out = b""
		    pid, fd = pty.fork()
		    if pid == 0:
		        os.environ["NO_COLOR"] = "1"
		        os.execv(sys.argv[1], [sys.argv[1], *args])
		    while True:
		        try:
		            data = os.read(fd, 4096)
		        except OSError:
		            break
		        if not data:
		            break
		        out += data
		    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out
		for args in ([], ["--json"], ["--field", "all"]):
		    status, out = run("get", "https://git.example", *args)
		    assert status == 4 and b"TOPSECRET" not in out and b"--reveal" in out, (status, out)
		    status, out = run("get", "https://git.example", "--reveal", *args)
		    assert status == 0 and b"TOPSECRET" in out, (status, out)
		status, out = run("get", "https://git.example", "--field", "username")
		assert status == 0 and out == b"alice\r\n", (status, out)
	END
}

@test "every command: --help, and an output that cannot be written" {
	vk_keystore
	vk_add https://git.example alice s3cret
	for command in init add list show remove get unlock lock status; do
		works "$VALETKEY" $command --help
		[[ $out == "usage: valetkey $command"* ]]
	done
	for command in list "list --json" "get https://git.example" status "show git.example"; do
		status=0
		# shellcheck disable=SC2086
		"$VALETKEY" $command >/dev/full 2>"$T/err" || status=$?
		[ "$status" -eq 6 ]
		grep -q "No space left" "$T/err"
	done
}

# done_unheard COMMAND...: what it says is lost, and it says that the change is not
done_unheard() {
	local status=0

	"$VALETKEY" "$@" >/dev/full 2>"$T/err" || status=$?
	[[ $status -eq 6 && $(<"$T/err") == *"is done, but not reported: "*"No space left"* ]] || { cat "$T/err" >&2; return 1; }
}

@test "a change that cannot be reported is made, and the message says so" {
	vk_keystore
	printf s3cret | done_unheard add https://git.example --username alice
	[ "$("$VALETKEY" get https://git.example)" = s3cret ]
	echo 'machine b.example login u password p' | done_unheard import netrc -
	[ "$("$VALETKEY" get https://b.example)" = p ]
	done_unheard slot rotate
	done_unheard compact
	done_unheard remove https://git.example
	fails 1 "no credential" "$VALETKEY" get https://git.example
}

@test "a keystore that was named and is not there is no mere \"no credential\"" {
	vk_keystore
	mv "$VALETKEY_KEYSTORE" "$T/away"
	fails 1 "there is no keystore at $VALETKEY_KEYSTORE" "$VALETKEY" get https://git.example
	unset VALETKEY_KEYSTORE
	HOME=$T XDG_DATA_HOME='' fails 1 "no credential for https://git.example" "$VALETKEY" get https://git.example
}
