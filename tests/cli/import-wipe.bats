#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# import --wipe-source: when a file goes, how, and when it stays; and what a full disk does to either side.
# shellcheck disable=SC2154  # out, err, status come from split

bats_require_minimum_version 1.5.0
load lib
load helpers

setup() {
	vk_keystore
	export V=$VALETKEY
	N=$T/netrc
	printf 'machine a.example login u password p4ss\nmachine b.example login u password q\n' >"$N"
	chmod 600 "$N"
}

import() { split "$V" import "$@"; }

# kept: the netrc is what it was, and nothing was imported
kept() {
	[ "$(grep -c p4ss "$N")" -eq 1 ]
	[ "$("$V" list --json | jq length)" -eq 0 ]
}

@test "a netrc: overwritten, synced, emptied, removed, in this order and after the keystore was written" {
	exec 9<"$N"
	split strace -y -o "$T/trace" -e trace=write,pwrite64,fsync,fdatasync,ftruncate,unlink "$V" import netrc "$N" --wipe-source
	[ "$status" -eq 0 ] && [[ $out == *": 2 taken"* ]] || show_run
	[[ $err == *"$N is overwritten and removed"*"copies may remain in journals, snapshots, backups"*"revoked"* ]] || show_run
	[ ! -e "$N" ]
	[ -z "$(cat <&9)" ]
	# everything up to the keystore's last sync, then what was done to the file
	calls=$(awk -F'(' -v n="$N" '/sync\(.*keystore/ { seen = "" } index($0, "<" n ">") || index($0, "(\"" n "\"") { seen = seen $1 " " } END { print seen }' "$T/trace")
	[ "$calls" = "write fsync ftruncate fsync unlink " ] || { cat "$T/trace"; false; }
	# as many bytes as there were
	grep -q "^write(.*<$N>.*, $(printf 'machine a.example login u password p4ss\nmachine b.example login u password q\n' | wc -c))" "$T/trace"
	[ "$("$V" get https://a.example)" = p4ss ]
}

@test "what is in the keystore already may go as well" {
	import netrc "$N"
	import netrc "$N" --wipe-source --json
	[ "$status" -eq 0 ] && [ "$(jq -c '[.taken, .same, .wiped]' <<<"$out")" = '[0,2,true]' ] || show_run
	[ ! -e "$N" ]
}

@test "a file with anything that was not taken stays, and is imported" {
	for more in 'default login u password x' 'machine c.example login u' 'macdef m' 'machine a.example login u password other' \
		'machine d.example login u password p account q' 'machine e.example login u password my word'; do
		cp "$N" "$T/n"
		echo "$more" >>"$T/n"
		before=$(sha256sum <"$T/n")
		import netrc "$T/n" --wipe-source
		[ "$status" -eq 4 ] && [[ $err == *"$T/n is not wiped: it holds what was not taken"* ]] || show_run
		[ "$before" = "$(sha256sum <"$T/n")" ]
		[ "$("$V" get https://a.example)" = p4ss ]
	done
	import netrc "$T/n" --wipe-source --json
	[ "$status" -eq 4 ] && [ "$(jq .wiped <<<"$out")" = false ] && [[ $err == *"first in line 3"* ]] || show_run
}

@test "so does one with a credential in a comment, and a byte order mark is never read as a part of the file" {
	for more in '# machine b.example login u password only-here' '# password only-here' '#passwd x'; do
		printf 'machine a.example login u password p4ss\n%s' "$more" >"$T/n"
		import netrc "$T/n" --wipe-source
		[ "$status" -eq 4 ] && [[ $out == *"1 not taken"*"line 2: it looks like a credential, in a comment"* ]] || show_run
		grep -qxF -- "$more" "$T/n"
	done
	printf '[x]\nrepository=https://x.example\nusername=u\npassword=p\n# password=old\n' >"$T/p"
	import pypirc "$T/p" --wipe-source
	[ "$status" -eq 4 ] && grep -q '=old$' "$T/p" || show_run
	printf '\357\273\277//npm.example/:_authToken=TOK\n\357\273\277//b.example/:_authToken=T2\nfoo=1\n' >"$T/m"
	import npmrc "$T/m" --wipe-source
	[ "$status" -eq 0 ] && [[ $out == *": 2 taken"*" 0 not taken"* ]] && [ "$(cat "$T/m")" = foo=1 ] || show_run
	[ "$("$V" get https://npm.example)" = TOK ]
	for format in netrc pypirc git-credentials docker; do
		{ printf '\357\273\277'; cat "$N"; } >"$T/marked"
		import "$format" "$T/marked" --wipe-source
		[ "$status" -eq 2 ] && [[ $err == *"$T/marked: it begins with a byte order mark"*"save the file without it"* ]] || show_run
		grep -q p4ss "$T/marked"
	done
}

