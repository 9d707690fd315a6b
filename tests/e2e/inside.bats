#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# valetkey inside containers with the engine's own default profile: as root, as a user, stripped of everything; what a
# thief there finds, and what is left when the container is killed.
# shellcheck disable=SC2016  # the scripts are the container's

bats_require_minimum_version 1.5.0
load lib
load containers

setup_file() {
	e2e_begin
	docker_start
	small_root "$E/root"
	# More than a build needs.
	for name in find head id kill ls mv readlink rm setsid sleep tr true wc xargs yes; do ln -sf busybox "$E/root/bin/$name"; done
	cp "$VALETKEY" "$E/root/bin/valetkey"
	ln -s valetkey "$E/root/bin/docker-credential-valetkey"
	e2e_home
	SECRET=$(e2e_random)
	export SECRET
	e2e_add "$SECRET" https://npm.example.com --scope @corp --kind bearer --name corp
	e2e_add "$SECRET" https://git.example --username u --name git
	cp "$VALETKEY_KEYSTORE" "$E/root/etc/keystore"
	chmod 644 "$E/root/etc/keystore"
	cat "$VALETKEY_KEY_FILE" >"$E/key"
	tar -C "$E/root" -c . | docker import - inside >/dev/null
}

teardown_file() {
	docker_end
}

setup() {
	export -n SECRET
	docker_home
}

teardown() {
	rm -rf "$T"
}

# inside OPTION... -- SCRIPT [VALETKEY-OPTION...]: the script as the command of a run there
inside() {
	local options=() script

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	script=$2
	shift 2
	VALETKEY_KEY=$(cat "$E/key") run docker run --rm --network=none -e VALETKEY_KEY -e VALETKEY_KEYSTORE=/own/keystore -e HOME=/ \
		--tmpfs /own:mode=1777 --tmpfs /work:mode=1777 -w /work "${options[@]}" inside \
		sh -c 'cp /etc/keystore /own/keystore && chmod 600 /own/keystore && "$@"; exit $?' sh valetkey run "$@" -- sh -ec "$script" sh "$SECRET"
	echo "$output"
}

kinds=("" "--user 1000:1000" "--cap-drop ALL --security-opt no-new-privileges --read-only" "--user 1000:1000 --cap-drop ALL --security-opt no-new-privileges --read-only")

# each SCRIPT [VALETKEY-OPTION...]: in every kind of container
each() {
	local kind

	for kind in "${kinds[@]}"; do
		echo "container: ${kind:-default}"
		# shellcheck disable=SC2086
		inside $kind -- "$@"
		[ "$status" = 0 ]
	done
}

@test "the default profile: R2, the file is read, helpers are answered, a thief finds no key" {
	each '
		test "$VALETKEY_RUN" = R2
		grep -q "$1" "$NPM_CONFIG_USERCONFIG"
		test "$(valetkey get https://git.example)" = "$1"
		test -z "$VALETKEY_KEY"
		# Whoever started us has the key in its environment, and is closed to us.
		for pid in 1 $PPID; do
			if cat "/proc/$pid/environ" 2>/dev/null | grep -q .; then echo "/proc/$pid/environ"; exit 1; fi
			if cat "/proc/$pid/mem" 2>/dev/null | head -c 1 | grep -q .; then exit 1; fi
		done
		unset VALETKEY_BROKER
		if valetkey get https://git.example; then exit 1; fi' --with npm,get
}

@test "the gate there: the command's own process reads, its children do not" {
	each '
		grep -q "$1" "$NPM_CONFIG_USERCONFIG" && exit 1
		while read -r line; do case $line in *"$1"*) found=1 ;; esac; done <"$NPM_CONFIG_USERCONFIG"
		test "$found" = 1' --gate own
}

@test "status, signals and two rungs there" {
	inside -- 'exit 7'
	[ "$status" = 7 ]
	inside -- 'kill -TERM $$'
	[ "$status" = 143 ]
	inside -- 'test "$VALETKEY_RUN" = R3; grep -q "$1" "$NPM_CONFIG_USERCONFIG"; case $NPM_CONFIG_USERCONFIG in /dev/shm/*) ;; *) exit 1 ;; esac' --rung R3
	[ "$status" = 0 ]
	inside -- 'true' --require-rung R1
	[ "$status" = 125 ]
	[[ $output == *"R1 is required"* ]]
}

# What the engine keeps of a container that is not removed: its layer, its logs.  (It keeps the variables that it was
# given, the key among them.)
kept() {
	printf '%s\n' "$SECRET" | "$registry_d/search.py" --newer "$T/before" "$E/docker" /dev/shm /run /tmp --skip "$T"
}

@test "docker kill, at 20 moments: nothing is left in what the engine keeps" {
	local i name

	for i in $(seq 20); do
		touch "$T/before"
		name=kill-$i-$$
		VALETKEY_KEY=$(cat "$E/key") docker run -d --name "$name" --network=none -e VALETKEY_KEY -e VALETKEY_KEYSTORE=/keystore -e HOME=/ inside \
			sh -c 'cp /etc/keystore /keystore; chmod 600 /keystore; valetkey run -- sh -c "cat \$NPM_CONFIG_USERCONFIG >/dev/null; sleep 60"' >/dev/null
		sleep "0.$((RANDOM % 6))"
		docker kill "$name" >/dev/null
		kept
		docker rm "$name" >/dev/null
	done
}

@test "out of memory: the kernel ends it, nothing is left" {
	touch "$T/before"
	VALETKEY_KEY=$(cat "$E/key") run docker run --name oom-$$ -m 48m --network=none -e VALETKEY_KEY -e VALETKEY_KEYSTORE=/keystore -e HOME=/ inside \
		sh -c 'cp /etc/keystore /keystore; chmod 600 /keystore; valetkey run -- sh -c "cat \$NPM_CONFIG_USERCONFIG >/dev/null; x=\$(yes | head -c 200000000); echo \$x"'
	[ "$status" != 0 ]
	[ "$(docker inspect -f '{{.State.OOMKilled}}' oom-$$)" = true ] || [ "$status" = 137 ]
	kept
	docker rm oom-$$ >/dev/null
}
