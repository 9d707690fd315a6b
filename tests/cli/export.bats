#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What leaves a keystore: into another one, or in clear where that is asked for.
# shellcheck disable=SC2154  # out, err, status come from split

bats_require_minimum_version 1.5.0
load lib
load helpers

setup() {
	vk_keystore
	V=$VALETKEY
	vk_add https://git.example alice s3cret --name mine --expires 2099-01-01
	vk_add https://git.example bob other
	vk_add https://git.example/team/a ci deep
	printf t0ken | "$V" add https://npm.example --scope @corp >"$T/log"
	printf k3y | "$V" add https://api.example --kind header --header X-Api-Key >"$T/log"
	ask_git store 'protocol=https\nhost=stored.example\nusername=u\npassword=p\noauth_refresh_token=r3fresh\n\n'
	VALETKEY_KEYSTORE=$T/other "$V" init --key-file "$T/other.key" >"$T/log"
}

export_() { split "$V" export "$@"; }

# other COMMAND...: with the other keystore
other() { VALETKEY_KEYSTORE=$T/other VALETKEY_KEY_FILE=$T/other.key "$V" "$@"; }

# listed [COMMAND]: all but the creation times, in one order
listed() { "${@:-$V}" list --json | jq -S 'map(del(.created)) | sort_by(.url, .username)'; }