@test "another secret in the keystore keeps the file, --replace lets it go" {
	vk_add https://a.example u other
	import netrc "$N" --wipe-source
	[ "$status" -eq 4 ] && [[ $out == *"1 with another secret"* ]] && [ -e "$N" ] || show_run
	import netrc "$N" --wipe-source --replace
	[ "$status" -eq 0 ] && [ ! -e "$N" ] || show_run
	[ "$("$V" get https://a.example)" = p4ss ]
}

@test "hard links, other owners, links to elsewhere: refused before anything is imported" {
	ln "$N" "$T/second"
	import netrc "$N" --wipe-source
	[ "$status" -eq 4 ] && [[ $err == *"other hard links"*  ]] && kept || show_run
	rm "$T/second"
	mkdir "$T/open" "$T/mine"
	chmod 777 "$T/open"
	cp "$N" "$T/open/n"
	ln -s "$T/open/n" "$T/link"
	import netrc "$T/link" --wipe-source
	[ "$status" -eq 4 ] && [[ $err == *"symbolic link to a place that is not only yours"* ]] && kept || show_run
	[ -s "$T/open/n" ]
	[ "$(id -u)" -eq 0 ] || return 0
	chown 65534 "$N"
	import netrc "$N" --wipe-source
	[ "$status" -eq 4 ] && [[ $err == *"belongs to somebody else"* ]] && kept || show_run
	chown 0 "$N"
	cp "$N" "$T/mine/n"
	chown 65534 "$T/mine"
	ln -sf "$T/mine/n" "$T/link"
	import netrc "$T/link" --wipe-source
	[ "$status" -eq 4 ] && kept || show_run
}

@test "a link within one's own directories leads to the file that goes" {
	mkdir -m 700 "$T/dotfiles"
	mv "$N" "$T/dotfiles/netrc"
	ln -s dotfiles/netrc "$N"
	cd "$T"
	import netrc netrc --wipe-source
	[ "$status" -eq 0 ] && [ ! -e "$T/dotfiles/netrc" ] && [ -h "$N" ] || show_run
	[[ $err == *"netrc is a symbolic link, and stays; it leads nowhere now"*" $T/dotfiles/netrc is overwritten and removed"* ]] || show_run
	[[ $err != *" netrc is overwritten"* ]]
	printf '//h.example/:_authToken=t0ken\nfund=false\n' >"$T/dotfiles/npmrc"
	ln -s dotfiles/npmrc "$T/m"
	import npmrc "$T/m" --wipe-source
	[ "$status" -eq 0 ] && [ -h "$T/m" ] && [ "$(cat "$T/m")" = fund=false ] || show_run
	[[ $err == *"$T/m is a symbolic link, and stays"$'\n'*" $T/dotfiles/npmrc is overwritten; its settings are in a new file"* ]] || show_run
}

@test ".npmrc keeps its settings, its mode and what holds no secret" {
	printf 'fund = false\r\n//h.example/:_authToken=t0ken\n; note\n//i.example/:_authToken=${NPM_TOKEN}\n//j.example/:username=u\n//j.example/:_password=cA==\n//j.example/:email=e@x' >"$T/m"
	chmod 640 "$T/m"
	exec 9<"$T/m"
	import npmrc "$T/m" --wipe-source
	[ "$status" -eq 0 ] && [[ $out == *": 2 taken"*"1 not taken"* && $err == *"its settings are in a new file"* ]] || show_run
	printf 'fund = false\r\n; note\n//i.example/:_authToken=${NPM_TOKEN}\n//j.example/:email=e@x' | cmp - "$T/m"
	[ "$(stat -c %a "$T/m")" = 640 ]
	[ -z "$(cat <&9)" ] # the old file has no name any more, and is empty
	[ "$("$V" get https://h.example)" = t0ken ]
	[ "$(find "$T" -name 'm.*' | wc -l)" -eq 0 ]
	import npmrc "$T/m" --wipe-source
	[ "$status" -eq 1 ] && [ -s "$T/m" ] || show_run
	# nothing but credentials: nothing is left to keep
	echo '//k.example/:_authToken=t0ken' >"$T/m"
	import npmrc "$T/m" --wipe-source
	[ "$status" -eq 0 ] && [ ! -e "$T/m" ] && [[ $err == *removed* ]] || show_run
	# a credential in a comment is one
	printf '//l.example/:_authToken=t0ken\n#//l.example/:_authToken=old\n' >"$T/m"
	import npmrc "$T/m" --wipe-source
	[ "$status" -eq 4 ] && [ "$(wc -l <"$T/m")" -eq 2 ] || show_run
}

