#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# valetkey scan: secrets in trees, archives and images, and everything that cannot be searched is said.

bats_require_minimum_version 1.5.0
load lib

SECRET=tok-Zq8vX1mN4bR7sT2w
OTHER=npm_Abc123Def456Ghi789

setup() {
	vk_keystore
	# Another program of this name is not ours to test.
	[ -x "$(dirname "$(readlink -f "$VALETKEY")")/valetkey-scan" ] || skip "built without libarchive"
	vk_add https://git.example ci "$SECRET" --name github
	vk_add https://npm.example bob "$OTHER" --name npm
	make=$BATS_TEST_DIRNAME/scan-make.py
	mkdir d
}

teardown() {
	# What it printed has no secret in it, whatever the test was about.
	! grep -rqaF -e "$SECRET" -e "$OTHER" -e "$(printf %s "$SECRET" | base64)" "$T/out" "$T/err" 2>/dev/null
}

# scan STATUS ARGUMENT...: run it; it must end so
scan() {
	local want=$1

	shift
	split timeout 120 "$VALETKEY" scan "$@"
	[ "$status" = "$want" ] || { printf 'status %s\n%s%s\n' "$status" "$out" "$err"; return 1; }
}

# lines TEXT: exactly that was found
lines() {
	[ "$out" = "$1"$'\n' ] || { printf 'found:\n%s\nerrors:\n%s\n' "$out" "$err"; return 1; }
}

@test "0, 1, 2 and 3 findings, in trees and named files" {
	echo nothing >d/a
	scan 0 d
	[ -z "$out" ]
	[[ $err == "valetkey: 0 found; searched 1 files"* ]]
	echo "x=$SECRET" >d/b
	scan 1 d
	lines "d/b: credential github, as it is, at byte 2"
	mkdir -p d/e/f
	printf '%s' "$OTHER" >d/e/f/g
	scan 1 d/
	lines "d/b: credential github, as it is, at byte 2
d/e/f/g: credential npm, as it is, at byte 0"
	scan 1 d/b d/e/f/g d/b
	[ "$(grep -c . "$T/out")" = 3 ]
}

@test "the ways in which a secret may be written" {
	printf %s "$SECRET" | base64 >d/base64
	printf ' %s' "$SECRET" | base64 >d/shifted
	printf 'ci:%s' "$SECRET" | base64 >d/basic
	printf %s "$SECRET" | od -An -tx1 | tr -d ' \n' >d/hex
	printf 'https://ci:%s@git.example/' "$SECRET" >d/url
	scan 1 d
	[ "$(grep -c . "$T/out")" = 5 ]
	[[ $out == *"d/base64: credential github, base64, at byte 0"* && $out == *"d/hex: credential github, hex"* ]]
	[[ $out == *"d/url: credential github"*"at byte 8"* ]]
}

@test "only what is asked for: --credential, --profile, and none at all" {
	echo "$SECRET $OTHER" >d/a
	scan 1 --credential npm d
	lines "d/a: credential npm, as it is, at byte 21"
	mkdir -p "$HOME/.config/valetkey"
	printf '[profile p]\ncredentials = github\n' >"$HOME/.config/valetkey/config.ini"
	scan 1 --profile p d
	lines "d/a: credential github, as it is, at byte 0"
	scan 2 --credential nope d
	[[ $err == *nope* ]]
	scan 2
	"$VALETKEY" remove github >/dev/null
	"$VALETKEY" remove npm >/dev/null
	scan 2 d
	[[ $err == *"no credential to look for"* ]]
}

@test "a locked keystore is 3, and a secret that is too short is said" {
	echo x >d/a
	split env VALETKEY_KEY_FILE= "$VALETKEY" scan d
	[ "$status" = 3 ]
	vk_add https://short.example '' abc --name short
	scan 6 d
	[[ $err == *"short: not looked for"*"not everything was searched"* ]]
}

@test "at every place of a file, and around the end of a read" {
	"$make" offsets "$SECRET" offsets
	scan 1 offsets
	[ "$(grep -c 'as it is' "$T/out")" = 4181 ]
	# Each where it was put.
	[ "$(sed 's/^offsets.\([0-9]*\): .* at byte \([0-9]*\)$/\1 \2/' "$T/out" | awk '$1 == $2' | grep -c .)" = 4181 ]
	"$make" chunks "$SECRET" chunks
	scan 1 chunks
	[ "$(sed 's/^chunks.\([0-9]*\): .* at byte \([0-9]*\)$/\1 \2/' "$T/out" | awk '$1 == $2' | grep -c .)" = 25 ]
}

