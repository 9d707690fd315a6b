#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# cargo 1.74 and later: a credential provider, by "valetkey setup cargo" and inside a run.
# shellcheck disable=SC2154 # out, err and status come from split

bats_require_minimum_version 1.5.0
load lib

setup_file() {
	local minor

	export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
	minor=$(cargo --version | sed 's/^cargo 1\.\([0-9]*\).*/\1/')
	[ "$minor" -ge 74 ] || skip "this cargo is older than 1.74 and asks no provider"
	e2e_begin
	files_server crates
	index a greeting
	index b parting
	# One whose crates are said to lie on another host.
	index lost wanderer "https://localhost:${SERVER##*:}/b"
	files_rule crates basic /a/ ci "$AWKWARD"
	files_rule crates bearer /b/ t0ken-of-b
	files_rule crates basic /lost/ ci lost-secret
	mkdir "$E/programs"
	cp "$VALETKEY" "$E/programs/valetkey"
}

teardown_file() {
	e2e_end
}

setup() {
	local name

	e2e_home
	for name in $(compgen -e CARGO_); do
		unset "$name"
	done
	PATH=$E/programs:$e2e_path
	export CARGO_HOME=$T/cargo CARGO_HTTP_CAINFO=$E/tls/ca.pem CARGO_NET_RETRY=0 CARGO_TERM_COLOR=never
	mkdir "$CARGO_HOME"
}