@test "docker's config keeps everything but auths" {
	printf '{\n\t"psFormat": "x",\n\t"auths": {"h.example": {"auth": "dTpw"}, "e.example": {}},\n\t"credHelpers": {"g": "x"}\n}\n' >"$T/d"
	import docker "$T/d" --wipe-source
	[ "$status" -eq 0 ] || show_run
	printf '{\n\t"psFormat": "x",\n\t"auths": {},\n\t"credHelpers": {"g": "x"}\n}\n' | cmp - "$T/d"
	echo '{"Auths": {"h.example": {"auth": "dTpw"}}}' >"$T/d"
	import docker "$T/d" --wipe-source
	[ "$status" -eq 2 ] && [[ $err == *"$T/d is not wiped: "* ]] && grep -q dTpw "$T/d" || show_run
}

@test "a file that changes after it was read stays" {
	: >"$T/trace"
	strace -qq -y -o "$T/trace" -e trace=read,fsync,fdatasync -e inject=fsync,fdatasync:delay_enter=700000 \
		"$V" import netrc "$N" --wipe-source >"$T/out" 2>"$T/err" &
	pid=$!
	# read to its end for the second time
	until [ "$(grep -c "<$N>.*= 0$" "$T/trace")" -ge 4 ]; do sleep 0.05; done
	echo 'machine late.example login u password p' >>"$N"
	status=0
	wait $pid || status=$?
	[ "$status" -eq 6 ] && grep -q 'was changed since it was read' "$T/err" || { cat "$T/err"; false; }
	grep -q p4ss "$N" && grep -q late "$N"
	[ "$("$V" get https://a.example)" = p4ss ]
}

@test "on overlayfs and tmpfs it says what that means" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount"
	mkdir lower upper work merged tmp
	cp "$N" lower/n
	split unshare -m bash -ec 'mount -t tmpfs none tmp && cp lower/n tmp/n && "$V" import netrc tmp/n --wipe-source'
	[ "$status" -eq 0 ] && [[ $err == *"was on tmpfs, in memory"* ]] || show_run
	split unshare -m bash -ec 'mount -t tmpfs none tmp && mkdir tmp/upper tmp/work &&
		mount -t overlay -o lowerdir=lower,upperdir=tmp/upper,workdir=tmp/work none merged || exit 77
		"$V" import netrc merged/n --wipe-source; [ ! -e merged/n ] && [ -s lower/n ]'
	[ "$status" -ne 77 ] || skip "no overlayfs here"
	[ "$status" -eq 0 ] && [[ $err == *"overlayfs: if a lower layer has the file"* ]] || show_run
}

@test "a full disk: the keystore as it was, the file untouched" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount"
	mkdir disk
	seq 2000 | sed 's/.*/machine host-&.example login ci password t0ken-&/' >many
	split unshare -m bash -c '
		mount -t tmpfs -o size=256k none disk
		cp keystore disk/ks
		export VALETKEY_KEYSTORE=$PWD/disk/ks
		before=$(sha256sum many disk/ks)
		"$V" import netrc many --wipe-source
		status=$?
		[ "$before" = "$(sha256sum many disk/ks)" ] || exit 101
		[ "$(ls disk)" = ks ] || exit 102
		"$V" list >/dev/null || exit 103
		exit $status'
	[ "$status" -eq 6 ] && [ -z "$out" ] && [[ $err == *"No space left on device"* ]] || show_run
}

@test "a full disk around the file: what would stay of it has no room, so all of it does" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount"
	mkdir disk
	split unshare -m bash -c '
		mount -t tmpfs -o size=64k none disk
		{ echo "//h.example/:_authToken=t0ken"; head -c 20000 /dev/zero | tr "\0" "#"; } >disk/m
		dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null
		before=$(sha256sum disk/m)
		"$V" import npmrc disk/m --wipe-source
		status=$?
		[ "$before" = "$(sha256sum disk/m)" ] || exit 101
		[ "$(echo disk/*)" = "disk/fill disk/m" ] || { ls disk; exit 102; }
		[ "$("$V" get https://h.example)" = t0ken ] || exit 103
		exit $status'
	[ "$status" -eq 6 ] && [[ $out == *": 1 taken"* && $err == *"is left as it is"*"No space left"* ]] || show_run
}