@test "--clear: one object per line, with everything" {
	export_ --clear
	[ "$status" -eq 0 ] && [ -z "$err" ] || show_run
	[ "$(jq -s length "$T/out")" -eq 6 ]
	[ "$(wc -l <"$T/out")" -eq 6 ]
	[ "$(jq -cs 'map(select(.name == "mine"))[0] | [.url, .username, .secret, .kind, .origin, .default]' "$T/out")" = \
		'["https://git.example","alice","s3cret","basic","you",true]' ] || show_run
	[ "$(jq -cs 'map(select(.url == "https://stored.example"))[0] | [.secret, .refresh, .origin]' "$T/out")" = '["p","r3fresh","git"]' ]
	[ "$(jq -cs 'map(del(.secret, .refresh)) | sort' "$T/out")" = "$("$V" list --json | jq -c sort)" ]
}

@test "--clear: what is not UTF-8 comes in base64, and nothing steers a terminal" {
	printf 'a\377\033[2Jb' | "$V" add https://odd.example --username u >"$T/log"
	ask_git store 'protocol=https\nhost=odd2.example\nusername=n\377\npassword=\033[2J\n\n'
	export_ --clear https://odd.example https://odd2.example
	[ "$(jq -rs 'map(select(.url == "https://odd.example"))[0].secret_base64' "$T/out" | base64 -d)" = $'a\377\033[2Jb' ]
	[ "$(jq -rs 'map(select(.url == "https://odd2.example"))[0].username_base64' "$T/out" | base64 -d)" = $'n\377' ]
	[ "$(jq -rs 'map(select(.url == "https://odd2.example"))[0].secret' "$T/out")" = $'\033[2J' ]
	run ! grep -q $'\033' "$T/out"
}

@test "--clear: not to a terminal, unless that is asked for" {
	script -qec "$V export --clear; echo status \$?" "$T/typescript" </dev/null >"$T/log"
	grep -q 'status 4' "$T/typescript"
	run ! grep -q s3cret "$T/typescript"
	script -qec "$V export --clear --reveal" "$T/typescript" </dev/null >"$T/log"
	grep -q s3cret "$T/typescript"
}

@test "--clear --output: a new file that only we can read, whole or absent" {
	umask 000
	export_ --clear --output "$T/file"
	[ "$status" -eq 0 ] && [ -z "$out" ] && [[ $err == *"$T/file holds secrets in clear"* ]] || show_run
	[ "$(stat -c %a "$T/file")" = 600 ]
	[ "$(jq -s length "$T/file")" -eq 6 ]
	export_ --clear --output "$T/file" https://npm.example
	[ "$status" -eq 2 ] && [[ $err == *"already exists"* ]] || show_run
	[ "$(jq -s length "$T/file")" -eq 6 ]
	export_ --clear --output "$T/file2" https://none.example
	[ "$status" -eq 1 ] && [ ! -e "$T/file2" ] || show_run
	[ -z "$(find "$T" -name 'file*.new-*')" ]
}

@test "URLs: what is below them, once" {
	export_ --clear https://git.example/team https://git.example https://npm.example
	[ "$(jq -cs 'map(.secret) | sort' "$T/out")" = '["deep","other","s3cret","t0ken"]' ] || show_run
	export_ --clear https://git.example/team
	[ "$(jq -r .secret "$T/out")" = deep ]
	export_ --clear https://git.example/te
	[ "$status" -eq 1 ] && [ -z "$out" ] && [[ $err == *"no entry below this URL"* ]] || show_run
	export_ --clear http://git.example https://api.example:8443
	[ "$status" -eq 1 ]
	[ -z "$out" ]
	export_ --clear git.example
	[ "$status" -eq 2 ]
}

@test "--to-store: everything, as it was" {
	before=$(keystore_sum)
	export_ --to-store "$T/other" --key-file "$T/other.key"
	[ "$status" -eq 0 ] && [[ $out == "$T/other: 6 taken, 0 already there, 0 with another secret, 0 not taken"$'\n' ]] || show_run
	[ "$(listed)" = "$(listed other)" ]
	[ "$(other list --json | jq -c 'map(.created) | sort')" = "$("$V" list --json | jq -c 'map(.created) | sort')" ]
	[ "$(other get https://git.example)" = s3cret ] # the default account came along
	[ "$(other get https://npm.example)" = t0ken ]
	unchanged "$before"
	sum=$(sha256sum <"$T/other")
	export_ --to-store "$T/other" --key-file "$T/other.key" --json
	[ "$(jq -c '[.found, .taken, .same, .differ]' "$T/out")" = '[6,0,6,0]' ] || show_run
	[ "$sum" = "$(sha256sum <"$T/other")" ]
}

@test "--to-store: what is there with another secret is left, and names are not taken from others" {
	VALETKEY_KEYSTORE=$T/other VALETKEY_KEY_FILE=$T/other.key vk_add https://git.example alice kept
	VALETKEY_KEYSTORE=$T/other VALETKEY_KEY_FILE=$T/other.key vk_add https://unlike.example u x --name npm.example
	export_ --to-store "$T/other" --key-file "$T/other.key"
	[ "$status" -eq 0 ] && [[ $out == *": 5 taken, 0 already there, 1 with another secret, 0 not taken"*"https://git.example as alice: "*--replace* ]] || show_run
	[ "$(other get https://git.example --username alice)" = kept ]
	[ "$(other show --json npm.example | jq -r .url)" = https://unlike.example ]
	[ "$(other get https://npm.example)" = t0ken ]
	export_ --to-store "$T/other" --key-file "$T/other.key" --replace https://git.example
	[[ $out == *": 1 taken, 2 already there, 0 with"* ]] || show_run
	[ "$(other get https://git.example --username alice)" = s3cret ]
}

@test "--to-store: locked, missing, the wrong key, itself" {
	sum=$(keystore_sum)
	export_ --to-store "$T/none" --key-file "$T/other.key"
	[ "$status" -eq 1 ] && [[ $err == *"no keystore at $T/none"*"valetkey init"* ]] || show_run
	[ ! -e "$T/none" ]
	export_ --to-store "$T/other" --key-file "$T/key"
	[ "$status" -eq 3 ] && [[ $err == *"does not open"* ]] || show_run
	export_ --to-store "$T/other" --key-file "$T/nokey"
	[ "$status" -eq 6 ]
	export_ --to-store "$T/keystore" --key-file "$T/key"
	[ "$status" -eq 2 ] && [[ $err == *"itself"* ]] || show_run
	without_key export_ --to-store "$T/other" --key-file "$T/other.key"
	[ "$status" -eq 3 ]
	[ "$(other list --json)" = "[]" ]
	unchanged "$sum"
}

# bobs COMMAND...: the keystore "for-bob" with his identity
bobs() { env -u VALETKEY_KEY_FILE VALETKEY_KEYSTORE="$T/for-bob" VALETKEY_IDENTITY_FILE="$T/bob" "$V" "$@"; }

@test "--to-recipient: a keystore that one identity opens, and nothing else" {
	recipient=$("$V" slot keygen "$T/bob")
	export_ --to-recipient "$recipient" --output "$T/for-bob"
	[ "$status" -eq 0 ] && [[ $out == "$T/for-bob: 6 taken, 0 already there, 0 with another secret, 0 not taken"$'\n' ]] || show_run
	[ "$(stat -c %a "$T/for-bob")" = 600 ]
	[ "$(listed)" = "$(listed bobs)" ]
	[ "$(bobs get https://git.example)" = s3cret ]
	bobs verify >"$T/log"
	[ "$(bobs slot list --json | jq length)" -eq 1 ]
	[ "$(bobs slot list | grep -c "recipient, .*$recipient")" -eq 1 ]
	[ -z "$(find "$T" -name 'for-bob.*')" ]
	"$V" slot keygen "$T/eve" >"$T/log"
	split env -u VALETKEY_KEY_FILE VALETKEY_KEYSTORE="$T/for-bob" VALETKEY_IDENTITY_FILE="$T/eve" "$V" list
	[ "$status" -eq 3 ] && [ -z "$out" ] || show_run
	VALETKEY_KEYSTORE=$T/for-bob split "$V" list
	[ "$status" -eq 3 ]
	# it is nothing special: what came to it can be changed and passed on
	printf x | bobs add https://more.example --username u >"$T/log"
	[ "$(bobs list --json | jq length)" -eq 7 ]
}

@test "--to-recipient: what is refused leaves nothing behind" {
	recipient=$("$V" slot keygen "$T/bob")
	sum=$(keystore_sum)
	export_ --to-recipient "${recipient%?}" --output "$T/for-bob"
	[ "$status" -eq 2 ] && [ ! -e "$T/for-bob" ] || show_run
	identity=$(grep -o 'vki1-.*' "$T/bob")
	export_ --to-recipient "$identity" --output "$T/for-bob"
	[ "$status" -eq 2 ] && [[ $err != *vki1-?????* ]] || show_run
	export_ --to-recipient "$recipient" --output "$T/for-bob" https://none.example
	[ "$status" -eq 1 ] && [ ! -e "$T/for-bob" ] || show_run
	echo mine >"$T/for-bob"
	export_ --to-recipient "$recipient" --output "$T/for-bob"
	[ "$status" -eq 2 ] && [[ $err == *"already exists"* ]] && [ "$(cat "$T/for-bob")" = mine ] || show_run
	export_ --to-recipient "$recipient" --output "$T/none/for-bob"
	[ "$status" -eq 6 ]
	without_key export_ --to-recipient "$recipient" --output "$T/for-eve"
	[ "$status" -eq 3 ]
	[ "$(find "$T" -name 'for-*')" = "$T/for-bob" ]
	unchanged "$sum"
}

@test "options that do not go together" {
	for options in '' '--clear --to-store x --key-file y' '--clear --to-recipient x --output y' '--to-recipient x' \
		'--to-recipient x --output y --reveal' '--to-recipient x --output y --key-file z' '--to-store x' '--clear --key-file x' '--clear --json' \
		'--clear --replace' '--to-store x --key-file y --output z' '--to-store x --key-file y --reveal'; do
		# shellcheck disable=SC2086
		export_ $options
		[ "$status" -eq 2 ] && [ -z "$out" ] && [ -n "$err" ] || { echo "$options"; show_run; }
	done
}

@test "secrets of 64 KiB go both ways" {
	head -c 65536 /dev/zero | tr '\0' '\377' | "$V" add https://big.example --username u >"$T/log"
	export_ --clear https://big.example
	[ "$(jq -r .secret_base64 "$T/out" | base64 -d | sha256sum)" = "$(head -c 65536 /dev/zero | tr '\0' '\377' | sha256sum)" ]
	export_ --to-store "$T/other" --key-file "$T/other.key" https://big.example
	[ "$(other get https://big.example | head -c 65536 | sha256sum)" = "$(head -c 65536 /dev/zero | tr '\0' '\377' | sha256sum)" ]
}

@test "a full disk: an error, and what was there stays" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount"
	mkdir disk
	head -c 60000 /dev/urandom | base64 -w0 | head -c 65000 | "$V" add https://big.example --username u >"$T/log"
	export V
	split unshare -m bash -c '
		mount -t tmpfs -o size=64k none disk
		cp other disk/ks
		before=$(sha256sum disk/ks)
		"$V" export --to-store disk/ks --key-file other.key
		first=$?
		[ "$before" = "$(sha256sum disk/ks)" ] && [ "$(echo disk/*)" = disk/ks ] || exit 101
		"$V" export --clear --output disk/clear && exit 102
		[ "$(echo disk/*)" = disk/ks ] || exit 103
		"$V" export --to-recipient "$("$V" slot keygen bob)" --output disk/for-bob && exit 105
		[ "$(echo disk/*)" = disk/ks ] || exit 106
		"$V" export --clear >/dev/full && exit 104
		exit $first'
	[ "$status" -eq 6 ] && [[ $err == *"No space left"*"No space left"*"No space left"*"No space left"* ]] || show_run
}
