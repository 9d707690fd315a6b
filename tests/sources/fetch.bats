#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# valetkey fetch: what is asked for, where it goes, which credential it takes; with real servers and one that misbehaves.
# shellcheck disable=SC2154  # out, err and status come from fetch, port and token from fetch-lib

bats_require_minimum_version 1.5.0
load ../cli/lib
load fetch-lib

setup() { fetch_begin; }
teardown() { fetch_end; }

# nginx, a real server on https://127.0.0.1:$port with the files of $T/www for ci and $token
real_server() {
	local i

	certificate
	mkdir -p "$T/www/private" "$T/ng"
	cp "$T/data" "$T/www/private/a.bin"
	printf 'ci:%s\n' "$(openssl passwd -apr1 "$token")" >"$T/ng/users"
	chmod 755 "$T" "$T/www" "$T/www/private" "$T/ng"
	for i in 1 2 3 4 5; do
		port=$((20000 + (RANDOM * 3 + i) % 40000))
		cat >"$T/ng/conf" <<-CONF
			daemon off; pid $T/ng/pid; error_log $T/ng/error;
			$([ "$(id -u)" != 0 ] || echo "user $(id -un);")
			events { worker_connections 256; }
			http {
				log_format plain '\$uri \$status "\$http_range" \$remote_user'; access_log $T/ng/log plain;
				client_body_temp_path $T/ng/b; proxy_temp_path $T/ng/p; fastcgi_temp_path $T/ng/f; uwsgi_temp_path $T/ng/u; scgi_temp_path $T/ng/s;
				server {
					listen 127.0.0.1:$port ssl; ssl_certificate $T/ca.pem; ssl_certificate_key $T/key.pem; root $T/www;
					ssl_client_certificate $T/ca.pem; ssl_verify_client optional;
					auth_basic private; auth_basic_user_file $T/ng/users;
					location /mutual/ { alias $T/www/private/; if (\$ssl_client_verify != SUCCESS) { return 403; } }
					location /away { auth_basic off; return 302 https://127.0.0.1:$((port + 1))/who; }
					location /slow/ { alias $T/www/private/; limit_rate 70k; sendfile_max_chunk 4k; output_buffers 1 4k; }
				}
				server {
					listen 127.0.0.1:$((port + 1)) ssl; ssl_certificate $T/ca.pem; ssl_certificate_key $T/key.pem;
					ssl_client_certificate $T/ca.pem; ssl_verify_client optional;
					location /who { return 200 "client: \$ssl_client_verify"; }
				}
			}
		CONF
		nginx -p "$T/ng" -c "$T/ng/conf" 2>"$T/ng/start" 3>&- &
		servers+=($!)
		for _ in $(seq 100); do
			[ -e "$T/ng/pid" ] && return
			kill -0 $! 2>/dev/null || break
			sleep 0.05
		done
	done
	cat "$T/ng/start"
	return 1
}

@test "a real https server: the credential for the URL, the authority that was named, the file's mode" {
	real_server
	fetch "https://127.0.0.1:$port/private/a.bin" --cacert "$T/ca.pem"
	[ "$status" = 4 ]
	[[ $err == *"answers 401, without a credential"*"valetkey add https://127.0.0.1:$port"* ]]
	vk_add "https://127.0.0.1:$port/private" ci "$token" --name nexus
	fetch "https://127.0.0.1:$port/private/a.bin"
	[ "$status" = 6 ]
	[[ $err == *certificate* ]]
	nothing_left
	(umask 027 && fetch "https://127.0.0.1:$port/private/a.bin" --cacert "$T/ca.pem" --sha256 "$sum")
	whole a.bin
	[ "$(stat -c %a a.bin)" = 640 ]
	fetch "https://127.0.0.1:$port/private/a.bin?x=1#part" --cacert "$T/ca.pem" --output b.bin --json
	[ "$status" = 0 ]
	jq -e --arg sum "$sum" --arg origin "https://127.0.0.1:$port" \
		'. == {path: "b.bin", bytes: 200000, sha256: $sum, tries: 1, resumed: 0, length_known: true, origin: $origin}' <<<"$out"
	vk_add "https://127.0.0.1:$port/mutual" ci "$token"
	fetch "https://127.0.0.1:$port/mutual/a.bin" --cacert "$T/ca.pem" --output b.bin
	[ "$status" = 4 ]
	cp "$T/ca.pem" "$T/key.pem" "$T/got/"
	# It is a credential: who is redirected to does not see it.
	for at in "$((port + 1))/who SUCCESS" "$port/away NONE"; do
		fetch "https://127.0.0.1:${at% *}" --cacert ca.pem --cert ca.pem --key key.pem --output who
		[ "$(cat who)" = "client: ${at#* }" ]
	done
	fetch "https://127.0.0.1:$port/mutual/a.bin" --cacert ca.pem --cert ca.pem --key key.pem --output b.bin
	[ "$status" = 0 ]
	whole b.bin
	fetch "https://127.0.0.1:$port/private/none" --cacert "$T/ca.pem"
	[ "$status" = 1 ]
	printf wrong | "$VALETKEY" add "https://127.0.0.1:$port/private" --username ci --name nexus --replace
	fetch "https://127.0.0.1:$port/private/a.bin" --cacert "$T/ca.pem" --output c.bin
	[ "$status" = 4 ]
	[[ $err == *"answers 401, with the credential nexus"* ]]
	[ ! -e c.bin ]
	fetch "https://127.0.0.1:$port/private/a.bin" --cacert "$T/ca.pem" --username other
	[ "$status" = 1 ]
}

@test "a real https server: --continue goes on with the same version, and with no other" {
	real_server
	vk_add "https://127.0.0.1:$port" ci "$token"
	# Killed in the middle, in the way that leaves no time for anything.
	timeout -s KILL 1.2 "$VALETKEY" fetch "https://127.0.0.1:$port/slow/a.bin" --cacert "$T/ca.pem" --continue || true
	[ ! -e a.bin ]
	[ "$(stat -c %s a.bin.valetkey-part)" -gt 10000 ]
	[ "$(stat -c %a a.bin.valetkey-part.of)" = 600 ]
	run ! grep -q "$port" a.bin.valetkey-part.of
	cp a.bin.valetkey-part "$T/part" && cp a.bin.valetkey-part.of "$T/of"
	fetch "https://127.0.0.1:$port/slow/a.bin" --cacert "$T/ca.pem" --continue --json
	[ "$(jq .resumed <<<"$out")" = "$(stat -c %s "$T/part")" ]
	whole a.bin
	[ "$(ls -A)" = a.bin ]
	grep -q "/slow/a.bin 206 \"bytes=$(stat -c %s "$T/part")-\" ci" "$T/ng/log"
	# Another version, and another place.
	for case in place version; do
		cp "$T/part" b.bin.valetkey-part && cp "$T/of" b.bin.valetkey-part.of
		place=slow
		if [ $case = version ]; then
			sleep 1.1
			head -c 150000 /dev/urandom >"$T/www/private/a.bin" && cp "$T/www/private/a.bin" "$T/data"
		else
			place=private
		fi
		fetch "https://127.0.0.1:$port/$place/a.bin" --cacert "$T/ca.pem" --continue --output b.bin --json
		[ "$(jq -c '[.resumed, .tries]' <<<"$out")" = "[0,1]" ]
		whole b.bin
		[ ! -e b.bin.valetkey-part ]
		[ ! -e b.bin.valetkey-part.of ]
	done
}

@test "what a server gives is whole, or it is an error" {
	fake web
	for case in good:1 cut/70000:3 cut-bare/500:2 norange/500:2 mixed/500:3 wrong-part/500:3 gone/500:3 subset/70000:3 down/2:3 gzip:1 close:1; do
		fetch "http://127.0.0.1:$port/${case%:*}" --output file --json
		[ "$status" = 0 ]
		[ "$(jq .tries <<<"$out")" = "${case##*:}" ]
		[ "$(jq -r .sha256 <<<"$out")" = "$sum" ]
		whole file
	done
	[[ $err == *"did not say how long"* ]]
	echo old >file
	for case in lie endless unasked huge status/500 status/204 loop to?ftp://127.0.0.1/x to?file:///etc/passwd; do
		fetch "http://127.0.0.1:$port/$case" --output file --retries 1
		[ "$status" = 6 ] || { [[ $case == to* ]] && [ "$status" = 4 ]; }
		[ -n "$err" ]
		[ "$(cat file)" = old ]
		[ "$(ls -A)" = file ]
	done
	# Without retries, once; and with them no oftener than that.
	grep -c lie "$T/web.log"
	[ "$(grep -c lie "$T/web.log")" = 2 ]
	fetch "http://127.0.0.1:$port/status/404" --output file
	[ "$status" = 1 ]
	[ "$(grep -c 404 "$T/web.log")" = 1 ]
	fetch "http://127.0.0.1:$port/empty" --output file
	[ "$status" = 0 ]
	[ ! -s file ]
	for url in huge stream; do
		fetch "http://127.0.0.1:$port/$url" --output file --max-size 300000
		[ "$status" = 6 ]
		[[ $err == *--max-size* ]]
	done
}

@test "it waits as long as the server says, and no longer than its time" {
	fake web
	SECONDS=0
	fetch "http://127.0.0.1:$port/busy/1/2" --output file
	[ "$status" = 0 ]
	[ "$SECONDS" -ge 2 ]
	fetch "http://127.0.0.1:$port/date" --output file
	[ "$status" = 0 ]
	SECONDS=0
	fetch "http://127.0.0.1:$port/busy/5/100" --output none --timeout 10
	[ "$status" = 6 ]
	[ "$SECONDS" -le 2 ]
	[[ $err == *"answers 429; no time is left"* ]]
	SECONDS=0
	fetch "http://127.0.0.1:$port/slow" --output none --timeout 2
	[ "$status" = 6 ]
	[ "$SECONDS" -le 4 ]
	[[ $err == *"the time is over"* ]]
	# Nobody is there.
	fetch "http://127.0.0.1:1/x" --retries 2
	[ "$status" = 6 ]
	[ "$(ls -A)" = file ]
}

@test "a credential goes where it is for, and with no redirect" {
	certificate
	fake other --cert "$T/ca.pem" --key "$T/key.pem"
	local other=$port
	fake six --address ::1
	local six=$port
	fake web --cert "$T/ca.pem" --key "$T/key.pem"
	vk_add "https://127.0.0.1:$port" ci "$token" --name all
	vk_add "https://127.0.0.1:$port/to" ci "$token" --name narrow
	vk_add "https://127.0.0.1:$other" ci "$token" --name other
	printf %s "$token" | "$VALETKEY" add "http://[::1]:$six" --kind header --header X-Token --name six
	vk_add "https://localhost:$port" ci "$token" --name local
	export SSL_CERT_FILE=$T/ca.pem
	# To another port, scheme and name; back from there; and out of the path that it is for.
	for case in "https://127.0.0.1:$port/to?https://127.0.0.1:$other/good@0" "https://127.0.0.1:$port/to?https://localhost:$port/good@0" \
		"https://127.0.0.1:$other/to?https://127.0.0.1:$other/good@0" "http://[::1]:$six/to?https://127.0.0.1:$port/good@0" \
		"http://[::1]:$six/to?http://[::1]:$six/good@0" "https://127.0.0.1:$other/to?https://127.0.0.1:$port/to?https://127.0.0.1:$other/good@0" \
		"https://127.0.0.1:$port/to?/good@0" "https://127.0.0.1:$port/to?//evil@127.0.0.1:$port/good@0"; do
		fetch "${case%@*}" --output file
		[ "$status" = 0 ]
		whole file
	done
	cat "$T"/*.log
	# One at the start each time; then only where the origin is the same and the path is covered.
	[ "$(grep -c '^/to.* with$' "$T/web.log")" = 4 ]
	[ "$(grep -c '^/good.* with$' "$T/web.log")" = 0 ]
	[ "$(grep -c '^/good.* with$' "$T/other.log")" = 1 ]
	[ "$(grep -c '^/good.* with$' "$T/six.log")" = 1 ]
	[ "$(grep -c '^/to.* without$' "$T/web.log")" = 1 ]
	# Into the clear only when that is asked for.
	fetch "https://127.0.0.1:$port/to?http://[::1]:$six/good" --output none
	[ "$status" = 4 ]
	[[ $err == *"from https to http"* ]]
	[ ! -e none ]
	fetch "https://127.0.0.1:$port/to?http://[::1]:$six/good" --output file --allow-http-redirect
	[ "$status" = 0 ]
	[ "$(grep -c '^/good.* with$' "$T/six.log")" = 1 ]
	fetch "https://127.0.0.1:$port/to?https://127.0.0.1:$other/status/401" --output none
	[ "$status" = 4 ]
	[[ $err == *"after a redirect"* ]]
	fetch "https://127.0.0.1:$port/good" --no-credential --output file
	[ "$status" = 0 ]
	grep -q '^/good - without' "$T/web.log"
	fetch "https://127.0.0.1:$port/to?/good" --max-redirs 0 --output none
	[ "$status" = 6 ]
	http_proxy=http://127.0.0.1:1 fetch "http://[::1]:$six/good" --no-credential --output none --retries 0
	[ "$status" = 6 ]
	http_proxy=http://127.0.0.1:1 fetch "http://[::1]:$six/good" --no-credential --output file --proxy ''
	[ "$status" = 0 ]
	# Through a proxy that speaks http alone, as the servers here do with a whole URL.
	fetch "http://server.example/good" --proxy "http://[::1]:$six" --output file
	[ "$status" = 0 ]
	grep -q '^http://server.example/good - without' "$T/six.log"
}

@test "a credential that cannot be had is an error, and none is not" {
	fake web
	vk_add "http://127.0.0.1:$port/old" ci "$token" --expires +1s --name old
	vk_add "http://127.0.0.1:$port/good" ci "$token" --name good
	fetch "http://127.0.0.1:$port/public" --output file
	[ "$status" = 0 ]
	[ -z "$err" ]
	VALETKEY_LOG=$T/log.json fetch "http://127.0.0.1:$port/good/x" --output file
	[ "$status" = 0 ]
	[ "$(jq -r '[.event, .via, .path, .credential, .result] | join(" ")' "$T/log.json")" = "answer fetch good/x good ok" ]
	# Inside a run its broker answers.
	split "$VALETKEY" run --with get --credential good -- "$VALETKEY" fetch "http://127.0.0.1:$port/good/run" --output file
	echo "$out$err"
	[ "$status" = 0 ]
	grep -q '^/good/run - with$' "$T/web.log"
	sleep 1.1
	fetch "http://127.0.0.1:$port/old/x" --output file
	[ "$status" = 0 ]
	[[ $err == *expired*"without a credential"* ]]
	grep -q '^/old/x - without' "$T/web.log"
	rm file
	VALETKEY_KEY_FILE='' fetch "http://127.0.0.1:$port/good" --output file
	[ "$status" = 3 ]
	printf '[down]\nurl = http://127.0.0.1:%s/good/down\nusername = me\nsecret = helper@none:x\n' "$port" >"$T/config" && chmod 600 "$T/config"
	fetch "http://127.0.0.1:$port/good/down" --output file --config "$T/config"
	[ "$status" = 6 ]
	mkdir "$T/libexec" && VALETKEY_LIBEXEC=$T/libexec fetch "http://127.0.0.1:$port/good" --output file
	[ "$status" = 6 ]
	[[ $err == *libcurl* ]]
	[ "$(wc -l <"$T/web.log")" = 4 ]
	nothing_left
}