@test "from a pipe that gives a few bytes at a time" {
	split sh -c 'python3 -c "
import sys, time
s = b\"-\" * 1000 + sys.argv[1].encode() + b\"-\" * 10
for i in range(0, len(s), 7):
    sys.stdout.buffer.write(s[i:i + 7]); sys.stdout.flush()
    time.sleep(0.001)
" "$1" | "$2" scan -' sh "$SECRET" "$VALETKEY"
	[ "$status" = 1 ]
	lines "standard input: credential github, as it is, at byte 1000"
}

@test "tar, gzip, zstd, xz, bzip2, zip, cpio, ar, and one in the other" {
	echo "x=$SECRET" >d/f
	tar -cf a.tar d
	for c in 'gzip:gz' 'xz:xz' 'bzip2:bz2' 'zstd:zst' 'lz4:lz4'; do
		! command -v "${c%:*}" >/dev/null || "${c%:*}" -q <a.tar >"a.tar.${c#*:}"
	done
	(echo d/f | cpio -o -H newc >a.cpio) 2>/dev/null || rm -f a.cpio
	ar rc a.ar d/f
	python3 -c 'import zipfile
for n, c in ("stored", 0), ("deflated", 8):
    with zipfile.ZipFile(n + ".zip", "w", c) as z: z.write("d/f"); z.write("a.tar.gz"); z.write("a.tar")'
	n=0
	for f in a.tar*; do
		scan 1 "$f"
		# A fast compressor may leave the text as it was.
		[[ $out == "$f: d/f: credential github, as it is, at byte 2"$'\n'* ]]
		[[ $f == *.lz4 || $f == *.zst ]] || [ "$(grep -c . "$T/out")" = 1 ]
		n=$((n + 1))
	done
	[ "$n" -ge 4 ]
	[ ! -e a.cpio ] || { scan 1 a.cpio && lines "a.cpio: d/f: credential github, as it is, at byte 2"; }
	scan 1 a.ar
	[[ $out == "a.ar: f"*": credential github, as it is, at byte 2"$'\n' ]]
	for f in stored.zip deflated.zip; do
		scan 1 $f
		lines "$f: d/f: credential github, as it is, at byte 2
$f: a.tar.gz: d/f: credential github, as it is, at byte 2
$f: a.tar: d/f: credential github, as it is, at byte 2"
	done
	"$make" v7 "$SECRET" old.tar
	scan 1 old.tar
	lines "old.tar: old: credential github, as it is, at byte 0"
	gzip <d/f >one.gz
	scan 1 one.gz
	lines "one.gz: credential github, as it is, at byte 2 unpacked"
	scan 1 - <one.gz
	[[ $out == "standard input: "*unpacked* ]]
}

