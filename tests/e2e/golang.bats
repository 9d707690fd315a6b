#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The case all this started from: a Go service with a private module, built in Docker in two stages. The module server
# wants an account; the final image is one static file.

bats_require_minimum_version 1.5.0
load lib
load containers

MODULES=modules.corp.example
# An address of loopback that nothing else listens on, since a netrc cannot name a port.
ADDRESS=127.86.75.30

setup_file() {
	e2e_begin $MODULES
	docker_start
	go_root "$E/root"
	tar -C "$E/root" -c . | docker import -c 'ENV PATH=/usr/local/go/bin:/bin' - golang >/dev/null
	module v1.0.0 'hello from the private module'
	module v1.1.0 'hello again'
	ONE=$(e2e_random) TWO=$(e2e_random)
	export ONE TWO
	mkfifo "$E/account"
	"$e2e_src/tests/servers/go-modules.py" --modules "$E/modules" --address $ADDRESS --ready "$E/go.port" --log "$E/go.log" \
		--cert "$E/tls/cert.pem" --key "$E/tls/key.pem" <"$E/account" 3>&- &
	E2E_PIDS="$E2E_PIDS $!"
	exec 8>"$E/account"
	account "$ONE"
	e2e_wait_for "$E/go.port"
}

teardown_file() {
	docker_end
}

setup() {
	export -n ONE TWO
	docker_home
	unset GOFLAGS GOPROXY GOSUMDB GONOSUMDB GOPRIVATE GOAUTH
}

teardown() {
	rm -rf "$T"
}

# account TOKEN: what the server takes from now on
account() {
	echo "ci $1" >"$E/account"
	sleep 0.3
}

# module VERSION TEXT
module() {
	local at=$E/modules/corp.example/greeting@$1

	mkdir -p "$at"
	printf 'module corp.example/greeting\n\ngo 1.19\n' >"$at/go.mod"
	printf 'package greeting\n\nfunc Text() string { return "%s\\n" }\n' "$2" >"$at/greeting.go"
}

# go_root DIRECTORY: a small root with the machine's Go, without what a build of a pure Go program never reads
go_root() {
	local root leave=(--exclude='*_test.go' --exclude=testdata) name

	root=$(PATH=$e2e_path go env GOROOT)
	small_root "$1"
	for name in test api doc misc src/cmd pkg/obj pkg/linux_amd64; do
		leave+=(--exclude="./$name")
	done
	for name in cgo cover fix preprofile vet pprof trace covdata; do
		leave+=(--exclude="./pkg/tool/*/$name")
	done
	mkdir -p "$1/usr/local/go"
	tar -C "$root" -ch "${leave[@]}" . | tar -C "$1/usr/local/go" -x
}

# application: a project that needs the module, its go.sum made by go itself, with the credential that a run gives it
application() {
	mkdir app
	cd app || return
	printf 'module corp.example/app\n\ngo 1.19\n\nrequire corp.example/greeting v1.0.0\n' >go.mod
	cat >main.go <<-'G'
		package main

		import (
			"os"

			"corp.example/greeting"
		)

		func main() {
			os.Stdout.WriteString(greeting.Text())
		}
	G
	cp "$E/tls/ca.pem" .
	local home=/root
	cat >Dockerfile <<-D
		FROM golang AS build
		WORKDIR /src
		ENV CGO_ENABLED=0 GOPATH=/go GOCACHE=/go/cache GOFLAGS=-mod=readonly GOSUMDB=off SSL_CERT_FILE=/ca.pem GOPROXY=https://$MODULES HOME=$home
		COPY ca.pem /ca.pem
		COPY go.mod go.sum ./
		RUN --mount=type=secret,id=netrc,target=$home/.netrc --mount=type=cache,target=/go/pkg/mod go mod download
		COPY . .
		RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/go/cache go build -trimpath -ldflags=-s -o /app .
		FROM scratch
		COPY --from=build /app /app
		ENTRYPOINT ["/app"]
	D
	go_sum v1.0.0
}

