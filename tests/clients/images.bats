#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# skopeo, buildah and podman against a real registry that wants a password: through docker's settings, and in a run. docker itself is in
# tests/conformance.
# shellcheck disable=SC2154 # out, err and status come from split

bats_require_minimum_version 1.5.0
load lib

setup_file() {
	e2e_begin
	PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	R=127.0.0.1:$PORT
	export R
	# bcrypt takes 72 bytes.
	htpasswd -Bbc -C 4 "$E/users" ci "$AWKWARD" 2>/dev/null
	cat >"$E/registry.yml" <<-EOF
		version: 0.1
		log: {level: warn}
		storage: {filesystem: {rootdirectory: $E/images}}
		http: {addr: "$R", tls: {certificate: $E/tls/cert.pem, key: $E/tls/key.pem}}
		auth: {htpasswd: {realm: test, path: $E/users}}
	EOF
	mkdir "$E/images" "$E/programs"
	docker-registry serve "$E/registry.yml" >"$E/registry.log" 2>&1 3>&- &
	E2E_PIDS="$E2E_PIDS $!"
	for _ in $(seq 100); do
		[ "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$E/tls/ca.pem" "https://$R/v2/")" = 401 ] && break
		sleep 0.1
	done
	cp "$VALETKEY" "$E/programs/valetkey"
	ln -s valetkey "$E/programs/docker-credential-valetkey"
	image "$E/layout"
}

teardown_file() {
	e2e_end
}

setup() {
	e2e_home
	PATH=$E/programs:$e2e_path
	export SSL_CERT_FILE=$E/tls/ca.pem STORAGE_DRIVER=vfs
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_RUNTIME_DIR XDG_CONFIG_HOME
	mkdir -p "$HOME/.config/containers"
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$HOME/.config/containers/policy.json"
	printf %s "$AWKWARD" | valetkey add "https://$R" --username ci --name registry >/dev/null
}

teardown() {
	rm -rf "$T"
}

# image DIRECTORY: an OCI layout with one small layer
image() {
	python3 - "$1" <<-'P'
		import gzip, hashlib, io, json, os, sys, tarfile
		top = sys.argv[1]
		os.makedirs(f"{top}/blobs/sha256")
		def blob(data, kind):
		    digest = hashlib.sha256(data).hexdigest()
		    open(f"{top}/blobs/sha256/{digest}", "wb").write(data)
		    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}
		out = io.BytesIO()
		with tarfile.open(fileobj=out, mode="w") as t:
		    info = tarfile.TarInfo("hello"); info.size = 6
		    t.addfile(info, io.BytesIO(b"hello\n"))
		tar = out.getvalue()
		oci = "application/vnd.oci.image."
		config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest()]}}
		layer = blob(gzip.compress(tar), oci + "layer.v1.tar+gzip")
		manifest = {"schemaVersion": 2, "config": blob(json.dumps(config).encode(), oci + "config.v1+json"), "layers": [layer]}
		entry = blob(json.dumps(manifest).encode(), oci + "manifest.v1+json")
		json.dump({"schemaVersion": 2, "manifests": [entry]}, open(f"{top}/index.json", "w"))
		json.dump({"imageLayoutVersion": "1.0.0"}, open(f"{top}/oci-layout", "w"))
	P
}

@test "setup docker: skopeo, buildah and podman find docker's settings" {
	split skopeo copy -q "oci:$E/layout" "docker://$R/app:1"
	[ "$status" != 0 ]
	[[ $err == *uthentication* || $err == *nauthorized* ]]
	valetkey setup docker
	skopeo copy -q "oci:$E/layout" "docker://$R/app:1"
	skopeo inspect "docker://$R/app:1" | jq -e '.Layers | length == 1'
	[ "$(id -u)" != 0 ] || buildah --root "$T/storage" --runroot "$T/run" pull -q "$R/app:1"
	podman --root "$T/storage2" --runroot "$T/run2" pull -q "$R/app:1"
	e2e_nothing_left "$AWKWARD" "$(printf 'ci:%s' "$AWKWARD" | base64 -w0)"
}

