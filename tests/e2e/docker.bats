#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A real docker build with secrets, on an engine started for it; then everything it wrote is searched for them.

bats_require_minimum_version 1.5.0
load lib
load containers

setup_file() {
	e2e_begin
	docker_start
	small_root "$E/root"
	tar -C "$E/root" -c . | docker import - base >/dev/null
	SECRET=$(e2e_random)
	export SECRET
}

teardown_file() {
	docker_end
}

setup() {
	export -n SECRET
	docker_home
	e2e_add "$SECRET" https://npm.example.com --scope @corp
}

teardown() {
	rm -rf "$T"
}

# build OPTION... -- DOCKER-OPTION...: of the Dockerfile on stdin, in this directory
build() {
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	cat >Dockerfile
	run "$VALETKEY" run --verbose "${options[@]}" -- docker build --progress=plain --network=none '{secrets}' "$@" -t built .
	echo "$output"
}

# The steps prove that they had the file by its checksum, which tells nobody the token.
steps() {
	cat <<-'D'
		FROM base
		RUN --mount=type=secret,id=npmrc,target=/tmp/npmrc,required=true sha256sum /tmp/npmrc | cut -c1-64 >/first
		RUN --mount=type=secret,id=npmrc,required=true stat -c %a /run/secrets/npmrc >/mode && cat /run/secrets/npmrc | sha256sum | cut -c1-64 >/second
		RUN test ! -s /tmp/npmrc && test ! -e /run/secrets/npmrc
	D
}

had_the_file() {
	local sum

	[ "$status" = 0 ]
	sum=$("$VALETKEY" render npm | sha256sum | cut -c1-64)
	docker run --rm --network=none built cat /first /second /mode >seen
	cat seen
	[ "$(cat seen)" = "$sum"$'\n'"$sum"$'\n'400 ]
	image_files built
	engine_holds_no "$SECRET"
}

@test "docker build: two steps read the secret, on R1; no layer, history or cache holds it" {
	build --require-rung R1 --build-secret npmrc=npm -- --no-cache < <(steps)
	had_the_file
}

@test "docker build: two steps read the secret, on R2" {
	build --max-rung R2 --build-secret npmrc=npm -- --no-cache < <(steps)
	had_the_file
}

@test "docker build: a changed secret does not bust the cache" {
	build --build-secret npmrc=npm -- --no-cache < <(steps)
	[ "$status" = 0 ]
	"$VALETKEY" remove npm.example.com
	e2e_add "$(e2e_random)" https://npm.example.com --scope @corp
	build --build-secret npmrc=npm -- < <(steps)
	[ "$status" = 0 ]
	[ "$(grep -c CACHED <<<"$output")" = 3 ]
}

@test "docker build: one credential alone as a secret" {
	e2e_add "$SECRET-2" https://api.example.com --name api
	build --build-secret token=keystore:api -- --no-cache <<-'D'
		FROM base
		RUN --mount=type=secret,id=token,required=true sha256sum /run/secrets/token | cut -c1-64 >/first
	D
	[ "$status" = 0 ]
	[ "$(docker run --rm --network=none built cat /first)" = "$(printf %s "$SECRET-2" | sha256sum | cut -c1-64)" ]
	image_files built
	engine_holds_no "$SECRET"
}

@test "docker build: a step that asks for another id does not get this one" {
	build --build-secret npmrc=npm -- --no-cache <<-'D'
		FROM base
		RUN --mount=type=secret,id=other,required=true cat /run/secrets/other
	D
	[ "$status" = 1 ]
	[[ $output == *"secret other"*"not found"* ]]
}

@test "docker build: a secret that cannot be resolved starts nothing" {
	build --build-secret token=keystore:nosuch -- --no-cache <<-'D'
		FROM base
		RUN --mount=type=secret,id=token true
	D
	[ "$status" = 125 ]
	[[ $output != *'load build definition'* ]]
}

@test "docker build: the search would find a token that a step keeps" {
	build --build-secret npmrc=npm -- --no-cache <<-'D'
		FROM base
		RUN --mount=type=secret,id=npmrc,required=true cp /run/secrets/npmrc /kept
	D
	[ "$status" = 0 ]
	image_files built
	run engine_holds_no "$SECRET"
	[ "$status" = 1 ]
	[[ $output == *'image.tar'* ]]
	docker image rm -f built >/dev/null
	docker builder prune -af >/dev/null
	rm -rf "$E/saved"
}

@test "docker build: valetkey scan finds a token in a layer that a later one deletes, and in the configuration" {
	build --build-secret npmrc=npm -- --no-cache --build-arg "TOKEN=$SECRET" <<-'D'
		FROM base
		ARG TOKEN
		ENV KEPT=$TOKEN
		RUN --mount=type=secret,id=npmrc,required=true cp /run/secrets/npmrc /kept
		RUN /bin/busybox rm /kept
	D
	[ "$status" = 0 ]
	run bash -c 'docker save built | "$VALETKEY" scan -'
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"standard input: layer "*" of "*"cp /run/secrets/npmrc"*"): kept: credential "*", as it is, at byte "* ]]
	[[ $output == *"standard input: configuration of the image ("* ]]
	[[ $output != *"$SECRET"* ]]
	docker image rm -f built >/dev/null
	docker builder prune -af >/dev/null
}