# index PLACE CRATE [DL]: a sparse index with one crate, as the server has it
index() {
	python3 - "$E/crates/$1" "$2" "${3-$SERVER/$1}" <<-'P'
		import hashlib, io, json, os, sys, tarfile
		at, name, dl = sys.argv[1:]
		os.makedirs(f"{at}/{name[:2]}/{name[2:4]}")
		with tarfile.open(f"{at}/{name}-1.0.0.crate", "w:gz") as t:
		    for path, text in (("Cargo.toml", f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\n'),
		                       ("src/lib.rs", 'pub fn say() -> &\'static str { "hello" }\n')):
		        info = tarfile.TarInfo(f"{name}-1.0.0/{path}")
		        info.size = len(text)
		        t.addfile(info, io.BytesIO(text.encode()))
		sum = hashlib.sha256(open(f"{at}/{name}-1.0.0.crate", "rb").read()).hexdigest()
		with open(f"{at}/{name[:2]}/{name[2:4]}/{name}", "w") as f:
		    print(json.dumps({"name": name, "vers": "1.0.0", "deps": [], "cksum": sum, "features": {}, "yanked": False}), file=f)
		with open(f"{at}/config.json", "w") as f:
		    json.dump({"dl": dl + "/{crate}-{version}.crate", "api": dl, "auth-required": True}, f)
	P
}

# project PLACE CRATE: that needs it
project() {
	rm -rf "$T/work/app"
	mkdir -p "$T/work/app/src" "$T/work/app/.cargo"
	cd "$T/work/app" || return
	printf '[package]\nname = "app"\nversion = "1.0.0"\nedition = "2021"\n\n[dependencies]\n%s = { version = "1", registry = "corp" }\n' "$2" >Cargo.toml
	printf 'fn main() { println!("{}", %s::say()) }\n' "$2" >src/main.rs
	printf '[registries.corp]\nindex = "sparse+%s/%s/"\n' "$SERVER" "$1" >.cargo/config.toml
	rm -rf "$CARGO_HOME/registry"
}

fetched() {
	compgen -G "$CARGO_HOME/registry/src/*/$1-1.0.0/src/lib.rs" >/dev/null
}

# ask REQUEST...: the answers of a provider, without its greeting
ask() {
	split valetkey --cargo-plugin <<<"$(printf '%s\n' "$@")"
	[ "${out%%$'\n'*}" = '{"v":[1]}' ]
	out=${out#*$'\n'}
}

# get URL [MORE]: a request of cargo
get() {
	printf '{"v":1,"registry":{"index-url":"%s","name":"corp"},"kind":"get","operation":"read"%s}' "$1" "${2-}"
}

# change KIND URL [MORE]: the requests that are not get
change() {
	printf '{"v":1,"registry":{"index-url":"%s","name":"corp"},"kind":"%s"%s}' "$2" "$1" "${3-}"
}

# by: who stored what
by() {
	valetkey list --json | jq -r '.[] | "\(.url) \(.username)= \(.origin)"' | sort
}

@test "setup cargo: private crates are fetched, by path, and built without the network" {
	project a greeting
	split cargo fetch
	[ "$status" = 101 ]
	[[ $err == *'authenticated registries require a credential-provider to be configured'* ]]
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	e2e_add t0ken-of-b "$SERVER/b"
	valetkey setup cargo
	cargo fetch
	fetched greeting
	# The run before any build script: nothing private is asked for again.
	[ "$(env -u VALETKEY_KEY_FILE cargo run -q --offline)" = hello ]
	project b parting
	cargo fetch
	fetched parting
	# Another name of the same server is another host, and so is another port.
	for other in "https://localhost:${SERVER##*:}" "$SERVER/a/none"; do
		project a greeting
		printf '[registries.corp]\nindex = "sparse+%s/b/"\n' "$other" >.cargo/config.toml
		split cargo fetch
		[ "$status" = 101 ]
		run ! fetched greeting
	done
	[ "$(grep -c 'GET /a/none.* with$' "$E/crates.log")" != 0 ]
	run ! grep '^GET /b/.* 401 with$' "$E/crates.log"
}

@test "cargo: an expired credential and a locked keystore end it with their reason" {
	project a greeting
	printf %s "$AWKWARD" | valetkey add "$SERVER/a" --username ci --expires "$(date -u -d '2 seconds' +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
	valetkey setup cargo
	ask "$(get "sparse+$SERVER/a/")"
	[[ $out == *'"cache":"expires","expiration":'* ]]
	for _ in $(seq 100); do
		valetkey get "$SERVER/a" >/dev/null 2>&1 || break
		sleep 0.1
	done
	split cargo fetch
	[ "$status" = 101 ]
	[[ $err == *'valetkey: '*expired*'no token found for `corp`'* ]]
	unset VALETKEY_KEY_FILE
	split cargo fetch
	[ "$status" = 101 ]
	[[ $err == *'keystore is locked'* ]]
	run ! fetched greeting
}

@test "setup cargo: a table that is there gets the list, what is not understood is left alone, --undo restores" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	config=$CARGO_HOME/config.toml
	line="global-credential-providers = [\"cargo:token\", \"$E/programs/valetkey\"]"
	valetkey setup cargo
	grep -qxF "$line" "$config"
	valetkey setup cargo --undo
	[ ! -e "$config" ]
	printf '[net]\nretry = 0\n[registry]\ndefault = "corp"\n[registries.corp]\nindex = "sparse+%s/a/"' "$SERVER" >"$config"
	cp "$config" "$T/before"
	valetkey setup cargo
	valetkey setup cargo
	[ "$(grep -c '^\[registry\]' "$config")" = 1 ]
	[ "$(grep -cxF "$line" "$config")" = 1 ]
	cargo info --registry corp greeting 2>&1 | grep -q '^version: 1.0.0'
	valetkey setup cargo --undo
	cmp "$config" "$T/before"
	# What only looks like the table.
	printf 'a = """\n[registry]\n"""\nb = [ # [registry]\n  "x",\n  ["registry"]\n]\n# [registry]\n["registr"]\n' >"$config"
	cp "$config" "$T/before"
	valetkey setup cargo
	[ "$(tail -n 3 "$config" | head -n 1)" = '[registry]' ]
	valetkey setup cargo --undo
	cmp "$config" "$T/before"
	for text in 'registry = { default = "x" }' 'registry.default = "x"' $'[ "registry" ] # x\n'"global-credential-providers = ['x']" '"registry".global-credential-providers = []'; do
		printf '%s\n' "$text" >"$config"
		split valetkey setup cargo
		[ "$status" = 2 ]
		[[ $err == *"put \"$E/programs/valetkey\" at the end"* ]]
		[ "$(cat "$config")" = "$text" ]
	done
	for text in 'a = "' "a = '''x" 'a = [' $'a\n' '[registry'; do
		printf %s "$text" >"$config"
		split valetkey setup cargo
		[ "$status" = 2 ]
		[[ $err == *'not TOML'* ]]
	done
	# The older name counts where both are there.
	: >"$CARGO_HOME/config"
	valetkey setup cargo
	grep -qxF "$line" "$CARGO_HOME/config"
	mkdir "$T/with blank"
	cp "$VALETKEY" "$T/with blank/valetkey"
	split "$T/with blank/valetkey" setup cargo
	[ "$status" = 4 ]
	[[ $err == *'its path holds a blank'* ]]
}

run_cargo() {
	project a greeting
	valetkey run --with cargo "$rung" -- cargo fetch
	fetched greeting
	split valetkey run --with cargo "$rung" -- sh -c 'env; cat /proc/self/environ'
	[[ $out == *"CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS=cargo:token $E/programs/valetkey"$'\n'* ]]
	[[ $out != *"$AWKWARD"* ]]
	project a greeting
	valetkey run --with cargo --two-phase "$rung" -- cargo build -q
	[ "$(./target/debug/app)" = hello ]
}

@test "run --with cargo: the broker answers, the file and the environment hold nothing" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	on_rungs run_cargo
	project a greeting
	split valetkey run --with git -- cargo fetch
	[ "$status" = 101 ]
	split env CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS=mine valetkey run --with cargo -- sh -c 'echo "$CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS"'
	[ "$out" = "mine $E/programs/valetkey"$'\n' ]
	mkdir "$T/with blank"
	cp "$VALETKEY" "$T/with blank/valetkey"
	split "$T/with blank/valetkey" run --with cargo -- true
	[ "$status" = 125 ]
	[[ $err == *'its path holds a blank'* ]]
	e2e_nothing_left "$AWKWARD"
}

