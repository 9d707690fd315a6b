#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Yarn 1, Yarn 4, bun and Deno, which have no helper that could be registered, and npm, inside a run.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # what is in single quotes is for another shell; out, err, status and rung come from split and on_rungs

bats_require_minimum_version 1.5.0
load lib
load node

setup_file() {
	e2e_begin
	node_client yarn yarn@1
	node_program yarn node "$CLIENT/node_modules/yarn/bin/yarn.js"
	node_client berry @yarnpkg/cli-dist@4
	node_program berry node "$CLIENT/node_modules/@yarnpkg/cli-dist/bin/yarn.js"
	node_client bun bun
	node_program bun "$(node_native "$CLIENT/node_modules/@oven" bin/bun)"
	node_client deno deno
	node_program deno "$(node_native "$CLIENT/node_modules/@deno" deno)"
	if [ -n "${VK_NIGHTLY-}" ]; then
		for version in 8 10 11; do
			node_version npm "$version"
		done
		node_client berry3 @yarnpkg/cli-dist@3
		node_program berry3 node "$CLIENT/node_modules/@yarnpkg/cli-dist/bin/yarn.js"
		node_client bun13 bun@1.3
		node_program bun13 "$(node_native "$CLIENT/node_modules/@oven" bin/bun)"
	fi
	node_registry
	cp "$VALETKEY" "$E/programs/valetkey"
}

teardown_file() {
	e2e_end
}

setup() {
	node_home
	packages=(@corp/greeting @other/parting plain-greeting)
	export YARN_CACHE_FOLDER=$T/cache YARN_GLOBAL_FOLDER=$T/global YARN_ENABLE_TELEMETRY=0 YARN_NODE_LINKER=node-modules
	export YARN_ENABLE_IMMUTABLE_INSTALLS=false BUN_INSTALL_CACHE_DIR=$T/cache DENO_DIR=$T/cache DENO_CERT=$E/tls/ca.pem NO_COLOR=1
}

teardown() {
	rm -rf "$T"
}

both() {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --scope @corp --name a
	e2e_add "$AWKWARD.b" "$SERVER/b" --name b
}

# fetch COMMAND...: into an empty project, with nothing cached
fetch() {
	rm -rf "$T/cache" "$T/global"
	node_project "${packages[@]}"
	printf 'npmRegistryServer: "%s/a"\nnpmScopes:\n  corp: {npmRegistryServer: "%s/a"}\n  other: {npmRegistryServer: "%s/b"}\n' \
		"$SERVER" "$SERVER" "$SERVER" >.yarnrc.yml
	split timeout 120 "$@"
}

fetched() {
	echo "$out$err"
	[ "$status" = 0 ]
	node_has @corp/greeting
	node_has @other/parting
	node_has plain-greeting
}

# refused COMMAND...: it fails, and the server was shown nothing
refused() {
	local before

	before=$(node_given)
	fetch "$@"
	[ "$status" != 0 ]
	[ "$(node_given)" = "$before" ]
}

run_npm() {
	fetch valetkey run --with npm "$rung" -- "npm$version" install --no-audit --no-fund
	fetched
}

@test "npm: other versions" {
	[ -n "${VK_NIGHTLY-}" ] || skip "the nightly run does it"
	both
	for version in 8 10 11; do
		on_rungs run_npm
	done
}

run_yarn() {
	fetch valetkey run --with yarn "$rung" -- yarn install --non-interactive
	fetched
}

@test "Yarn 1: the run's .npmrc, for packages without a scope too" {
	refused yarn install --non-interactive
	both
	printf 'strict-ssl=true\n//elsewhere.example/:_authToken=its-own\n' >"$HOME/.npmrc"
	cp "$HOME/.npmrc" "$T/before"
	on_rungs run_yarn
	cmp "$HOME/.npmrc" "$T/before"
	# npm's recipe does not say that always-auth is wanted, which npm would complain of.
	fetch valetkey run --with npm -- yarn install --non-interactive
	[ "$status" != 0 ]
	e2e_nothing_left "$AWKWARD"
}

