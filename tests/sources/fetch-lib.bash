# SPDX-License-Identifier: ISC
# Servers for the tests of valetkey fetch.
# shellcheck disable=SC2154  # T, out and err come from ../cli/lib.bash

# A keystore, a file of 200 KB, and a directory for what is fetched.
fetch_begin() {
	vk_keystore
	unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE
	servers=()
	token=$(od -An -N 16 -t x1 /dev/urandom | tr -d ' \n')
	head -c 200000 /dev/urandom >"$T/data"
	sum=$(sha256sum <"$T/data") && sum=${sum%% *}
	mkdir "$T/got" && cd "$T/got" || return
}

fetch_end() {
	[ ${#servers[@]} = 0 ] || { kill "${servers[@]}" || true; wait "${servers[@]}" || true; } 2>/dev/null
}

# certificate: $T/ca.pem and $T/key.pem for 127.0.0.1, [::1] and localhost
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout "$T/key.pem" -out "$T/ca.pem" \
		-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost 2>/dev/null
}

# fake NAME [OPTION...]: start tests/servers/fake-fetch.py; its port is in $port, its log $T/NAME.log
fake() {
	local name=$1

	shift
	python3 "$VK_SRC/tests/servers/fake-fetch.py" --file "$T/data" --ready "$T/$name.port" --log "$T/$name.log" "$@" 3>&- &
	servers+=($!)
	await "$T/$name.port"
	port=$(cat "$T/$name.port")
	touch "$T/$name.log"
}

# fetch [OPTION...]: run it; $out, $err, $status
fetch() {
	split timeout 30 "$VALETKEY" fetch "$@"
	echo "fetch $*: $status $out$err"
}

# whole FILE: it is there, and what it should be
whole() {
	cmp "$1" "$T/data"
}

# nothing_left: in the directory
nothing_left() {
	ls -A
	[ -z "$(ls -A)" ]
}