@test "run --with containers: no setup, no file with a credential, others' settings stay" {
	skopeo copy -q --dest-creds "ci:$AWKWARD" "oci:$E/layout" "docker://$R/app:2"
	mkdir -p "$HOME/.docker"
	printf '{"auths": {"other.example": {"auth": "dTpvdGhlci1wYXNz"}, "%s": {"auth": "d3Jvbmc6d3Jvbmc="}}, "credHelpers": {"x.example": "mine"}, "proxies": {}}\n' "$R" >"$HOME/.docker/config.json"
	cp "$HOME/.docker/config.json" "$T/before"
	for rung in --rung=R1 --rung=R2; do
		split valetkey run --with containers "$rung" -- skopeo inspect "docker://$R/app:2"
		[ "$status" = 0 ]
		split valetkey run --with containers "$rung" -- sh -c 'cat "$REGISTRY_AUTH_FILE"'
		jq -e --arg r "$R" '.credHelpers == {"x.example": "mine", ($r): "valetkey"} and (has("auths") | not) and has("proxies")' "$T/out"
		[[ $err == *'left out'*'other.example'* ]]
	done
	split valetkey run --with containers --keep-own-credentials -- sh -c 'cat "$REGISTRY_AUTH_FILE"'
	jq -e --arg r "$R" '.auths | has("other.example") and (has($r) | not)' "$T/out"
	cmp "$HOME/.docker/config.json" "$T/before"
	# By default no such file is set.
	split valetkey run -- sh -c 'echo ".$REGISTRY_AUTH_FILE."'
	[ "$out" = $'..\n' ]
	printf '{"auths": 1' >"$HOME/.docker/config.json"
	split valetkey run --with containers -- touch started
	[ "$status" = 125 ]
	[[ $err == *config.json* ]]
	[ ! -e started ]
}

# go_client NAME PACKAGE: built from its published module; every night, since that takes minutes
go_client() {
	local at=${VK_CACHE:-$E}/$1

	[ -n "${VK_NIGHTLY-}" ] || skip "the nightly run builds $1"
	[ -x "$at/$1" ] || GOBIN=$at GOTOOLCHAIN=auto GOFLAGS=-buildvcs=false CGO_ENABLED=0 PATH=$e2e_path HOME=/root go install "$2" >&2
	PATH=$PATH:$at
}

@test "helm: a chart from a private registry, by setup and by recipe" {
	go_client helm helm.sh/helm/v3/cmd/helm@v3.22.0
	mkdir -p chart
	printf 'apiVersion: v2\nname: greeting\nversion: 1.0.0\n' >chart/Chart.yaml
	helm package chart >/dev/null
	split helm push greeting-1.0.0.tgz "oci://$R/charts" --ca-file "$E/tls/ca.pem"
	[ "$status" != 0 ]
	for rung in --rung=R1 --rung=R2; do
		valetkey run --with helm "$rung" -- helm push greeting-1.0.0.tgz "oci://$R/charts" --ca-file "$E/tls/ca.pem"
		mkdir got
		valetkey run --with helm "$rung" -- helm pull "oci://$R/charts/greeting" --version 1.0.0 -d got --ca-file "$E/tls/ca.pem"
		[ -f got/greeting-1.0.0.tgz ]
		rm -rf got
	done
	valetkey setup docker
	mkdir got
	helm pull "oci://$R/charts/greeting" --version 1.0.0 -d got --ca-file "$E/tls/ca.pem"
	[ -f got/greeting-1.0.0.tgz ]
	e2e_nothing_left "$AWKWARD"
}

@test "oras: an artefact, by docker's settings" {
	go_client oras oras.land/oras/cmd/oras@v1.3.6
	echo hello >hello.txt
	split oras push "$R/hello:1" hello.txt --ca-file "$E/tls/ca.pem"
	[ "$status" != 0 ]
	valetkey setup docker
	oras push "$R/hello:1" hello.txt --ca-file "$E/tls/ca.pem"
	rm hello.txt
	oras pull "$R/hello:1" --ca-file "$E/tls/ca.pem"
	[ "$(cat hello.txt)" = hello ]
}

@test "another registry, port or path is not answered, and 64 ask at once" {
	printf pathpass | valetkey add https://path.example/team --username ci >/dev/null
	for server in "127.0.0.1:$((${R##*:} + 1))" "localhost:${R##*:}" other.example; do
		split docker-credential-valetkey get <<<"$server"
		[ "$status" = 1 ]
		[[ $out == 'credentials not found'* ]]
	done
	split valetkey run --with containers -- sh -c 'cat "$REGISTRY_AUTH_FILE"'
	[[ $out != *path.example* ]]
	for i in $(seq 64); do
		docker-credential-valetkey get <<<"$R" >"$T/storm.$i" &
	done
	wait
	[ "$(cat "$T"/storm.* | jq -r .Secret | sort -u)" = "$AWKWARD" ]
	[ "$(cat "$T"/storm.* | jq -r .Username | grep -c ci)" = 64 ]
}
