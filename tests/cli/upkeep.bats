#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# verify, compact, backup and repair.
# shellcheck disable=SC2154  # out, err, status come from split

load lib
load helpers

setup() {
	vk_home
	"$VALETKEY" init --key-file "$T/key" >"$T/log"
	for i in 1 2 3; do
		printf 'secret %s' $i | "$VALETKEY" add "https://h$i.example" --username u --name "n$i" >"$T/log"
	done
}

# many N: a keystore of N entries on one host each
many() {
	"$VK_BUILD/tests/bench-store" fill "$VALETKEY_KEYSTORE.many" "$1"
	mv "$VALETKEY_KEYSTORE.many" "$VALETKEY_KEYSTORE"
	head -c 32 /dev/zero | base64 >"$T/key"
}

# spoil OFFSET: flip a bit of the keystore
spoil() {
	python3 - "$VALETKEY_KEYSTORE" "$1" <<-'END'
		import sys
		with open(sys.argv[1], "r+b") as f:
		    f.seek(int(sys.argv[2]))
		    b = f.read(1)
		    f.seek(int(sys.argv[2]))
		    f.write(bytes([b[0] ^ 1]))
	END
}

newest_header() {
	python3 -c 'import sys, struct
b = open(sys.argv[1], "rb").read(8192)
print(0 if struct.unpack_from("<Q", b, 32) > struct.unpack_from("<Q", b, 4128) else 4096)' "$VALETKEY_KEYSTORE"
}

@test "verify: says what is there, also as JSON" {
	split "$VALETKEY" verify
	[[ $status -eq 0 && $out == "sound: 3 entries, "*" free"* && -z $err ]] || show_run
	split "$VALETKEY" verify --json
	[ "$status" -eq 0 ]
	[ "$(python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["sound"], d["entries"])' <<<"$out")" = "True 3" ]
}

@test "verify: a flipped bit anywhere in a page that is used is exit code 5" {
	"$VALETKEY" compact >"$T/log"
	size=$(stat -c %s "$VALETKEY_KEYSTORE")
	for ((at = 100; at < size; at += 997)); do
		# what follows the headers must be zero, so that is noticed too
		spoil $at
		split "$VALETKEY" verify
		[[ $status -eq 5 && -z $out ]] || show_run
		spoil $at
	done
	"$VALETKEY" verify >"$T/log"
}

@test "verify and compact: locked is 3, no keystore is 1" {
	VALETKEY_KEY_FILE='' split "$VALETKEY" verify
	[ "$status" -eq 3 ]
	VALETKEY_KEY_FILE='' split "$VALETKEY" compact
	[ "$status" -eq 3 ]
	VALETKEY_KEYSTORE=$T/nothing split "$VALETKEY" verify
	[ "$status" -eq 1 ]
}

@test "compact: removed entries are no longer in the file" {
	many 3000
	before=$(stat -c %s "$VALETKEY_KEYSTORE")
	for i in $(seq 1 40); do
		"$VALETKEY" remove "https://host-$i.example" >"$T/log"
	done
	grown=$(stat -c %s "$VALETKEY_KEYSTORE")
	[ "$grown" -gt "$before" ]
	"$VALETKEY" compact >"$T/log"
	[ "$(stat -c %s "$VALETKEY_KEYSTORE")" -le "$before" ]
	split "$VALETKEY" verify
	[[ $out == "sound: 2960 entries, "*", 0 of them free"* ]] || show_run
	[ -z "$(find "$T" -name 'keystore.new-*')" ]
}

@test "a change in a large keystore writes a handful of pages and syncs twice" {
	many 20000
	# the first one also makes sure of the new file's name
	printf x | "$VALETKEY" add https://first.example >"$T/log"
	printf x | strace -f -e trace=pwrite64,fdatasync,fsync,rename -o "$T/trace" "$VALETKEY" add https://new.example >"$T/log"
	[ "$(grep -c fdatasync "$T/trace")" -eq 2 ]
	[ "$(grep -c 'fsync(\|rename(' "$T/trace")" -eq 0 ]
	[ "$(grep -c pwrite64 "$T/trace")" -le 20 ]
	"$VALETKEY" verify >"$T/log"
}

@test "backup: needs no key, never overwrites, is a keystore" {
	VALETKEY_KEY_FILE='' split "$VALETKEY" backup "$T/copy"
	[[ $status -eq 0 && -z $out && -z $err ]] || show_run
	[ "$(stat -c %a "$T/copy")" = 600 ]
	VALETKEY_KEYSTORE=$T/copy "$VALETKEY" verify >"$T/log"
	split "$VALETKEY" backup "$T/copy"
	[[ $status -eq 2 && $err == *"already exists"* ]] || show_run
	cmp "$T/copy" "$VALETKEY_KEYSTORE"
	split "$VALETKEY" backup "$T/no/such/directory"
	[ "$status" -eq 6 ]
}

@test "backup: under writers, every copy is sound" {
	(for i in $(seq 1 60); do
		printf 'v%s' "$i" | "$VALETKEY" add https://h1.example --username u --name n1 --replace
	done) >"$T/log" 2>&1 &
	for i in $(seq 1 20); do
		"$VALETKEY" backup "$T/copy$i"
		VALETKEY_KEYSTORE=$T/copy$i "$VALETKEY" verify >"$T/log2"
	done
	wait
}

