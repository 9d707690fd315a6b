#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The real docker command line logs in to, asks and leaves a real registry that wants a password.

load ../cli/lib
load ../cli/helpers

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

setup_file() {
	local dir=$BATS_FILE_TMPDIR

	export PORT REGISTRY_PID
	PORT=$(free_port)
	htpasswd -Bbc -C 4 "$dir/users" ann 'p w<&>"' 2>/dev/null
	htpasswd -Bb -C 4 "$dir/users" ben second 2>/dev/null
	cat >"$dir/registry.yml" <<-EOF
		version: 0.1
		log: {level: warn}
		storage: {filesystem: {rootdirectory: $dir/registry}}
		http: {addr: "127.0.0.1:$PORT"}
		auth: {htpasswd: {realm: test, path: $dir/users}}
	EOF
	mkdir "$dir/registry"
	docker-registry serve "$dir/registry.yml" >"$dir/log" 2>&1 3>&- &
	REGISTRY_PID=$!
	for _ in $(seq 100); do
		[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$PORT/v2/")" = 401 ] && return
		sleep 0.1
	done
	cat "$dir/log"
	return 1
}

teardown_file() {
	kill "$REGISTRY_PID"
}

setup() {
	vk_keystore
	mkdir bin docker
	ln -s "$VALETKEY" bin/docker-credential-valetkey
	# No daemon: the command line logs in by itself.
	export PATH=$T/bin:$PATH DOCKER_CONFIG=$T/docker DOCKER_HOST=unix://$T/no-daemon R=localhost:$PORT
	unset DOCKER_AUTH_CONFIG DOCKER_CONTEXT
}

# log_in USER PASSWORD, with every docker that is installed
log_in() {
	printf %s "$2" | "$DOCKER" login -u "$1" --password-stdin "$R"
}

# with_each_docker FUNCTION: Debian's and the one that is found first may be two
with_each_docker() {
	local seen=

	for DOCKER in $(type -aP docker) /usr/bin/docker; do
		DOCKER=$(readlink -f "$DOCKER")
		case " $seen " in *" $DOCKER "*) continue ;; esac
		seen="$seen $DOCKER"
		echo "with $("$DOCKER" --version)"
		"$1" || return 1
	done
}

# nothing_in_config: neither a password nor an account in docker's own file
nothing_in_config() {
	[ "$(jq -r '[.auths // {} | .[] | .auth // empty] | length' docker/config.json)" -eq 0 ]
	if grep -rF -e 'p w<' -e "$(printf 'ann:p w<&>"' | base64)" docker; then return 1; fi
}

round() {
	run log_in ann 'wrong'
	[ "$status" -ne 0 ]
	[ "$(docker-credential-valetkey list)" = '{}' ]

	run log_in ann 'p w<&>"'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"Login Succeeded"* ]]
	[ "$(docker-credential-valetkey list)" = "{\"$R\":\"ann\"}" ]
	[ "$(printf %s "$R" | docker-credential-valetkey get | jq -r .Secret)" = 'p w<&>"' ]
	nothing_in_config

	# What is stored is enough to log in again.
	run "$DOCKER" login "$R" </dev/null
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"Login Succeeded"* ]]

	run log_in ben second
	[ "$status" -eq 0 ]
	[ "$(docker-credential-valetkey list)" = "{\"$R\":\"ben\"}" ]

	run "$DOCKER" logout "$R"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *[Ee]rror* && $output != *WARNING* ]]
	[ "$(docker-credential-valetkey list)" = '{}' ]
	nothing_in_config
}

@test "docker login, get and logout with credsStore" {
	printf '{"credsStore":"valetkey"}' >docker/config.json
	with_each_docker round
}

@test "docker login, get and logout with credHelpers" {
	printf '{"credHelpers":{"%s":"valetkey"}}' "$R" >docker/config.json
	with_each_docker round
}

pinned() {
	run "$DOCKER" login "$R" </dev/null
	echo "$output"
	[ "$status" -eq 0 ]
	run "$DOCKER" logout "$R"
	[ "$status" -eq 0 ]
	[ "$(printf %s "$R" | docker-credential-valetkey get | jq -r .Username)" = ann ]
}

@test "docker uses a person's entry, and logout leaves it" {
	vk_add "https://$R" ann 'p w<&>"'
	printf '{"credsStore":"valetkey"}' >docker/config.json
	with_each_docker pinned
}

locked() {
	run log_in ann 'p w<&>"'
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"valetkey unlock"* ]]
	nothing_in_config
}

@test "docker shows why nothing can be stored while the keystore is locked" {
	printf '{"credsStore":"valetkey"}' >docker/config.json
	export VALETKEY_KEY_FILE=
	with_each_docker locked
}