@test "a saved image: docker's archive, the OCI layout as archive and directory" {
	"$make" docker "$SECRET" docker.tar
	"$make" oci "$SECRET" oci.tar
	"$make" oci-dir "$SECRET" layout
	scan 1 docker.tar
	[[ $out == 'docker.tar: layer 2 of 3 (sha256:'*', "RUN npm ci"): root/.npmrc: credential github, as it is, at byte 18'$'\n'* ]]
	[[ $out == *'docker.tar: configuration of the image ('*'.json): credential github, as it is, at byte'* ]]
	[ "$(grep -c . "$T/out")" = 2 ]
	scan 1 oci.tar
	[[ $out == 'oci.tar: layer 2 of 3 (sha256:'*', "RUN npm ci"): root/.npmrc: credential github, as it is, at byte 18'$'\n' ]]
	scan 1 layout
	[[ $out == layout/blobs/sha256/*': layer 2 of 3 (sha256:'*', "RUN npm ci"): root/.npmrc: credential github'* ]]
	[ "$(grep -c . "$T/out")" = 1 ]
	split sh -c 'gzip <docker.tar | "$1" scan -' sh "$VALETKEY"
	[ "$status" = 1 ]
	[[ $out == 'standard input: layer 2 of 3 (sha256:'* ]]
	scan 1 --json docker.tar
	jq -e '.findings[0] | .layer.index == 2 and .layer.of == 3 and .layer.command == "RUN npm ci" and (.layer.digest | startswith("sha256:"))' "$T/out"
	jq -e '.findings[1].configuration' "$T/out"
}

@test "--json is one document, also when something cannot be searched" {
	scan 0 --json d
	jq -e '.findings == [] and .problems == [] and .complete and .found == 0' "$T/out"
	echo "x=$SECRET" >"d/a"
	printf '\037\213\010\0\0\0\0\0\0\003truncated' >"d/b.gz"
	scan 1 --json d nope
	jq -e '(.findings | length) == 1 and .findings[0].path == "d/a" and .findings[0].credential == "github" and
		.findings[0].form == "as it is" and .findings[0].offset == 2' "$T/out"
	jq -e '(.problems | length) == 2 and (.complete | not)' "$T/out"
	[ -z "$err" ]
	"$make" control "$SECRET" control.tar
	scan 1 --json control.tar
	jq -e '.findings[0].members == ["a\u001b[31m\nb\u0007"]' "$T/out"
	! LC_ALL=C grep -q "$(printf '\033')" "$T/out"
}

@test "control characters in names do not reach the terminal, and secrets in names are hidden" {
	"$make" control "$SECRET" control.tar
	scan 1 control.tar
	! LC_ALL=C tr -d '\n' <"$T/out" | LC_ALL=C grep -q '[[:cntrl:]]'
	[[ $out == *'dir/********************/f: credential github'* ]]
	mkdir "d/$SECRET"
	ln -s "https://$SECRET@x" d/link
	scan 1 d
	lines "d/link: credential github, as it is, in the name itself
d/********************: credential github, as it is, in the name itself" || lines "d/link: credential github, as it is, in the name itself
d/********************: credential github, as it is, in the name itself"
}

@test "a secret that is longer than a read in most of its forms" {
	python3 -c 'import random
random.seed(3)
s = "".join(random.choice("abcdefgh\"<% /") for _ in range(60000))
open("long", "w").write(s)
open("d/plain", "w").write("-" * 300000 + s + "-")'
	"$VALETKEY" add https://long.example --username u --name long <long >/dev/null
	base64 -w0 d/plain >d/base64
	scan 1 d
	lines "d/base64: credential long, base64, at byte 400000
d/plain: credential long, as it is, at byte 300000"
}

@test "many in one file are counted; forms that overlap are one" {
	for _ in $(seq 1000); do echo "$SECRET"; done >d/a
	scan 1 d
	[ "$(grep -c . "$T/out")" = 8 ]
	[[ $out == *"and 992 times more"* && $err == *"1000 found"* ]]
}

@test "links, pipes, sockets and devices are passed over, hard links are searched once" {
	mkdir elsewhere
	echo "$SECRET" >elsewhere/f
	ln -s ../elsewhere d/dir
	ln -s ../elsewhere/f d/file
	mkfifo d/pipe
	python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("d/socket")'
	scan 0 d
	scan 6 d/pipe
	[[ $err == *"d/pipe: neither a file nor a directory"* ]]
	# A link that is named is meant.
	scan 1 d/dir
	echo "$SECRET" >d/a
	ln d/a d/b
	ln d/a d/c
	scan 1 d
	lines "d/a: credential github, as it is, at byte 0"
}

@test "the kernel's own file systems are not entered; other ones neither, with --one-file-system" {
	[ "$(id -u)" = 0 ] || skip "mounts"
	mkdir d/proc d/tmp
	split unshare -m sh -c 'mount -t proc proc d/proc && mount -t tmpfs tmpfs d/tmp && echo "$1" >d/tmp/f &&
		timeout 60 "$2" scan d' sh "$SECRET" "$VALETKEY"
	[ "$status" = 1 ] || skip "no mounts here: $err"
	lines "d/tmp/f: credential github, as it is, at byte 0"
	[[ $err == *"searched 1 files"* ]]
	split unshare -m sh -c 'mount -t tmpfs tmpfs d/tmp && echo "$1" >d/tmp/f &&
		timeout 60 "$2" scan --one-file-system d' sh "$SECRET" "$VALETKEY"
	[ "$status" = 0 ]
}

@test "what cannot be read is said, and is not success" {
	echo x >d/a
	scan 6 d nope
	[[ $err == *"nope: cannot be opened: No such file"* ]]
	scan 6 - <&-
	[[ $err == *"standard input is neither a file nor a pipe"* ]]
	scan 6 - </dev/null
	if [ "$(id -u)" = 0 ]; then
		echo "$SECRET" >d/closed
		chmod 000 d/closed
		mkdir -m 000 d/shut
		# A root that reads only what it may.
		split setpriv --bounding-set -dac_override,-dac_read_search "$VALETKEY" scan d
	else
		chmod 000 d/a
		split "$VALETKEY" scan d
	fi
	[ "$status" = 6 ] || { echo "$status $out $err"; false; }
	[[ $err == *"cannot be opened: Permission denied"* && $err == *"not everything was searched"* ]]
	chmod -R u+rwx d
}

@test "damaged archives: what can be read is searched, the rest is said" {
	echo "x=$SECRET" >d/f
	head -c 300000 /dev/urandom >d/z
	tar -C d -czf a.tgz f z
	head -c 200000 a.tgz >cut.tgz
	scan 1 cut.tgz
	lines "cut.tgz: f: credential github, as it is, at byte 2"
	[[ $err == *"cut.tgz"*"cannot be unpacked further"* ]]
	for f in gz xz zst zip tar 7z; do
		case $f in
		gz) printf '\037\213\010\0\0\0\0\0\0\003' ;;
		xz) printf '\3757zXZ\0' ;;
		zst) printf '\050\265\057\375' ;;
		zip) printf 'PK\003\004' ;;
		7z) printf '7z\274\257\047\034' ;;
		tar) head -c 400 a.tgz ;;
		esac >"bad.$f"
		head -c 3000 d/z >>"bad.$f"
		printf %s "$SECRET" >>"bad.$f"
		scan 1 "bad.$f"
		[[ $out == "bad.$f: credential github, as it is"* ]]
		[ $f = tar ] || [[ $err == *"bad.$f"*unpacked* ]] || { echo "$f: $err"; false; }
	done
	# It only begins like one.
	printf '07070 is a number, BZh too, \037\235' >text
	scan 0 text
}

@test "damaged in hundreds of ways, they end nothing but themselves" {
	"$make" damaged "$SECRET" many
	scan 1 many
	[[ $err == *"searched 400 files"*"not everything was searched"* ]]
	[[ $err != *"valetkey-scan"* && $err != *"valetkey: error"* && $err != *"runtime error"* ]]
}

@test "bombs and nesting end at limits, which are said" {
	"$make" bomb "$OTHER" bomb.zip
	scan 1 bomb.zip
	[[ $err == *"not searched further: the file on disk unpacks to more than 1 GiB"* ]]
	"$make" nested "$SECRET" 9 >nested
	scan 1 nested
	[[ $out == "nested: level8.tar: level7.tgz: "*"level0.tar: credential github, as it is, at byte 0"* ]]
	"$make" nested "$SECRET" 40 >nested
	scan 6 nested
	[[ $err == *"more than 16 archives in one another"* ]]
	mkdir -p "$(python3 -c 'print("deep/" + "d/" * 450)')"
	scan 6 deep
	[[ $err == *"directories in one another"* ]]
}

@test "a file of a terabyte that is one hole takes no time" {
	truncate -s 1T d/a 2>/dev/null || skip "no such files here"
	printf %s "$SECRET" | dd of=d/a bs=1 seek=500G conv=notrunc status=none
	printf %s "$SECRET" | dd of=d/a bs=1 seek=700000000001 conv=notrunc status=none
	split timeout 20 "$VALETKEY" scan d
	[ "$status" = 1 ]
	lines "d/a: credential github, as it is, at byte 536870912000
d/a: credential github, as it is, at byte 700000000001"
}

@test "the searching program: no arguments, none of the environment, sealed off" {
	program=$(dirname "$(readlink -f "$VALETKEY")")/valetkey-scan
	split "$program" d
	[ "$status" = 2 ]
	split "$program" 3</dev/null
	[ "$status" = 2 ]
	split sh -c 'printf "VKSCAN1\n\0\0\0\0\377\377\377\377" | "$1" 3<&0' sh "$program"
	[ "$status" = 2 ]
	! grep -qa __asan_init "$program" || skip "sanitizers are not sealed off"
	mkfifo pipe
	SEEN=$SECRET "$VALETKEY" scan - <pipe >scan.out 2>&1 3>&- &
	pid=$!
	exec 5>pipe
	for _ in $(seq 100); do
		child=$(pgrep -P $pid || true)
		[ -n "$child" ] && grep -q 'Seccomp:.2' "/proc/$child/status" && break
		sleep 0.1
	done
	grep -q 'Seccomp:.2' "/proc/$child/status"
	grep -q 'NoNewPrivs:.1' "/proc/$child/status"
	[ "$(tr '\0' '\n' <"/proc/$child/cmdline" | wc -l)" = 1 ]
	! grep -qa SEEN "/proc/$child/environ"
	printf %s "$SECRET" >&5
	exec 5>&-
	wait $pid || [ $? = 1 ]
	grep -q 'standard input: credential github' scan.out
	# It ends with valetkey.
	"$VALETKEY" scan - <pipe >/dev/null 2>&1 3>&- &
	pid=$!
	exec 5>pipe
	for _ in $(seq 100); do
		child=$(pgrep -P $pid || true)
		[ -z "$child" ] || break
		sleep 0.05
	done
	kill -KILL $pid
	wait $pid || true
	for _ in $(seq 100); do
		[ -d "/proc/$child" ] || break
		sleep 0.05
	done
	[ ! -d "/proc/$child" ]
	exec 5>&-
}

@test "a searching program that is missing, foreign or talks nonsense" {
	echo "$SECRET" >d/a
	mkdir lib
	split env VALETKEY_LIBEXEC="$T/lib" "$VALETKEY" scan d
	[ "$status" = 6 ]
	[[ $err == *"valetkey-scan: No such file"*libarchive* ]]
	printf '#!/bin/sh\nexit 0\n' >lib/valetkey-scan
	chmod 755 lib/valetkey-scan
	split env VALETKEY_LIBEXEC="$T/lib" "$VALETKEY" scan d
	[ "$status" = 6 ]
	printf '#!/bin/sh\ncat <&3 >/dev/null; echo hello, I am text of some length\n' >lib/valetkey-scan
	split env VALETKEY_LIBEXEC="$T/lib" "$VALETKEY" scan d
	[ "$status" = 6 ]
	[[ $err == *"no sense"* ]]
	split env VALETKEY_LIBEXEC="$T/lib" "$VALETKEY" scan --json d
	[ "$status" = 6 ]
	jq -e '(.complete | not) and (.problems | length) == 1' "$T/out"
	chmod 777 lib/valetkey-scan
	split env VALETKEY_LIBEXEC="$T/lib" "$VALETKEY" scan d
	[ "$status" = 4 ]
	split env VALETKEY_LIBEXEC=lib "$VALETKEY" scan d
	[ "$status" = 2 ]
}

# ---- at the end of a run ---------------------------------------------------------------------------

@test "run --scan: what the command left is told, with its status kept" {
	mkdir left
	for rung in R1 R2; do
		split "$VALETKEY" run --rung $rung --scan left -- sh -c 'echo clean >left/file'
		[ "$status" = 0 ]
		split "$VALETKEY" run --rung $rung --scan left --env T=keystore:github -- sh -c 'printf %s "$T" | base64 >left/file; echo out'
		[ "$status" = 125 ]
		[ "$out" = $'out\n' ]
		[[ $err == *"left/file"*"github"*"base64"* && $err == *"left credentials"* ]]
		split "$VALETKEY" run --rung $rung --scan left -- sh -c 'exit 3'
		[ "$status" = 3 ]
		[[ $err == *"left credentials"* ]]
		rm left/file
		split "$VALETKEY" run --rung $rung --scan nowhere -- true
		[ "$status" = 125 ]
		split "$VALETKEY" run --rung $rung --scan left -- no-such-command
		[ "$status" = 127 ]
		split "$VALETKEY" run --rung $rung --scan left -- sh -c 'kill -TERM $$'
		[ "$status" = 143 ]
		# What waits is gone with the run, also where the command can stop it or end the run.
		if [ $rung = R2 ]; then
			split timeout -s KILL 30 "$VALETKEY" run --rung R2 --scan left -- sh -c 'kill -STOP $(pgrep -P $PPID valetkey-waits); exit 3'
			[ "$status" = 3 ]
			split "$VALETKEY" run --rung R2 --scan left -- sh -c 'kill -STOP $(pgrep -P $PPID valetkey-waits); kill -KILL $PPID'
			[ "$status" = 137 ]
			sleep 1
		fi
		[ -z "$(pgrep -f "^$VALETKEY run .*--scan (left|nowhere)")" ]
	done
	for name in $("$VALETKEY" list --json | jq -r '.[].name'); do "$VALETKEY" remove "$name" >/dev/null; done
	split "$VALETKEY" run --scan left -- touch left/begun
	[ "$status" = 125 ]
	[[ $err == *"no credential to look for"* ]]
	[ ! -e left/begun ]
}