@test "cargo: a token for all of a host is not for every index on it, since the index says where it is sent" {
	e2e_add lost-secret "$SERVER" --username ci
	valetkey setup cargo
	project lost wanderer
	split cargo fetch
	[ "$status" = 101 ]
	[[ $err == *'is for all of its host'*'with the URL of the index'* ]]
	# With the URL of the index it is, wherever that says its crates are.
	e2e_add lost-secret "$SERVER/lost" --username ci
	split cargo fetch
	[ "$status" = 101 ]
	[[ $(tail -n 1 "$E/crates.log") == 'GET /b/wanderer-1.0.0.crate 401 with' ]]
	# An index in a git repository is answered by its own entry alone; crates.io's is one for crates.io.
	ask "$(get "$SERVER/lost")" "$(get "$SERVER/lost/index.git")" "$(get "$SERVER/other")"
	[ "$(grep -c '"Ok"' <<<"$out")" = 1 ]
	e2e_add gh https://github.com --username me
	ask "$(get https://github.com/rust-lang/crates.io-index)"
	[ "$out" = $'{"Err":{"kind":"not-found"}}\n' ]
	e2e_add cio-token https://crates.io
	ask "$(get https://github.com/rust-lang/crates.io-index)"
	[[ $out == *'"token":"cio-token","cache":"session"'* ]]
}

