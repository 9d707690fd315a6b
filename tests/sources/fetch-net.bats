#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# valetkey fetch over bad lines, and by ftp.
# shellcheck disable=SC2154  # out, err and status come from fetch, port and token from fetch-lib

bats_require_minimum_version 1.5.0
load ../cli/lib
load fetch-lib

setup() { fetch_begin; }
teardown() {
	[ -z "${space-}" ] || ip netns del "$space"
	fetch_end
}

# line NAME OPTION...: a bad line to $port; its own port is then in $port
line() {
	local name=$1

	shift
	python3 "$VK_SRC/tests/servers/fake-net.py" --to "$port" --ready "$T/$name.port" "$@" 3>&- &
	servers+=($!)
	await "$T/$name.port"
	port=$(cat "$T/$name.port")
}

@test "a line that is late, slow, and cut every 30 KB" {
	certificate
	fake web --cert "$T/ca.pem" --key "$T/key.pem"
	line bad --delay 0.01 --rate 500000 --cut 30000
	vk_add "https://127.0.0.1:$port" ci "$token"
	fetch "https://127.0.0.1:$port/good" --cacert "$T/ca.pem" --output file --retries 30 --json
	[ "$status" = 0 ]
	whole file
	[ "$(jq .tries <<<"$out")" -ge 6 ]
	# Nothing was fetched twice but the beginning of a record.
	[ "$(grep -c 'bytes=' "$T/web.log")" -ge 5 ]
	[ "$(grep -c without "$T/web.log")" = 0 ]
	# Cut again and again where nothing can be gone on with: it says so in the end, and leaves nothing.
	fetch "https://127.0.0.1:$port/cut-bare/1" --cacert "$T/ca.pem" --output none --retries 3
	[ "$status" = 6 ]
	[ "$(ls -A)" = file ]
}

@test "the kernel's own bad line: delay, loss and a limited rate (tc netem)" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	space=vk-fetch-$$
	ip netns add "$space" 2>/dev/null || { space='' && skip "no network namespaces here"; }
	ip -n "$space" link set lo up
	ip netns exec "$space" tc qdisc add dev lo root netem delay 30ms 10ms loss 5% rate 4mbit 2>/dev/null || skip "the kernel has no netem"
	ip netns exec "$space" python3 "$VK_SRC/tests/servers/fake-fetch.py" --file "$T/data" --ready "$T/ns.port" --log "$T/ns.log" 3>&- &
	servers+=($!)
	await "$T/ns.port"
	split timeout 60 ip netns exec "$space" "$VALETKEY" fetch "http://127.0.0.1:$(cat "$T/ns.port")/cut/90000" --output file --retries 20
	echo "$out$err"
	[ "$status" = 0 ]
	whole file
}

# ftp_server NAME [OPTION...]
ftp_server() {
	local name=$1

	shift
	/usr/bin/python3 "$VK_SRC/tests/servers/ftp-files.py" --root "$T/ftp" --ready "$T/$name.port" --log "$T/$name.log" --user ci "$@" 3>&- \
		< <(printf '%s\n' "$token") &
	servers+=($!)
	await "$T/$name.port"
	port=$(cat "$T/$name.port")
}

