# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# A docker engine of the test's own, and small roots to build from.

# docker_start: the engine's data in $E/docker, $DOCKER_HOST, the distribution's client first on PATH
docker_start() {
	[ "$(id -u)" = 0 ] || skip "a docker engine needs root"
	mkdir -p "$E/docker"
	dockerd --bridge=none --iptables=false --ip6tables=false --data-root "$E/docker/data" --exec-root "$E/docker/exec" \
		--pidfile "$E/docker/pid" -H "unix://$E/docker/sock" >"$E/docker/log" 2>&1 3>&- &
	DOCKERD=$!
	E2E_PIDS="$E2E_PIDS $DOCKERD"
	export DOCKERD DOCKER_HOST=unix://$E/docker/sock DOCKER_BUILDKIT=1 DOCKER_CONFIG=$E/docker/config
	mkdir -p "$DOCKER_CONFIG"
	for _ in $(seq 150); do
		/usr/bin/docker version >/dev/null 2>&1 && return 0
		sleep 0.2
	done
	tail -n 20 "$E/docker/log" >&2
	return 1
}

# docker_end: after e2e_end could not remove what is still mounted
docker_end() {
	local pid mount

	for pid in $E2E_PIDS; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	awk -v e="$E/" 'index($2, e) == 1 { print $2 }' /proc/self/mounts | sort -r | while read -r mount; do
		umount -l "$mount"
	done
	e2e_end
}

# small_root DIRECTORY: a shell and little else
small_root() {
	local name

	mkdir -p "$1/bin" "$1/tmp" "$1/etc" "$1/run"
	cp /bin/busybox "$1/bin/"
	for name in sh cat cp cut echo grep ls mkdir sha256sum stat test; do
		ln -s busybox "$1/bin/$name"
	done
}

# docker_home: as e2e_home, but the docker settings stay
docker_home() {
	local host=$DOCKER_HOST config=$DOCKER_CONFIG

	e2e_home
	export DOCKER_HOST=$host DOCKER_CONFIG=$config DOCKER_BUILDKIT=1 PATH=$VALETKEY_BIN:/usr/bin:/bin:/usr/sbin:/sbin
}

# image_files IMAGE: saves it and all it is built from, to be searched
image_files() {
	rm -rf "$E/saved"
	mkdir "$E/saved"
	docker save "$1" -o "$E/saved/image.tar"
	docker history --no-trunc "$1" >"$E/saved/history"
	docker image inspect "$1" >"$E/saved/inspect"
}

# engine_holds_no SECRET...: neither the saved image nor anything the engine ever wrote
engine_holds_no() {
	printf '%s\n' "$@" | "$registry_d/search.py" "$E/saved" "$E/docker" &&
		e2e_nothing_left "$@"
}
