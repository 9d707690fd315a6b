#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# valetkey fetch: what is refused before anything is asked, and where the file goes, whatever happens meanwhile.
# shellcheck disable=SC2154  # out, err and status come from fetch, port and token from fetch-lib

bats_require_minimum_version 1.5.0
load ../cli/lib
load fetch-lib

setup() { fetch_begin; }
teardown() { fetch_end; }

@test "URLs that are none, or say too much, are refused before anybody is asked" {
	for url in '' x example.com/x file:///etc/passwd scp://h/x gopher://h/x 'https://u:pw@h/x' 'https://h/a b' $'https://h/a\nb' $'https://h/\x01' \
		'https://h/a/../b' 'https://h/a/%2e%2e/b' 'https://h/a%2f..%2fb' 'https://h//b' 'https://h:99999/x' 'https://h:x/x' 'https://[::1/x' \
		'https:///x' 'https://h%00/x' 'https://@h/x' 'https://h\@other/x'; do
		fetch "$url" --output file
		[ "$status" = 2 ]
		[[ $err != *pw@* ]]
	done
	for options in '--retries x' '--retries 1001' '--timeout 0' '--timeout 9999999' '--sha256 abc' "--sha256 ${sum%?}g" '--proxy ftp://h' \
		'--proxy http://u:pw@h' '--max-size 0' '--cacert /nowhere' '--key key' '--continue --output -' '--username a --no-credential' \
		'--output /' '--output no/such/file' '--output ..' '--output x/'; do
		# shellcheck disable=SC2086
		fetch http://127.0.0.1:1/x $options
		[ "$status" = 2 ] || { [[ $options == *no/such* ]] && [ "$status" = 6 ]; }
		[[ $err != *pw* ]]
	done
	fetch http://127.0.0.1:1/
	[ "$status" = 2 ]
	[[ $err == *"--output FILE"* ]]
	VALETKEY_OFFLINE=1 fetch http://127.0.0.1:1/x
	[ "$status" = 6 ]
	nothing_left
}

@test "escaped slashes: the credential of what is above them" {
	fake web
	vk_add "http://127.0.0.1:$port/api" ci "$token"
	vk_add "http://127.0.0.1:$port/api/v4" me "$token" --name deeper
	fetch "http://127.0.0.1:$port/api/v4/projects/team%2Fproject/x.bin"
	[ "$status" = 0 ]
	whole x.bin
	[ "$(cat "$T/web.log")" = "/api/v4/projects/team%2Fproject/x.bin - with" ]
	fetch "http://me@127.0.0.1:$port/api/v4/y%20z.bin" --output y
	[ "$status" = 0 ]
	grep -q '^/api/v4/y%20z.bin - with' "$T/web.log"
}

@test "a JSON document says the same, strictly; options win over it" {
	fake web
	jq -n --arg url "http://127.0.0.1:$port/busy/1/0" --arg sum "$sum" \
		'{source_url: $url, target_path: "from-json", max_retries: 2, timeout_sec: 20, sha256: $sum, resume: false, proxy: null}' >"$T/request"
	fetch --input "$T/request" --json
	[ "$status" = 0 ]
	[ "$(jq -r .path <<<"$out")" = from-json ]
	whole from-json
	fetch --input - --output other <"$T/request"
	[ "$status" = 0 ]
	whole other
	for change in '.retries = 1' '.max_retries = "2"' '.max_retries = 1.5' '.max_retries = -1' '.timeout_sec = 0' '.resume = "yes"' '.source_url = 1' \
		'.source_url = "file:///x"' '.target_path = "a\u0001"' 'del(.source_url)' '[.]' '.sha256 = "x"' '.source_url = "https://u:p@h/"'; do
		jq "$change" "$T/request" >"$T/bad"
		fetch --input "$T/bad"
		[ "$status" = 2 ]
	done
	printf '{"source_url": "http://127.0.0.1:%s/good", "source_url": "x"}' "$port" >"$T/bad"
	fetch --input "$T/bad"
	[ "$status" = 2 ]
	fetch --input "$T/nowhere"
	[ "$status" = 2 ]
	head -c 100000 /dev/zero >"$T/bad"
	fetch --input "$T/bad"
	[ "$status" = 2 ]
}