run_berry() {
	fetch valetkey run --with yarn-berry "$rung" -- berry install
	fetched
	split valetkey run --with yarn-berry "$rung" -- sh -c 'env; cat "$YARN_PLUGINS"'
	[[ $out == *"$SERVER/a"* ]]
	[[ $out != *"$AWKWARD"* ]]
	# Where it lay is nothing any more.
	[ -z "$(find "$TMPDIR" -name 'valetkey-yarn*')" ]
}

@test "Yarn 4: a plugin asks the broker, for each registry its own; no secret in a file or variable" {
	both
	refused berry install
	on_rungs run_berry
	rung=--rung=R3
	run_berry
	# A plugin of the user's is still there.
	printf 'module.exports = {name: "mine", factory: () => ({hooks: {validateProject: () => { console.log("mine ran") }}})}\n' >"$T/mine.cjs"
	YARN_PLUGINS=$T/mine.cjs fetch valetkey run --with yarn-berry -- berry install
	fetched
	[[ $out == *'mine ran'* ]]
	# With the gate, and with scripts after the credentials are gone.
	mkdir "$T/named"
	ln -s "$E/programs/berry" "$T/named/yarn"
	PATH=$T/named:$PATH
	for rung in --rung=R1 --rung=R2; do
		fetch valetkey run --with yarn-berry "$rung" --gate own --two-phase -- yarn install
		fetched
	done
	split valetkey render yarn-berry
	[ "$status.$out" = 2. ]
	e2e_nothing_left "$AWKWARD"
}

@test "Yarn 4: other hosts, other paths, redirects get nothing; what is missing is said" {
	both
	for registry in "https://localhost:${SERVER##*:}/a" "$SERVER/ab" "$SERVER/a/..%2fb"; do
		before=$(node_given)
		YARN_NPM_REGISTRY_SERVER=$registry fetch valetkey run --with yarn-berry -- sh -c 'rm .yarnrc.yml; berry install'
		[ "$status" != 0 ]
		[ "$(node_given)" = "$before" ]
	done
	e2e_add m0ved-t0ken "$SERVER/moved" --name moved
	YARN_NPM_REGISTRY_SERVER=$SERVER/moved fetch valetkey run --with yarn-berry -- sh -c 'rm .yarnrc.yml; berry install'
	[ "$status" != 0 ]
	grep -q '/moved/.* 302 with' "$E/node.log"
	[ "$(tail -n 5 "$E/node.log" | grep -c '/a/.* with$')" = 0 ]
	# A broker that does not answer.
	fetch valetkey run --with yarn-berry -- env VALETKEY_BROKER=nobody berry install
	[ "$status" != 0 ]
	[[ $out$err == *'valetkey gives no credential for'* ]]
}

run_bun() {
	fetch valetkey run --with bun "$rung" -- bun install
	fetched
}

@test "bun: the run's .npmrc; older ones by the gate" {
	refused bun install
	both
	on_rungs run_bun
	for rung in --rung=R1 --rung=R2; do
		XDG_CONFIG_HOME=$T/xdg run_bun
	done
	# The scope @corp has its registry from the credential.
	packages=(plain-greeting)
	for registry in "https://localhost:${SERVER##*:}/a" "$SERVER/ab"; do
		before=$(node_given)
		NPM_CONFIG_REGISTRY=$registry fetch valetkey run --with bun -- sh -c 'rm .npmrc; bun install'
		[ "$status" != 0 ]
		[ "$(node_given)" = "$before" ]
	done
	packages=(@corp/greeting @other/parting plain-greeting)
	if [ -n "${VK_NIGHTLY-}" ]; then
		for rung in --rung=R1 --rung=R2; do
			fetch valetkey run --with bun "$rung" --gate all -- bun13 install
			fetched
		done
		touch "$HOME/.npmrc"
		fetch valetkey run --with bun --rung R1 -- bun13 install
		fetched
		for rung in --rung=R1 --rung=R2; do
			fetch valetkey run --with yarn-berry "$rung" -- berry3 install
			fetched
		done
	fi
	e2e_nothing_left "$AWKWARD"
}