@test "the provider: answers, refusals, bad requests, many at once" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	e2e_add t0ken https://b.example
	e2e_add k3y https://c.example --kind header --header X-Api-Key
	e2e_add raw https://d.example --kind header --header authorization
	ask "$(get "sparse+$SERVER/a/")"
	[ "$status.$err" = 0. ]
	[ "$(jq -r .Ok.token <<<"$out")" = "Basic $(printf 'ci:%s' "$AWKWARD" | base64 -w0)" ]
	[ "$(jq -c '.Ok|del(.token)' <<<"$out")" = '{"kind":"get","cache":"session","operation_independent":true}' ]
	ask "$(get sparse+https://b.example/)" "$(get sparse+https://d.example)"
	[ "$(jq -r .Ok.token <<<"$out")" = $'Bearer t0ken\nraw' ]
	for url in "sparse+$SERVER/ab/" "sparse+$SERVER/" "sparse+http://${SERVER#https://}/a/" sparse+https://c.example/ sparse+https://b.example:444/ \
		"$SERVER/a/../a" not-a-url "sparse+https://u:p@b.example/" 'sparse+https://b.example/\nx'; do
		ask "$(get "$url")"
		[ "$status.$out" = $'0.{"Err":{"kind":"not-found"}}\n' ]
		[[ $err != *u:p* ]]
	done
	for line in '{}' '[' '"x"' '{"v":2,"kind":"get"}' '{"v":1,"kind":"get"}' '{"v":1,"kind":7,"registry":{"index-url":"x"}}' "$(get x ',"args":[1]')" \
		"$(get x ',"args":["--what"]')" "$(get x ',"args":["--help"]')" "$(get x ',"args":["word"]')"; do
		ask "$line" "$(get "sparse+$SERVER/a/")"
		[ "$status" = 0 ]
		[ "$(jq -r 'keys[0]' <<<"$out" | tr '\n' .)" = Err.Ok. ]
		[ "$(head -n 1 <<<"$out" | jq -r .Err.kind)" = other ]
	done
	split valetkey --cargo-plugin < <(head -c 1100000 /dev/zero | tr '\0' x)
	[ "$status" = 2 ]
	ask "$(get "sparse+$SERVER/a/" ',"args":["--profile","nobody"]')"
	[[ $out == *'"kind":"other","message":"'*nobody* ]]
	ask "$(change teleport "sparse+$SERVER/a/")" "$(change teleport sparse+https://e.example/)"
	[ "$out" = $'{"Err":{"kind":"operation-not-supported"}}\n{"Err":{"kind":"url-not-supported"}}\n' ]
	for i in $(seq 64); do
		get "sparse+$SERVER/a/$i" | valetkey --cargo-plugin >"$T/storm.$i" &
	done
	wait
	[ "$(cat "$T"/storm.* | grep -c '"token":"Basic ')" = 64 ]
	split valetkey --cargo-plugin more
	[ "$status" = 2 ]
	split valetkey helper cargo-credential --help
	[[ $out == usage:*setup\ cargo* ]]
}

@test "cargo login and logout: a token of cargo's own, into the keystore and out of it" {
	project b parting
	valetkey setup cargo
	cargo login --registry corp <<<'Bearer t0ken-of-b'
	[ ! -e "$CARGO_HOME/credentials.toml" ]
	run ! grep -r t0ken-of-b "$CARGO_HOME" "$T/work"
	[ "$(by)" = "$SERVER/b = cargo" ]
	cargo fetch
	fetched parting
	# Another token in its place, and another's index is another registry.
	cargo login --registry corp <<<'Bearer wrong'
	project b parting
	split cargo fetch
	[ "$status" = 101 ]
	project a greeting
	split cargo logout --registry corp
	[[ $err == *'not currently logged in'* ]]
	[ "$(by)" = "$SERVER/b = cargo" ]
	project b parting
	cargo login --registry corp <<<'Bearer t0ken-of-b'
	cargo fetch
	split cargo logout --registry corp
	[ "$status" = 0 ]
	[ "$(by)" = "" ]
	project b parting
	split cargo fetch
	[ "$status" = 101 ]
	[[ $err == *'no token found for `corp`'* ]]
	run ! fetched parting
	e2e_nothing_left t0ken-of-b
}

@test "cargo login and logout: what a person or another client stored is neither replaced nor erased" {
	e2e_add t0ken-of-b "$SERVER/b"
	printf %s old | valetkey add "$SERVER/a" --username ci --expires "$(date -u -d '1 second' +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
	printf 'protocol=https\nhost=%s\npath=lost\nusername=git\npassword=of-git\n' "${SERVER#https://}" | valetkey helper git-credential store
	before=$(by)
	[ "$(grep -c . <<<"$before")" = 3 ]
	project b parting
	valetkey setup cargo
	split cargo login --registry corp <<<other
	[ "$status" = 101 ]
	[[ $err == *"in valetkey's hands"*'valetkey add'* ]]
	split cargo logout --registry corp
	[ "$status" = 101 ]
	[[ $err == *'valetkey remove'* ]]
	cargo fetch
	fetched parting
	for _ in $(seq 100); do
		valetkey get "$SERVER/a" >/dev/null 2>&1 || break
		sleep 0.1
	done
	# One that has expired, or is another client's, answers nothing and is there all the same.
	for path in a lost; do
		ask "$(change login "sparse+$SERVER/$path/" ',"token":"other"')" "$(change logout "sparse+$SERVER/$path/")"
		[ "$status" = 0 ]
		[[ $out != *'"Ok"'*  ]]
	done
	[ "$(by)" = "$before" ]
	# Nor do others touch cargo's own.
	ask "$(change login sparse+https://c.example/i/ ',"token":"of-cargo"')"
	[ "$out" = $'{"Ok":{"kind":"login"}}\n' ]
	for what in store erase; do
		printf 'protocol=https\nhost=c.example\npath=i\nusername=\npassword=of-git\n' | valetkey helper git-credential "$what"
		printf 'protocol=https\nhost=c.example\npath=i\n' | valetkey helper git-credential "$what"
	done
	[ "$(valetkey list --json https://c.example/i | jq '.[].refused')" = null ]
	ask "$(get sparse+https://c.example/i/)"
	[ "$(jq -c .Ok <<<"$out")" = '{"kind":"get","token":"of-cargo","cache":"session","operation_independent":true}' ]
	# A person can take it over, and then it is a person's.
	printf %s mine | valetkey add https://c.example/i --kind bearer --replace >/dev/null
	ask "$(change login sparse+https://c.example/i/ ',"token":"x"')" "$(change logout sparse+https://c.example/i/)" "$(get sparse+https://c.example/i/)"
	[ "$(jq -r '.Ok.token // .Err.kind' <<<"$out" | tr '\n' .)" = 'other.other.Bearer mine.' ]
}

