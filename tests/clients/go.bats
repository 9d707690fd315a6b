#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Go 1.24 and later: GOAUTH, by "valetkey setup go" and inside a run. An older go reads netrc (tests/e2e/golang.bats).
# shellcheck disable=SC2154 # out, err and status come from split

bats_require_minimum_version 1.5.0
load lib

setup_file() {
	local minor

	minor=$(go env GOVERSION | sed 's/^go1\.\([0-9]*\).*/\1/')
	[ "$minor" -ge 24 ] || skip "this go is older than 1.24 and has no GOAUTH"
	e2e_begin
	files_server go
	module team-a/greeting v1.0.0
	module team-b/parting v1.0.0
	files_rule go basic /a/ ci "$AWKWARD"
	files_rule go bearer /b/ t0ken-of-b
	files_rule go redirect /moved/ "https://localhost:${SERVER##*:}/a/"
	mkdir "$E/programs"
	cp "$VALETKEY" "$E/programs/valetkey"
}

teardown_file() {
	e2e_end
}

setup() {
	local name

	e2e_home
	for name in $(compgen -e GO); do
		unset "$name"
	done
	PATH=$E/programs:$e2e_path
	export GOPATH=$T/go GOCACHE=$T/cache GOFLAGS=-modcacherw GONOSUMDB='*' SSL_CERT_FILE=$E/tls/ca.pem GOTOOLCHAIN=local
	mkdir app
	cd app || return
	printf 'module app\n\ngo 1.24\n' >go.mod
}

teardown() {
	chmod -R u+w "$T" 2>/dev/null
	rm -rf "$T"
}

# module PATH VERSION: below /a and /b, as a proxy has it
module() {
	local name=corp.example/$1 top

	for top in a b; do
		python3 - "$E/go/$top/$name/@v" "$name" "$2" <<-'P'
			import os, sys, zipfile
			at, name, version = sys.argv[1:]
			os.makedirs(at, exist_ok=True)
			put = lambda suffix, text: open(f"{at}/{version}.{suffix}", "w").write(text)
			open(f"{at}/list", "w").write(version + "\n")
			put("info", '{"Version":"%s","Time":"2024-01-01T00:00:00Z"}' % version)
			put("mod", f"module {name}\n")
			with zipfile.ZipFile(f"{at}/{version}.zip", "w") as z:
			    z.writestr(f"{name}@{version}/go.mod", f"module {name}\n")
			    z.writestr(f"{name}@{version}/x.go", "package x\n")
		P
	done
}

fetched() {
	[ -f "$GOPATH/pkg/mod/corp.example/$1/x.go" ]
}

@test "setup go: go fetches private modules, by path and account, and sends nobody else anything" {
	export GOPROXY=$SERVER/a
	split go mod download corp.example/team-a/greeting@v1.0.0
	[ "$status" = 1 ]
	[[ $err == *401* ]]
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	e2e_add t0ken-of-b "$SERVER/b"
	valetkey setup go
	go mod download corp.example/team-a/greeting@v1.0.0
	fetched team-a/greeting@v1.0.0
	GOPROXY=$SERVER/b go mod download corp.example/team-b/parting@v1.0.0
	fetched team-b/parting@v1.0.0
	# Another name of the same server is another host.
	rm -rf "$GOPATH/pkg/mod"
	before=$(wc -l <"$E/go.log")
	GOPROXY=https://localhost:${SERVER##*:}/a split go mod download corp.example/team-a/greeting@v1.0.0
	[ "$status" = 1 ]
	[ "$(tail -n +$((before + 1)) "$E/go.log" | grep -c ' with$')" = 0 ]
	# So it is behind a redirect.
	GOPROXY=$SERVER/moved split go mod download corp.example/team-a/greeting@v1.0.0
	[ "$status" = 1 ]
	[ "$(tail -n +$((before + 1)) "$E/go.log" | grep -c ' with$')" = 0 ]
	run ! fetched team-a/greeting@v1.0.0
}

@test "setup go: the user's own GOAUTH stays, go env -w goes with it, --undo restores" {
	export XDG_CONFIG_HOME=$T/config
	go env -w GOAUTH=off GOPRIVATE=corp.example
	go env -w GOAUTH='git /tmp;netrc'
	cp "$XDG_CONFIG_HOME/go/env" "$T/before"
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	valetkey setup go
	[ "$(go env GOAUTH)" = "'$E/programs/valetkey' helper goauth;git /tmp;netrc" ]
	valetkey setup go
	[ "$(grep -c '^GOAUTH' "$XDG_CONFIG_HOME/go/env")" = 2 ]
	valetkey setup go --undo
	cmp "$XDG_CONFIG_HOME/go/env" "$T/before"
	# go orders the lines anew when it writes the file.
	valetkey setup go
	go env -w GOFLAGS=-mod=mod
	[[ $(unset GOFLAGS; go env GOAUTH) == *"helper goauth"* ]]
	valetkey setup go --undo
	[[ $(unset GOFLAGS; go env GOAUTH) != *"helper goauth"* ]]
	[ "$(unset GOFLAGS; go env GOFLAGS)" = -mod=mod ]
	split env GOENV=off valetkey setup go
	[ "$status" = 2 ]
	[[ $err == *GOENV=off* ]]
	split env GOAUTH=netrc valetkey setup go --host "$SERVER"
	[[ $err == *'the variable GOAUTH is set'* ]]
}