@test "repair: a sound keystore is left alone" {
	cp "$VALETKEY_KEYSTORE" "$T/was"
	split "$VALETKEY" repair
	[[ $status -eq 0 && $err == *"nothing was done"* ]] || show_run
	cmp "$T/was" "$VALETKEY_KEYSTORE"
}

@test "repair: the newest header is lost, the one before it serves, and it says so" {
	spoil $(($(newest_header) + 200))
	split "$VALETKEY" get https://h1.example --field secret
	[[ $status -eq 5 && -z $out ]] || show_run
	split "$VALETKEY" repair
	[[ $status -eq 0 && $err == *"one of its two headers was lost"* ]] || show_run
	"$VALETKEY" verify >"$T/log"
	[ "$("$VALETKEY" get https://h1.example --field secret)" = "secret 1" ]
	[ -n "$(find "$T" -name 'keystore.damaged-*')" ]
}

@test "repair: keeps what can be read, counts what cannot" {
	many 3000
	"$VALETKEY" compact >"$T/log"
	spoil $((10 * 4096 + 2000))
	split "$VALETKEY" verify
	[ "$status" -eq 5 ]
	split "$VALETKEY" repair
	[[ $status -eq 5 && $err == *"1 damaged page"* && $err == *"of 3000 entries"* ]] || show_run
	split "$VALETKEY" verify
	[[ $status -eq 0 && $out == "sound: 29"* ]] || show_run
}

@test "repair: what an entry's older states are counted for is one entry" {
	seq 300 | sed 's/.*/machine h&.example login u password A&/' | "$VALETKEY" import netrc - >"$T/log" 2>&1
	for i in 1 2 3 4 5 6; do
		printf S | "$VALETKEY" add "https://add$i.example" --username u >"$T/log"
	done
	head -c 50000 /dev/zero | tr '\0' Z | "$VALETKEY" add https://blob.example >"$T/log"
	truncate -s -16384 "$VALETKEY_KEYSTORE"
	split "$VALETKEY" repair
	# where keys are drawn by lot, so is what lay at the end
	[[ $status -eq 5 && $err =~ kept\ ([0-9]+)\ of\ 307 ]] || show_run
	kept=${BASH_REMATCH[1]}
	[[ $kept -le 307 && $("$VALETKEY" list --json | jq length) -eq $kept ]] || show_run
	[[ ! $err =~ ([0-9]+)\ entries\ come || ${BASH_REMATCH[1]} -le $kept ]] || show_run
}

@test "repair: entries below a damaged page come back from its older state, and it says so" {
	many 3000
	# the leaf that changes is written anew; its older state stays in a page that is free now
	printf 'new' | "$VALETKEY" add https://host-7.example --username x-access-token --replace >"$T/log"
	python3 - "$VALETKEY_KEYSTORE" <<-'END'
		import os, sys
		size = os.path.getsize(sys.argv[1])
		with open(sys.argv[1], "r+b") as f:
		    # new pages went to the end: leaf, root, list; the leaf is the first of them
		    f.seek(size - 3 * 4096 + 100)
		    f.write(b"damaged")
	END
	split "$VALETKEY" repair
	[[ $status -eq 5 && $err == *"come from older states"* && $err == *"kept 3000 of 3000"* ]] || show_run
	"$VALETKEY" verify >"$T/log"
}

@test "compact: happens by itself, also when only key slots change" {
	recipient=$("$VALETKEY" slot keygen "$T/id")
	grown=0
	for i in $(seq 30); do
		"$VALETKEY" slot add --recipient "$recipient" --label "to-go" >"$T/log"
		"$VALETKEY" slot remove --keep-key to-go >"$T/log" 2>&1
		now=$(stat -c %s "$VALETKEY_KEYSTORE")
		[ "$now" -le "$grown" ] || grown=$now
		[ "$now" -le $((66 * 4096)) ]
	done
	# it grew to where it is worth it, and is small again
	[ "$grown" -ge $((60 * 4096)) ] || { echo "$grown"; false; }
	[ "$now" -lt "$grown" ]
	"$VALETKEY" verify >"$T/log"
}

@test "backup: VALETKEY_STORE_ID of another keystore is refused" {
	id=$("$VALETKEY" status --json | jq -r .id)
	VALETKEY_STORE_ID=${id//[0-9]/a} split "$VALETKEY" backup "$T/copy"
	[[ $status -eq 4 && $err == *"not the one that VALETKEY_STORE_ID names"* && ! -e $T/copy ]] || show_run
	VALETKEY_STORE_ID=$id "$VALETKEY" backup "$T/copy"
	[ -f "$T/copy" ]
}

@test "a file size limit is an error of every writer, and the command of a run keeps its signal" {
	recipient=$("$VALETKEY" slot keygen "$T/bob")
	head -c 60000 /dev/urandom | base64 -w0 | head -c 65000 | "$VALETKEY" add https://big.example >"$T/log"
	before=$(ls "$T")
	for what in "backup $T/to" "export --clear --output $T/to" "export --to-recipient $recipient --output $T/to" "compact"; do
		# shellcheck disable=SC2086
		split bash -c 'ulimit -f 16; exec "$@"' - "$VALETKEY" $what
		[[ $status -eq 6 && $err == *"File too large"* ]] || { echo "$what"; show_run; }
	done
	rm -f "$T/out" "$T/err"
	[ "$(ls "$T")" = "$(grep -v '^\(out\|err\)$' <<<"$before")" ]
	split "$VALETKEY" run -- grep SigIgn /proc/self/status
	[ "$out" = "$(grep SigIgn /proc/self/status)"$'\n' ] || show_run
}