@test "cargo login inside a run: no provider gets the token" {
	valetkey setup cargo
	e2e_add t0ken https://other.example
	project b parting
	# With a broker for cargo, with one for others, and with none.
	for recipe in cargo git npm; do
		for rung in R1 R2; do
			split valetkey run --with "$recipe" --max-rung "$rung" -- sh -c 'echo "Bearer t0ken-of-b" | cargo login --registry corp'
			[ "$status" = 101 ]
			[[ $err == *'inside valetkey run nothing is stored'* ]]
			[ ! -e "$CARGO_HOME/credentials.toml" ]
		done
	done
	# A keystore of its own is another matter.
	split valetkey run --with npm -- sh -c 'export VALETKEY_KEYSTORE=$1/own VALETKEY_KEY_FILE=$1/own.key && valetkey init --key-file "$1/own.key" >/dev/null && cargo login --registry corp && valetkey list' \
		x "$T" <<<'Bearer t0ken-of-b'
	[ "$status" = 0 ]
	[[ $out == *"$SERVER/b"* ]]
	[ ! -e "$CARGO_HOME/credentials.toml" ]
	[[ $(by) == 'https://other.example = '* && $(by) != *cargo* ]]
}

@test "cargo login and logout: a profile has no logins, and is not reached around" {
	mkdir -p "$HOME/.config/valetkey"
	printf '[profile ci]\ncredentials = named\n' >"$HOME/.config/valetkey/config.ini"
	url=sparse+https://c.example/i/
	ask "$(change login "$url" ',"token":"t0ken-of-b"')"
	[ "$(by)" = 'https://c.example/i = cargo' ]
	VALETKEY_PROFILE=ci ask "$(change logout "$url")" "$(change login sparse+https://d.example/ ',"token":"x"')"
	[ "$(jq -r .Err.kind <<<"$out" | tr '\n' .)" = not-found.other. ]
	[[ $out == *'a login is not part of the profile ci'* ]]
	ask "$(change logout "$url" ',"args":["--profile","ci"]')" "$(change login "$url" ',"token":"x","args":["--profile","ci"]')"
	[ "$(jq -r .Err.kind <<<"$out" | tr '\n' .)" = not-found.other. ]
	[ "$(by)" = 'https://c.example/i = cargo' ]
	ask "$(change logout "$url")"
	[ "$(by)" = '' ]
}

@test "cargo: an entry with an npm scope is npm's, as in a run" {
	e2e_add npm-t0ken https://c.example/i --scope @corp
	ask "$(get sparse+https://c.example/i/)"
	[ "$out" = $'{"Err":{"kind":"not-found"}}\n' ]
	# Another account for the same place is cargo's.
	e2e_add of-c4rgo https://c.example/i --username ci
	ask "$(get sparse+https://c.example/i/)"
	[ "$(jq -r .Ok.token <<<"$out")" = "Basic $(printf ci:of-c4rgo | base64)" ]
}

