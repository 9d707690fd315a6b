#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The desktop's keyring: a real gnome-keyring on a bus of the test's own, git's libsecret helper and secret-tool.
# shellcheck disable=SC2154  # out, err and status come from split

bats_require_minimum_version 1.5.0
load ../cli/lib
load ../cli/helpers
load desktop

setup_file() {
	local source=/usr/share/doc/git/contrib/credential/libsecret/git-credential-libsecret.c

	cc -o "$BATS_FILE_TMPDIR/keyring" "$BATS_TEST_DIRNAME/../cli/keyring.c"
	# shellcheck disable=SC2046
	[ ! -e "$source" ] || cc -w -o "$BATS_FILE_TMPDIR/git-credential-libsecret" "$source" $(pkg-config --cflags --libs libsecret-1)
}

setup() {
	desktop_setup
}

teardown() {
	desktop_end
}

# need_git_helper: images without documentation have no source of it
need_git_helper() {
	[ -x "$BATS_FILE_TMPDIR/git-credential-libsecret" ] || skip "git's package has no source of its libsecret helper"
}

# git_helper ACTION LINE...: git's own
git_helper() {
	local action=$1

	shift
	printf '%s\n' "$@" | "$BATS_FILE_TMPDIR/git-credential-libsecret" "$action"
}

@test "one command, and get and git have it; one more, and nothing is left" {
	keyring_start
	add https://git.example alice@corp "$token"
	[ "$status" -eq 0 ] || show_run
	[[ $out == *"[git.example]"*"secret = secret-service:https://alice%40corp@git.example"*"next: "* && -z $err ]] || show_run
	[[ $out != *"$token"* ]]
	[ "$(stat -c %a "$CONFIG")" = 600 ]
	not grep -q "$token" "$CONFIG"
	[ ! -e "$VALETKEY_KEYSTORE" ]
	[ "$("$V" get https://git.example)" = "$token" ]
	ask_git get 'protocol=https\nhost=git.example\npath=team/x\n\n'
	answered "username=alice@corp\npassword=$token"
	works "$V" run --with git -- git credential fill <<<$'url=https://git.example/x\n'
	[[ $out == *"password=$token"* ]]
	# git itself, and what is added after it was set up
	works "$V" setup git
	[[ $(printf 'url=https://git.example/team/x\n\n' | git credential fill) == *"password=$token"* ]]
	printf '# mine\n' | cat - "$CONFIG" >"$T/config" && cat "$T/config" >"$CONFIG"
	add https://git.example/api carol other
	[ "$status" -eq 0 ] || show_run
	[ "$("$V" get https://git.example/api/v1)" = other ]
	[[ $(printf 'url=https://git.example/api\n\n' | git credential fill) == *"username=carol"*"password=other"* ]]
	[ "$(items)" -eq 2 ]
	works "$V" remove https://git.example/api --from secret-service
	[ "$(cat "$CONFIG")" = "$(cat "$T/config")" ]
	works "$V" remove https://git.example --from secret-service
	[ "$(cat "$CONFIG")" = "# mine" ]
	[ "$(items)" -eq 0 ]
	split "$V" get https://git.example
	[ "$status" -eq 1 ]
	split "$V" remove https://git.example --from secret-service
	[ "$status" -eq 1 ] || show_run
}