@test "run --with go: the broker answers, the file and the environment hold nothing" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	export GOPROXY=$SERVER/a
	for rung in --rung=R1 --rung=R2; do
		rm -rf "$GOPATH/pkg/mod"
		valetkey run --with go "$rung" -- go mod download corp.example/team-a/greeting@v1.0.0
		fetched team-a/greeting@v1.0.0
		split valetkey run --with go "$rung" -- sh -c 'env; cat /proc/self/environ'
		[[ $out == *"GOAUTH="*"helper goauth;netrc"* ]]
		[[ $out != *"$AWKWARD"* ]]
	done
	# Without the recipe nothing answers.
	rm -rf "$GOPATH/pkg/mod"
	split valetkey run --with git -- go mod download corp.example/team-a/greeting@v1.0.0
	[ "$status" = 1 ]
	e2e_nothing_left "$AWKWARD"
}

@test "the config's [tool go]: GOPROXY with its fallbacks, GOPRIVATE; the environment knows better" {
	unset GONOSUMDB
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	mkdir -p "$HOME/.config/valetkey"
	printf '[tool go]\ngoproxy = %s/none,%s/a,off\ngonosumdb = corp.example/*\n' "$SERVER" "$SERVER" >"$HOME/.config/valetkey/config.ini"
	files_rule go hide /none/ nobody nothing
	valetkey run --with go -- go mod download corp.example/team-a/greeting@v1.0.0
	fetched team-a/greeting@v1.0.0
	split env GONOSUMDB=mine valetkey run --with go -- sh -c 'echo $GONOSUMDB $GOPROXY'
	[[ $out == "mine $SERVER/none,"* ]]
	# Only for the tool that is served.
	split valetkey run --with git -- sh -c 'echo .$GOPROXY.'
	[ "$out" = $'..\n' ]
	printf '[tool golang]\ngoproxy = off\n' >"$HOME/.config/valetkey/config.ini"
	split valetkey run -- true
	[ "$status" = 125 ]
	[[ $err == *'[tool golang]'*'no recipe golang'*'known are'* ]]
}

@test "the helper: both invocations, heads of any kind, wrong schemes and hosts" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	e2e_add t0ken https://b.example
	e2e_add k3y https://c.example/x --kind header --header X-Api-Key
	split valetkey helper goauth </dev/null
	[ "$status.$out.$err" = 0.. ]
	head=$'HTTP/2.0 401 Unauthorized\nWww-Authenticate: Basic realm="x"\n\n'
	split valetkey helper goauth "$SERVER/a/corp.example/x/@v/list?x=1" <<<"$head"
	[ "$out" = "$SERVER/a"$'\n\nAuthorization: Basic '"$(printf 'ci:%s' "$AWKWARD" | base64 -w0)"$'\n\n' ]
	split valetkey helper goauth https://b.example/y <<<"$head"
	[ "$out" = $'https://b.example\n\nAuthorization: Bearer t0ken\n\n' ]
	split valetkey helper goauth https://c.example/x/y <<<"$head"
	[ "$out" = $'https://c.example/x\n\nX-Api-Key: k3y\n\n' ]
	for url in "http://${SERVER#https://}/a" "https://localhost:${SERVER##*:}/a" "$SERVER/ab" "$SERVER" "$SERVER/b" https://b.example:444/y https://c.example/xy; do
		split valetkey helper goauth "$url" <<<"$head"
		[ "$status.$out.$err" = 0.. ]
	done
	for url in "$SERVER/a/../a" "$SERVER/a/%2e%2e/a" $'https://b.example/\nx' b.example "https://u:p@b.example/"; do
		split valetkey helper goauth "$url" <<<"$head"
		[ "$status" != 0 ]
		[ -z "$out" ]
		[ "$err_lines" = 1 ]
		[[ $err != *"u:p"* ]]
	done
	split valetkey helper goauth a b </dev/null
	[ "$status" = 2 ]
	# A storm, as of a go that misses many modules.
	for i in $(seq 64); do
		printf %s "$head" | valetkey helper goauth "$SERVER/a/m$i" >"$T/storm.$i" &
	done
	wait
	[ "$(cat "$T"/storm.* | grep -c '^Authorization: Basic ')" = 64 ]
}

@test "an expired credential and a locked keystore: go is told nothing, and says so" {
	printf %s "$AWKWARD" | valetkey add "$SERVER/a" --username ci --expires "$(date -u -d '2 seconds' +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
	valetkey setup go
	for _ in $(seq 100); do
		valetkey get "$SERVER/a" >/dev/null 2>&1 || break
		sleep 0.1
	done
	export GOPROXY=$SERVER/a
	split go mod download -x corp.example/team-a/greeting@v1.0.0
	[ "$status" = 1 ]
	unset VALETKEY_KEY_FILE
	split valetkey helper goauth "$SERVER/a" </dev/null
	[ "$status" = 3 ]
	[[ $err == *locked* ]]
}