@test "the target: links, modes, what is no file, and the checksum" {
	fake web
	echo old >"$T/real" && chmod 604 "$T/real" && ln -s "$T/real" link && ln -s nowhere dangling && mkdir dir && mkfifo fifo
	fetch "http://127.0.0.1:$port/good" --output link
	[ -L link ]
	whole "$T/real"
	[ "$(stat -c %a "$T/real")" = 604 ]
	for path in dangling dir fifo /dev/null; do
		fetch "http://127.0.0.1:$port/good" --output $path
		[ "$status" = 2 ]
	done
	[ -c /dev/null ]
	echo old >file
	fetch "http://127.0.0.1:$port/good" --output file --sha256 "${sum//[0-9]/0}"
	[ "$status" = 5 ]
	[[ $err == *"$sum"* ]]
	[ "$(cat file)" = old ]
	fetch "http://127.0.0.1:$port/good" --output file --continue --sha256 "${sum//[0-9]/0}"
	[ "$status" = 5 ]
	[ "$(cat file)" = old ]
	fetch "http://127.0.0.1:$port/good" --output file --sha256 "${sum^^}"
	[ "$status" = 0 ]
	whole file
	fetch "http://127.0.0.1:$port/status/404" --output file --continue
	[ "$status" = 1 ]
	whole file
	# What another put there is not written to.
	ln -s "$T/real" other.valetkey-part
	fetch "http://127.0.0.1:$port/good" --output other --continue
	[ "$status" = 6 ]
	ln file third.valetkey-part
	fetch "http://127.0.0.1:$port/good" --output third --continue
	[ "$status" = 4 ]
	whole third.valetkey-part
	rm -f ./*.valetkey-part*
	[ "$(LC_ALL=C ls -A | tr '\n' ' ')" = "dangling dir fifo file link " ]
	# Nobody may write there.
	chmod 555 dir && chmod 755 "$T"
	[ "$(id -u)" != 0 ] || chown 12345 dir
	if [ "$(id -u)" != 0 ]; then
		fetch "http://127.0.0.1:$port/good" --output dir/file
		[ "$status" = 6 ]
	fi
	[ -z "$(ls -A dir)" ]
}

@test "standard output gets it whole, or not at all, and no terminal does" {
	fake web
	"$VALETKEY" fetch "http://127.0.0.1:$port/cut/70000" --output - >"$T/piped"
	whole "$T/piped"
	for case in "lie --retries 0:6" "good --sha256 ${sum//[0-9]/0}:5"; do
		read -r path options <<<"${case%:*}"
		# shellcheck disable=SC2086
		fetch "http://127.0.0.1:$port/$path" --output - $options
		[ "$status" = "${case##*:}" ]
		[ -z "$out" ]
	done
	run script -qec "'$VALETKEY' fetch http://127.0.0.1:$port/good --output -" /dev/null
	[ "$status" = 4 ]
	# A bar where there is a terminal, and nowhere else.
	TERM=xterm run script -qec "'$VALETKEY' fetch http://127.0.0.1:$port/slow --output x --timeout 1" /dev/null
	[[ $output == *"fetching "*" of 0.2 MiB"* ]]
	TERM=xterm run script -qec "'$VALETKEY' fetch http://127.0.0.1:$port/slow --output x --timeout 1 --quiet" /dev/null
	[[ $output != *"fetching "* ]]
	fetch "http://127.0.0.1:$port/slow" --output x --timeout 2
	[[ $err != *fetching* ]]
	fetch "http://127.0.0.1:$port/good" --output x --quiet
	[ -z "$out$err" ]
	[ "$(ls -A)" = x ]
}

# began N: there are N requests in the log
began() {
	local i

	for i in $(seq 100); do
		[ "$(wc -l <"$T/web.log")" -lt "$1" ] || return 0
		sleep 0.05
	done
	return 1
}

# alive PID: a process that has ended, and that nobody has heard of yet, has no command line
alive() {
	grep -qs . "/proc/$1/cmdline"
}

@test "ended by a signal: no target, nothing half, no helper, and no secret that others can read" {
	fake web
	vk_add "http://127.0.0.1:$port" ci "$token"
	local n=0 signal pid helper
	for signal in INT TERM HUP KILL; do
		(trap - INT && exec "$VALETKEY" fetch "http://127.0.0.1:$port/slow" --output file) 2>/dev/null 3>&- &
		pid=$!
		n=$((n + 1))
		began $n
		helper=$(pgrep -P $pid valetkey-http)
		run ! grep -az -e "$token" -e "$(printf 'ci:%s' "$token" | base64 -w 0)" -e 127.0.0.1 "/proc/$helper/cmdline" "/proc/$helper/environ"
		kill -s $signal $pid
		wait $pid && false
		for _ in $(seq 100); do
			alive "$helper" || break
			sleep 0.05
		done
		run ! alive "$helper"
		nothing_left
	done
	for signal in TERM KILL; do
		"$VALETKEY" fetch "http://127.0.0.1:$port/slow" --output file --continue 2>/dev/null 3>&- &
		pid=$!
		n=$((n + 1))
		began $n
		sleep 0.5
		# Two at the same part would mix.
		fetch "http://127.0.0.1:$port/good" --output file --continue
		[ "$status" = 2 ]
		[[ $err == *"another process"* ]]
		kill -s $signal $pid
		wait $pid && false
		[ ! -e file ]
		[ -s file.valetkey-part ]
		[ "$(LC_ALL=C ls -A | tr '\n' ' ')" = "file.valetkey-part file.valetkey-part.of " ]
		cmp -n "$(stat -c %s file.valetkey-part)" file.valetkey-part "$T/data"
	done
}

@test "64 at once, to files of their own and to the same one" {
	fake web
	local i
	for i in $(seq 32); do
		"$VALETKEY" fetch "http://127.0.0.1:$port/good" --output "own$i" --quiet 3>&- &
		"$VALETKEY" fetch "http://127.0.0.1:$port/good" --output same --quiet --sha256 "$sum" 3>&- &
		[ "$i" = 1 ] || pids="$pids $!"
		pids="${pids-} $!"
	done
	for i in $pids; do wait "$i"; done
	for _ in $(seq 200); do
		[ "$(find . -name 'own*' | wc -l)" = 32 ] && break
		sleep 0.05
	done
	for i in $(seq 32); do whole "own$i"; done
	whole same
	[ "$(ls -A | wc -l)" = 33 ]
}

@test "a full disk: an error that says so, and the old file stays" {
	[ "$(id -u)" = 0 ] && mkdir "$T/small" && mount -t tmpfs -o size=100k tmpfs "$T/small" 2>/dev/null || skip "needs root and a mount"
	fake web
	echo old >"$T/small/file"
	fetch "http://127.0.0.1:$port/good" --output "$T/small/file"
	local left
	left=$(ls -A "$T/small") && old=$(cat "$T/small/file")
	(ulimit -f 50 && fetch "http://127.0.0.1:$port/good" --output limited && [ "$status" = 6 ])
	umount "$T/small"
	[ "$status" = 6 ]
	[[ $err == *"No space left"* ]]
	[ "$left" = file ]
	[ "$old" = old ]
	[ "$(wc -l <"$T/web.log")" = 2 ]
	nothing_left
}