@test "add --to: what is there already, and what makes no sense" {
	keyring_start
	add https://git.example alice one
	add https://git.example alice "$token"
	[[ $status -eq 2 && $err == *"a secret for this already"*--replace* ]] || show_run
	[ "$("$V" get https://git.example)" = one ]
	cp "$CONFIG" "$T/config"
	add https://git.example alice two --replace
	[ "$status" -eq 0 ] || show_run
	[ "$("$V" get https://git.example)" = two ]
	cmp "$CONFIG" "$T/config"
	[ "$(items)" -eq 1 ]
	# another account, by its own name
	add https://git.example bob three
	[[ $status -eq 0 && $out == *"[bob-git.example]"* ]] || show_run
	[ "$("$V" get https://git.example --username bob)" = three ]
	add https://git.example carol x --name git.example
	[[ $status -eq 2 && $err == *"has a section git.example"* ]] || show_run
	# another section answers for the place
	printf '[mine]\nurl = https://old.example\nusername = u\nsecret = env:X\n' >>"$CONFIG"
	add https://old.example u x
	[[ $status -eq 2 && $err == *"[mine] of the config answers"* ]] || show_run
	for wrong in --expires=+1d --default; do
		add https://new.example u x "${wrong%%=*}" ${wrong#"${wrong%%=*}"=}
		[ "$status" -eq 2 ] || show_run
	done
	split "$V" add https://new.example --to vault </dev/null
	[[ $status -eq 2 && $err == *secret-service* ]] || show_run
	add "https://new.example/$(printf 'a%.0s' {1..200})" u x
	[[ $status -eq 2 && $err == *"longer than"* ]] || show_run
	# a config of somebody else's, or that is none, is not touched, and nothing is stored
	[ "$(items)" -eq 2 ]
	printf 'nonsense\n' >>"$CONFIG"
	add https://new.example u x
	[ "$status" -eq 2 ] || show_run
	chmod 666 "$CONFIG"
	add https://new.example u x
	[ "$status" -eq 4 ] || show_run
	chmod 600 "$CONFIG"
	[ "$(items)" -eq 2 ]
}

@test "remove --from: a section that was changed stays, and is named" {
	keyring_start
	add https://git.example alice "$token"
	echo 'kind = basic' >>"$CONFIG"
	works "$V" remove https://git.example --from secret-service
	[[ $err == *"[git.example]"*"still refers"* ]] || show_run
	[ "$(items)" -eq 0 ]
	grep -q '^kind = basic' "$CONFIG"
}