@test "ftp: the account, what is not there, and going on with the same version alone" {
	/usr/bin/python3 -c 'import pyftpdlib' || skip "needs python3-pyftpdlib"
	mkdir -p "$T/ftp/dir" && cp "$T/data" "$T/ftp/dir/a.bin"
	ftp_server quick
	local quick=$port
	fetch "ftp://127.0.0.1:$port/dir/a.bin"
	[ "$status" = 4 ]
	vk_add "ftp://127.0.0.1:$port" ci "$token"
	fetch "ftp://127.0.0.1:$port/dir/a.bin" --sha256 "$sum"
	[ "$status" = 0 ]
	whole a.bin
	for path in dir/none none/a.bin; do
		fetch "ftp://127.0.0.1:$port/$path" --output none
		[ "$status" = 1 ]
	done
	fetch "ftp://127.0.0.1:$port/dir/a.bin" --ssl-reqd --output none
	[ "$status" = 6 ]
	printf wrong | "$VALETKEY" add "ftp://127.0.0.1:$port/dir" --username ci --name bad
	fetch "ftp://127.0.0.1:$port/dir/a.bin" --output none
	[ "$status" = 4 ]
	[[ $err == *"the credential bad"* ]]
	printf %s "$token" | "$VALETKEY" add "ftp://127.0.0.1:$port/dir/x" --kind header --header X-Token --name header
	fetch "ftp://127.0.0.1:$port/dir/x/a.bin" --output none
	[ "$status" = 4 ]
	# Broken off by the time, and gone on with.
	ftp_server slow --rate 50000
	vk_add "ftp://127.0.0.1:$port" ci "$token"
	fetch "ftp://127.0.0.1:$port/dir/a.bin" --output b.bin --continue --timeout 2
	[ "$status" = 6 ]
	local had
	had=$(stat -c %s b.bin.valetkey-part)
	[ "$had" -gt 0 ]
	cp b.bin.valetkey-part "$T/part" && cp b.bin.valetkey-part.of "$T/of"
	fetch "ftp://127.0.0.1:$port/dir/a.bin" --output b.bin --continue --json
	[ "$status" = 0 ]
	[ "$(jq .resumed <<<"$out")" = "$had" ]
	whole b.bin
	cp "$T/part" b.bin.valetkey-part && cp "$T/of" b.bin.valetkey-part.of
	head -c 200000 /dev/urandom >"$T/ftp/dir/a.bin" && touch -d '2020-01-01' "$T/ftp/dir/a.bin" && cp "$T/ftp/dir/a.bin" "$T/data"
	fetch "ftp://127.0.0.1:$port/dir/a.bin" --output b.bin --continue --json
	[ "$status" = 0 ]
	[ "$(jq .resumed <<<"$out")" = 0 ]
	whole b.bin
	[ "$(LC_ALL=C ls -A | tr '\n' ' ')" = "a.bin b.bin " ]
	[ "$quick" != "$port" ]
	run ! grep -qs "$token" "$T/out" "$T/err"
}

# vsftpd_server NAME SETTING...: another real ftp server, which knows TLS; it lets in whoever says "ftp", and that by TLS alone
vsftpd_server() {
	local name=$1 i

	shift
	mkdir -p "$T/$name.empty"
	for i in 1 2 3 4 5; do
		port=$((20000 + (RANDOM * 3 + i) % 40000))
		printf '%s\n' listen=YES listen_address=127.0.0.1 "listen_port=$port" background=NO anon_root="$T/ftp" ssl_enable=YES \
			allow_anon_ssl=YES force_anon_logins_ssl=YES force_anon_data_ssl=YES rsa_cert_file="$T/ca.pem" rsa_private_key_file="$T/key.pem" \
			secure_chroot_dir="$T/$name.empty" seccomp_sandbox=NO "$@" >"$T/$name.conf"
		vsftpd "$T/$name.conf" 3>&- &
		servers+=($!)
		for _ in $(seq 40); do
			(: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
			kill -0 $! 2>/dev/null || break
			sleep 0.05
		done
	done
	return 1
}

@test "ftp by TLS, from the start and when it is demanded" {
	[ "$(id -u)" = 0 ] && command -v vsftpd >/dev/null || skip "needs root and vsftpd"
	certificate
	mkdir "$T/ftp" && cp "$T/data" "$T/ftp/a.bin" && chmod 755 "$T/ftp" && chmod 644 "$T/ftp/a.bin"
	vsftpd_server demanded
	vk_add "ftp://127.0.0.1:$port" ftp "$token"
	# In the clear it lets nobody in; and only with an authority that is trusted.
	fetch "ftp://127.0.0.1:$port/a.bin"
	[ "$status" = 4 ]
	fetch "ftp://127.0.0.1:$port/a.bin" --ssl-reqd
	[ "$status" = 6 ]
	nothing_left
	fetch "ftp://127.0.0.1:$port/a.bin" --ssl-reqd --cacert "$T/ca.pem"
	[ "$status" = 0 ]
	whole a.bin
	vsftpd_server implicit implicit_ssl=YES
	vk_add "ftps://127.0.0.1:$port" ftp "$token"
	fetch "ftps://127.0.0.1:$port/a.bin" --cacert "$T/ca.pem" --output b.bin
	[ "$status" = 0 ]
	whole b.bin
	fetch "ftps://127.0.0.1:$port/a.bin" --output c.bin
	[ "$status" = 6 ]
}