# go_sum VERSION: the lines of go.sum; a hash of what the server gives out, made the way go does
go_sum() {
	python3 - "$E/modules/corp.example/greeting@$1" "$1" >go.sum <<-'P'
		import base64, hashlib, os, sys
		top, version = sys.argv[1:]
		def h1(files):
		    lines = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files))
		    return "h1:" + base64.b64encode(hashlib.sha256(lines.encode()).digest()).decode()
		files = {n: open(os.path.join(top, n), "rb").read() for n in os.listdir(top)}
		print(f"corp.example/greeting {version}", h1([(f"corp.example/greeting@{version}/{n}", d) for n, d in files.items()]))
		print(f"corp.example/greeting {version}/go.mod", h1([("go.mod", files["go.mod"])]))
	P
}

build() {
	run "$VALETKEY" run --build-secret netrc -- docker build --progress=plain --network=host --add-host "$MODULES:$ADDRESS" \
		'{secrets}' "$@" -t app .
	echo "$output"
}

# The steps up to a given one that came from the cache.
cached() {
	grep -B 3 '^#[0-9]* CACHED' <<<"$output" | grep -o '\[build [0-9]/[0-9]\] [A-Z]* .*'
}

@test "go build in Docker with a private module: works, the cache survives a new token, the image holds no trace" {
	e2e_add "$ONE" "https://$MODULES" --username ci
	application

	# Nobody gets the module without the account.
	run docker build --progress=plain --network=host --add-host "$MODULES:$ADDRESS" -t app .
	[ "$status" = 1 ]
	grep -q refused "$E/go.log"

	build
	[ "$status" = 0 ]
	grep -q 'v1.0.0.zip allowed' "$E/go.log"
	[ "$(docker run --rm --network=none app)" = "hello from the private module" ]
	[ "$(docker image inspect app --format '{{len .RootFS.Layers}}')" = 1 ]
	image_files app
	engine_holds_no "$ONE"

	# A new token: not a step runs again.
	account "$TWO"
	"$VALETKEY" remove $MODULES
	e2e_add "$TWO" "https://$MODULES" --username ci
	requests=$(wc -l <"$E/go.log")
	build
	[ "$status" = 0 ]
	[ "$(cached | wc -l)" = 6 ]
	[[ $(cached) == *'go mod download'* ]]
	[ "$(grep -vc account "$E/go.log")" = "$(head -n "$requests" "$E/go.log" | grep -vc account)" ]

	# A change of the source: the download is still cached.
	sed -i 's/greeting.Text()/"changed: " + greeting.Text()/' main.go
	build
	[ "$status" = 0 ]
	[ "$(cached | wc -l)" = 4 ]
	[[ $(cached) == *'go mod download'* ]]
	[ "$(docker run --rm --network=none app)" = "changed: hello from the private module" ]

	# A new version of the module: the step runs again, with the new token.
	sed -i 's/v1.0.0/v1.1.0/' go.mod
	go_sum v1.1.0
	build
	[ "$status" = 0 ]
	grep -q 'v1.1.0.zip allowed' "$E/go.log"
	[ "$(docker run --rm --network=none app)" = "changed: hello again" ]
	image_files app
	engine_holds_no "$ONE" "$TWO"
}

@test "go on the machine itself: valetkey run --with netrc -- go mod download" {
	account "$ONE"
	# The server's name is only known inside the builds; its port is the default one.
	unshare -m true || skip "no mount namespace for a hosts file"
	e2e_add "$ONE" "https://$MODULES" --username ci
	application
	cp /etc/hosts "$T/hosts"
	echo "$ADDRESS $MODULES" >>"$T/hosts"
	export GOPROXY=https://$MODULES GOSUMDB=off GOFLAGS=-modcacherw GOPATH=$T/go SSL_CERT_FILE=$E/tls/ca.pem GOTOOLCHAIN=local
	for rung in --require-rung=R1 --max-rung=R2; do
		rm -rf "$GOPATH"
		PATH=$e2e_path unshare -m sh -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' sh "$T/hosts" \
			"$VALETKEY" run --with netrc "$rung" -- go mod download
		[ -f "$GOPATH/pkg/mod/corp.example/greeting@v1.0.0/greeting.go" ]
	done
	e2e_nothing_left "$ONE"
}