@test "nothing crosses schemes, hosts, ports, paths and users" {
	keyring_start
	local n=0 places=(https://alice@h.example http://alice@h.example https://alice@h.example:8443 https://alice@h.example:8444
		https://alice@h.example/team https://alice@h.example/team/x https://alice@other.example https://bob@h.example
		https://@h.example http://alice@h.example:443 https://alice@h.example:80 ssh://alice@h.example)
	for place in "${places[@]}"; do
		refuses "$place" not-found
		[[ $(keyring_asks put-secret "$place" "$n") == ok* ]]
		n=$((n + 1))
		[ "$(items)" -eq "$n" ]
	done
	for n in "${!places[@]}"; do
		[ "$(gives "${places[$n]}")" = "$n" ]
	done
	# the default port is the same one when it is written out
	[ "$(gives https://alice@h.example:443)" = 0 ]
	for none in https://carol@h.example https://h.example:8445 https://alice@h.example/tea https://alice@h.example/team/ \
		https://alice@h.example/other ftp://alice@h.example https://alice@sub.h.example https://alic@h.example; do
		[ "$none" = https://alice@h.example/team/ ] || refuses "$none" not-found
	done
	# an account without a name is one of its own
	[[ $(keyring_asks put-secret https://alice@two.example alices)$(keyring_asks put-secret https://two.example noones) == ok*ok* ]]
	[ "$(gives https://alice@two.example)$(gives https://@two.example)" = alicesnoones ]
	refuses https://two.example "failed the keyring has several accounts"
	[[ $(keyring_asks remove-secret https://alice@two.example) == ok* ]]
	[ "$(gives https://two.example)" = noones ]
	[[ $(keyring_asks remove-secret https://two.example) == ok* ]]
	# which of three is no question to guess at
	refuses https://h.example "failed the keyring has several accounts"
	[ "$(gives https://h.example:8443)" = 2 ]
	[[ $(keyring_asks remove-secret https://h.example) == "error failed"* ]]
	for n in "${!places[@]}"; do
		[[ $(keyring_asks remove-secret "${places[$n]}") == ok* ]]
		[ "$(items)" -eq $((${#places[@]} - n - 1)) ]
	done
	refuses https://alice@h.example not-found
}

@test "items of git's helper: it confuses ports and paths, we do not" {
	need_git_helper
	keyring_start
	git_helper store protocol=https host=h.example:8443 username=alice password=port
	[ "$(git_helper get protocol=https host=h.example)" = $'username=alice\npassword=port' ]
	refuses https://h.example not-found
	refuses https://alice@h.example not-found
	[ "$(gives https://h.example:8443)" = port ]
	git_helper store protocol=https host=h.example username=bob path=team password=path
	refuses https://h.example not-found
	refuses https://bob@h.example/other not-found
	[ "$(gives https://h.example/team)" = path ]
	git_helper store protocol=https host=plain.example username=alice password=plain
	[ "$(gives https://plain.example)" = plain ]
	[ "$(gives https://plain.example:443)" = plain ]
	refuses http://plain.example not-found
	refuses https://plain.example:80 not-found
	refuses https://plain.example/team not-found
	git_helper store protocol=https host=plain.example username=bob password=bobs
	refuses https://plain.example "failed the keyring has several accounts"
	[ "$(gives https://bob@plain.example)" = bobs ]
	# as a section of the config
	mkdir -p "$(dirname "$CONFIG")"
	printf '[x]\nurl = https://plain.example\nusername = bob\nsecret = secret-service:https://bob@plain.example\n' >"$CONFIG"
	ask_git get 'protocol=https\nhost=plain.example\n\n'
	answered 'username=bob\npassword=bobs'
	# what is replaced stays one item, which git finds
	[[ $(keyring_asks put-secret https://bob@plain.example new) == ok* ]]
	[ "$(items)" -eq 4 ]
	[ "$(git_helper get protocol=https host=plain.example username=bob)" = $'username=bob\npassword=new' ]
	[[ $(keyring_asks remove-secret https://bob@plain.example) == ok* ]]
	[ "$(gives https://plain.example)" = plain ]
	[ "$(items)" -eq 3 ]
}

@test "items of git since 2.43: lines behind the password" {
	keyring_start
	local git=(xdg:schema org.git.Password protocol https server new.example user alice)

	keep git "$token"$'\npassword_expiry_utc=4102444800\noauth_refresh_token=refresh' "${git[@]}"
	[ "$(gives https://new.example)" = "$token" ]
	mkdir -p "$(dirname "$CONFIG")"
	printf '[x]\nurl = https://new.example\nusername = alice\nsecret = secret-service:https://new.example\n' >"$CONFIG"
	ask_git get 'protocol=https\nhost=new.example\n\n'
	answered "username=alice\npassword=$token\npassword_expiry_utc=4102444800"
	keep git "$token"$'\npassword_expiry_utc=1000' "${git[@]}"
	split "$V" get https://new.example
	[[ $status -eq 1 && $err == *expired* ]] || show_run
	keep git "$token"$'\npassword_expiry_utc=soon' "${git[@]}"
	split "$V" get https://new.example
	[[ $status -eq 6 && -z $out && $err != *"$token"* ]] || show_run
	# another program's item with the same attributes is not git's
	keep other "$token" protocol https server foreign.example user alice xdg:schema org.example.Other
	refuses https://foreign.example not-found
}

@test "the other way round: git's helper and secret-tool find what we keep" {
	need_git_helper
	keyring_start
	add https://git.example alice "$token"
	[ "$(secret-tool lookup scheme https host git.example port 443 path '' user alice)" = "$token" ]
	[ "$(git_helper get protocol=https host=git.example)" = "username=alice"$'\n'"password=$token" ]
	[ "$(git_helper get protocol=https host=git.example username=alice)" = "username=alice"$'\n'"password=$token" ]
	[ "$(git_helper get protocol=https host=git.example:443)" = "username=alice"$'\n'"password=$token" ]
	[ -z "$(git_helper get protocol=http host=git.example)" ]
	[ "$(git_helper get protocol=https host=git.example username=bob)" = username=bob ]
	# what git would confuse it does not find at all
	add https://port.example:8443 alice "$token"
	add https://path.example/team alice "$token"
	[ -z "$(git_helper get protocol=https host=port.example)" ]
	[ -z "$(git_helper get protocol=https host=path.example)" ]
	[ "$(secret-tool lookup host port.example port 8443)" = "$token" ]
	# what git then stores takes the place of ours
	git_helper store protocol=https host=git.example username=alice password=rotated >/dev/null
	[ "$("$V" get https://git.example)" = rotated ]
	[ "$(items)" -eq 3 ]
	for host in git.example port.example:8443 path.example/team; do
		works "$V" remove "https://$host" --from secret-service
	done
	[ "$(items)" -eq 0 ]
}

@test "items of any other layout, by their attributes" {
	keyring_start
	keep 'some app' "$token" service 'my app' account 'a,b=c%' kind x
	[ "$(gives 'service=my app,kind=x')" = "$token" ]
	[ "$(gives 'account=a%2Cb=c%25')" = "$token" ]
	refuses 'service=my app,kind=y' not-found
	refuses 'service=my' not-found
	keep 'another' other service 'my app' account 2
	refuses 'service=my app' "failed several items"
	[ "$(gives 'service=my app,account=2')" = other ]
	for bad in service '=x' 'service=x,service=y' 'service=x,' 'service=%zz' 'service=%0a' https://u:p@h.example 'https://%zz@h.example'; do
		refuses "$bad" failed
	done
	mkdir -p "$(dirname "$CONFIG")"
	printf '[x]\nurl = https://app.example\nsecret = secret-service:service=my app,kind=x\n' >"$CONFIG"
	[ "$("$V" get https://app.example)" = "$token" ]
	# and by them it is written and removed
	[[ $(keyring_asks put-secret 'service=my app,kind=x' new) == ok* ]]
	[[ $(keyring_asks put-secret 'url=https://x.example,kind=z' made) == ok* ]]
	[ "$(secret-tool lookup service 'my app' kind x)$(secret-tool lookup url https://x.example)" = newmade ]
	[ "$(items)" -eq 3 ]
	for ref in kind=x kind=z account=2; do
		[[ $(keyring_asks remove-secret "$ref") == ok* ]]
	done
	[ "$(items)" -eq 0 ]
}

@test "a key slot: unlock needs no passphrase, and removing it forgets the key" {
	keyring_start
	export KEY=$VALETKEY_KEY_FILE
	"$V" init --key-file "$KEY" >/dev/null
	vk_add https://git.example alice s3cret
	unset VALETKEY_KEY_FILE
	works "$V" slot add --external secret-service --label desktop --current-key-file "$KEY"
	[ "$(items)" -eq 1 ]
	secret-tool search --all xdg:schema org.valetkey.Key >"$T/attrs" 2>&1
	grep -q '^label = desktop' "$T/attrs"
	grep -qE '^attribute.slot = [0-9a-f]{16}$' "$T/attrs"
	# shellcheck disable=SC2016  # the inner shell's
	split "$BATS_FILE_TMPDIR/keyring" new bash -ec '$V unlock </dev/null; $V get https://git.example; $V lock'
	[[ $status -eq 0 && $out == *s3cret* && -z $err ]] || show_run
	works "$V" slot rotate </dev/null
	# locked: it says so, and a passphrase still opens
	echo pass >"$T/in"
	works "$V" slot add --passphrase-stdin --kdf interactive --current-key-file "$KEY" <"$T/in"
	keyring_lock
	split "$V" unlock </dev/null
	[[ $status -eq 3 && $err == *"keyring is locked"*"--passphrase-stdin"* ]] || show_run
	split "$BATS_FILE_TMPDIR/keyring" new bash -ec '"$V" unlock --passphrase-stdin; "$V" get https://git.example' <"$T/in"
	[[ $status -eq 0 && $out == *s3cret* ]] || show_run
	split "$V" slot add --external secret-service --current-key-file "$KEY"
	[[ $status -eq 3 && $err == *"keyring is locked"* ]] || show_run
	# a keyring that forgot
	keyring_stop
	keyring_start
	works "$V" slot remove desktop --current-key-file "$KEY"
	[[ -z $err || $err != *"may still keep"* ]] || show_run
	[ "$(items)" -eq 0 ]
	# in the place of the one that was there
	for key in AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=; do
		out=$(printf 'valetkey-helper 1\nput-key\nstore=%032d\nslot=%016d\nkey=%s\n\n' 1 1 $key | "$VALETKEY_LIBEXEC/valetkey-secret-service")
		[ "$out" = ok ]
	done
	[ "$(items)" -eq 1 ]
	out=$(printf 'valetkey-helper 1\nget-key\nstore=%032d\nslot=%016d\n\n' 1 1 | "$VALETKEY_LIBEXEC/valetkey-secret-service")
	[ "$out" = $'ok\nkey='$key ]
	# two, or what is none
	keep two "$key" xdg:schema org.valetkey.Key store "$(printf %032d 1)" slot "$(printf %016d 1)" by another
	keep none "${key%??}" xdg:schema org.valetkey.Key store "$(printf %032d 2)" slot "$(printf %016d 1)"
	for store in 1 2; do
		out=$(printf 'valetkey-helper 1\nget-key\nstore=%032d\nslot=%016d\n\n' $store 1 | "$VALETKEY_LIBEXEC/valetkey-secret-service" || true)
		[[ $out == "error failed"* && $out != *"${key%??}"* ]]
	done
}

@test "any bytes, 64 KiB, many items, many at once" {
	keyring_start
	for i in $(seq 30); do
		keep "$i" "$i" protocol https server many.example port "$((i + 1000))" user "u$i"
	done
	[ "$(gives https://many.example:1030)" = 30 ]
	refuses https://many.example not-found
	for i in $(seq 20); do
		keyring_asks put-secret https://u@once.example "$token" >"$T/put$i" 3>&- &
	done
	wait $(jobs -p | grep -vx "$keyring")
	cat "$T"/put*
	[ "$(grep -lx ok "$T"/put* | wc -l)" -eq 20 ]
	[ "$(items)" -eq 31 ]
	[ "$(gives https://once.example)" = "$token" ]
	printf '\377\200\001 \303(' >"$T/bytes"
	split "$V" add https://bytes.example --username u --to secret-service --from "file:$T/bytes"
	[ "$status" -eq 0 ] || show_run
	"$V" get https://bytes.example >"$T/got"
	cmp <(cat "$T/bytes"; echo) "$T/got"
	head -c 49152 /dev/urandom | base64 -w0 >"$T/large"
	[ "$(stat -c %s "$T/large")" -eq 65536 ]
	split "$V" add https://large.example --username u --to secret-service --from "file:$T/large"
	[ "$status" -eq 0 ] || show_run
	"$V" get https://large.example | cmp - <(cat "$T/large"; echo)
}

@test "the secret is in no argument, no message of the bus, no file" {
	keyring_start
	dbus-monitor --session >"$T/monitor" 2>&1 3>&- &
	monitor=$!
	await_line 'NameLost' "$T/monitor"
	printf %s "$token" >"$T/in"
	split strace -f -v -s 100000 -e trace=execve,openat,sendmsg -o "$T/trace" "$V" add https://git.example --username alice \
		--to secret-service <"$T/in"
	[ "$status" -eq 0 ] || show_run
	rm "$T/in"
	[ "$("$V" get https://git.example)" = "$token" ]
	kill $monitor
	grep -q member=CreateItem "$T/monitor"
	grep -q valetkey-secret-service "$T/trace"
	not grep -rqF -e "$token" -e "$(printf %s "$token" | base64)" "$T" "$HOME/.config" "$HOME/.local"
}