@test "Deno: ~/.npmrc where R1 can hide one, or by the gate; a backslash is refused" {
	refused deno install
	both
	fetch valetkey run --with deno -- deno install
	[ "$status" = 125 ]
	[[ $err == *'secret holds a backslash'* ]]
	valetkey remove b >/dev/null
	files_rule node bearer /b/ "${AWKWARD//\\/}.b"
	e2e_add "${AWKWARD//\\/}.b" "$SERVER/b" --name b
	fetch valetkey run --rung R1 --with deno -- deno install
	[ "$status" = 125 ]
	[[ $err == *'~/.npmrc, which does not exist'*'--gate all'* ]]
	fetch valetkey run --rung R2 --with deno -- deno install
	[ "$status" = 125 ]
	[[ $err == *'only R1 can hide'* ]]
	for rung in R1 R2; do
		fetch valetkey run --rung "$rung" --with deno --gate all -- deno install
		fetched
	done
	[ ! -e "$HOME/.npmrc" ]
	printf '//elsewhere.example/:_authToken=its-own\n' >"$HOME/.npmrc"
	fetch valetkey run --rung R1 --with deno -- deno install
	fetched
	# Whatever npm is told of, Deno reads this one.
	NPM_CONFIG_USERCONFIG=$T/other fetch valetkey run --rung R1 --with deno,npm -- deno install
	fetched
	files_rule node bearer /b/ "$AWKWARD.b"
	e2e_nothing_left "$AWKWARD"
}

run_modules() {
	rm -rf "$T/cache"
	split valetkey run --with deno-modules "$rung" -- deno run "$SERVER/modules/mod.ts"
	[ "$status" = 0 ]
	[ "$out" = $'private module\n' ]
}

@test "Deno: modules by URL, for the whole of a host and port" {
	mkdir "$E/node/modules"
	echo 'console.log("private module");' >"$E/node/modules/mod.ts"
	plain=${AWKWARD//[;:]/}
	files_rule node basic /modules/ ci "$plain"
	split deno run "$SERVER/modules/mod.ts"
	[ "$status" != 0 ]
	e2e_add "$plain" "$SERVER" --username ci --name whole
	on_rungs run_modules
	# With an s, and this port.
	rm -rf "$T/cache"
	before=$(node_given)
	split valetkey run --with deno-modules -- deno run "https://localhost:${SERVER##*:}/modules/mod.ts"
	[ "$status" != 0 ]
	[ "$(node_given)" = "$before" ]
	# What cannot be told apart, or said, starts nothing.
	e2e_add t0ken "$SERVER/path" --name path
	split valetkey run --with deno-modules -- true
	[ "$status" = 125 ]
	[[ $err == *'to the whole host'* ]]
	valetkey remove path >/dev/null
	e2e_add other "$SERVER" --username other --name other
	split valetkey run --with deno-modules -- true
	[ "$status" = 125 ]
	[[ $err == *'two accounts'* ]]
	valetkey remove other >/dev/null
	for secret in 'a;b' 'a:b'; do
		printf %s "$secret" | valetkey add "$SERVER" --username ci --name whole --replace >/dev/null
		split valetkey run --with deno-modules -- true
		[ "$status" = 125 ]
		[[ $err == *'DENO_AUTH_TOKENS cannot hold whole'* ]]
	done
	valetkey remove whole >/dev/null
	# Nothing rather than an empty list.
	split valetkey run --with deno-modules -- sh -c 'echo ".${DENO_AUTH_TOKENS-unset}."'
	[[ $out == .unset.* ]]
}