@test "cargo login and logout: bad requests, and where nothing can be kept" {
	export VALETKEY_LOG=$T/log
	url=sparse+https://c.example/i/
	for more in ',"token":7' ',"token":""' ',"token":["x"]' ',"token":"S3CR3T\nx"' ',"token":"S3CR3T\u0007"' ',"token":"S3CR3T","login-url":1' \
		",\"token\":\"S3CR3T$(head -c 70000 /dev/zero | tr '\0' x)\"" ',"token":"S3CR3T","token":"S3CR3T"' ',"token":"S3CR3T","args":["--profile","nobody"]'; do
		ask "$(change login "$url" "$more")"
		[ "$status.$(jq -r .Err.kind <<<"$out")" = 0.other ]
		[[ $out$err != *S3CR3T* ]]
	done
	ask "$(change login 'sparse+https://c.example/../x' ',"token":"S3CR3T"')" "$(change logout "$url")" "$(change logout not-a-url)"
	[ "$(jq -r .Err.kind <<<"$out" | tr '\n' .)" = url-not-supported.not-found.url-not-supported. ]
	[ "$(by)" = "" ]
	# The token is asked for on the terminal, which there is none of here; what names it comes from outside.
	split setsid -w valetkey --cargo-plugin <<<"$(change login "$url" ',"login-url":"https://c.example/\u001b[2Jme"')"
	[[ $out == *'"kind":"other","message":"there is no terminal to ask on'* ]]
	split python3 - "$(change login "$url" ',"token":null,"login-url":"https://c.example/\u001b[2Jme"')" <<-'P'
		import os, pty, subprocess, sys
		pid, fd = pty.fork()
		if pid == 0:
		    p = subprocess.run(["valetkey", "--cargo-plugin"], input=sys.argv[1].encode() + b"\n", stdout=subprocess.PIPE)
		    os.write(1, b"|" + p.stdout.splitlines()[-1])
		    os._exit(0)
		said = b""
		while b"): " not in said:
		    said += os.read(fd, 4096)
		os.write(fd, b"typed-token\n")
		try:
		    while True:
		        data = os.read(fd, 4096)
		        if not data:
		            break
		        said += data
		except OSError:
		    pass
		print(said)
	P
	[[ $out == *'Token for corp (from https://c.example/?[2Jme): '*'{"Ok":{"kind":"login"}}'* ]]
	[[ $out != *typed-token* ]]
	[ "$(valetkey get https://c.example/i)" = typed-token ]
	[ "$(jq -r '[.event,.via,.host,.result]|join(" ")' "$VALETKEY_LOG" | grep -v ^refuse)" = $'store cargo c.example ok\nanswer get c.example ok' ]
	# In a run nothing is stored: what it has is refused, the rest is not ours.
	e2e_add pinned https://d.example/i
	split valetkey run --with cargo -- valetkey --cargo-plugin <<<"$(change login sparse+https://d.example/i/ ',"token":"x"'; echo; change logout sparse+https://d.example/i/; echo
		change login sparse+https://e.example/i/ ',"token":"x"'; echo; change logout "$url")"
	[ "$(sed 1d <<<"$out" | jq -r .Err.kind | tr '\n' .)" = other.other.other.other. ]
	[ "$(grep -c 'inside valetkey run' <<<"$out")" = 4 ]
	[ "$(valetkey get https://c.example/i)" = typed-token ]
	# A keystore that is locked keeps the token out of the next provider's file; without one, or one to write to, that is asked.
	(
		unset VALETKEY_KEY_FILE
		ask "$(change login "$url" ',"token":"S3CR3T"')" "$(change logout "$url")"
		[ "$(jq -r .Err.kind <<<"$out" | tr '\n' .)" = other.other. ]
	)
	place=$(valetkey status --json | jq -r .keystore)
	split unshare -m sh -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && printf "%s\n" "$@" | valetkey --cargo-plugin' x "$(dirname "$place")" \
		"$(change login "$url" ',"token":"S3CR3T"')"
	[ "$out" = $'{"v":[1]}\n{"Err":{"kind":"url-not-supported"}}\n' ]
	[[ $err == *'cannot be written to'* ]]
	VALETKEY_KEYSTORE=$T/none ask "$(change login "$url" ',"token":"S3CR3T"')" "$(change logout "$url")"
	[ "$out" = $'{"Err":{"kind":"url-not-supported"}}\n{"Err":{"kind":"url-not-supported"}}\n' ]
	[[ $err == *'there is no keystore'*'next provider'* ]]
}
