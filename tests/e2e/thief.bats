#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Install scripts that steal, as the npm worms of 2025 did: files, environment, processes, the keystore, and whoever
# can be asked.  What they get in a plain run, and that they get nothing with --two-phase and --once.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
	e2e_begin
	e2e_registry
	e2e_greeting
	tools=${VK_CACHE:-$E}/clients
	if ! [ -e "$tools/installed" ]; then
		mkdir -p "$tools"
		echo '{"private": true, "dependencies": {"pnpm": "9.15.9", "yarn": "1.22.22", "@yarnpkg/cli-dist": "4.9.2"}}' >"$tools/package.json"
		(cd "$tools" && npm install --ignore-scripts --no-audit --no-fund --no-progress --loglevel=error) && touch "$tools/installed"
	fi
	export tools
}

teardown_file() {
	e2e_end
}

setup() {
	export -n NPM_SECRET
}

teardown() {
	rm -rf "$T"
}

# project [UID]: of that user, with the registry's token in the keystore and one for git on the same host
project() {
	e2e_home "${1-0}"
	cp "$E"/project/* .
	export REPORT=$T/work/report.json THIEF_HOSTS="${REGISTRY#https://} git.example" THIEF_VALETKEY=$VALETKEY THIEF_KEY=$VALETKEY_KEY_FILE
	printf 'save-exact=true\n' >"$HOME/.npmrc"
	[ "${1-0}" = 0 ] || chown -R "$1:$1" "$HOME" .
	e2e_add "$NPM_SECRET" "$REGISTRY" --scope @corp --name corp
	GIT_SECRET=$(e2e_random)
	e2e_add "$GIT_SECRET" https://git.example --username u --name host
}

# in_run ARGUMENT...: with what it printed in $output
in_run() {
	run "${as[@]}" "$VALETKEY" run "$@"
	echo "$output"
}

# stolen SECRET: where the thief saw it, one place a line
stolen() {
	jq -r --arg s "$1" 'paths(strings) as $p | select(getpath($p) | contains($s)) | $p | map(tostring) | join(" ")' "$REPORT"
}

# nothing_stolen: it ran, and saw nothing
nothing_stolen() {
	[ "$status" = 0 ]
	[ -s "$REPORT" ]
	stolen "$NPM_SECRET"
	stolen "$GIT_SECRET"
	# On R2 root sees the descriptors of every process, those of the gate too.
	[ -z "$(stolen "$NPM_SECRET" | grep -v "^$see_through")" ]
	[ -z "$(stolen "$GIT_SECRET")" ]
	# The key is R1's to hide.
	[ "$1" != R1 ] || [ -z "$(stolen "$(cat "$VALETKEY_KEY_FILE")")" ]
	rm -f "$REPORT"
	e2e_nothing_left "$NPM_SECRET" "$GIT_SECRET"
	rm -rf node_modules
}

rungs=(R1 R2)
see_through=none
option() {
	if [ "$1" = R1 ]; then echo --require-rung; else echo --max-rung; fi
}

@test "plain: a script gets the file and, by asking, what git may ask; --with npm leaves the latter" {
	project
	in_run --require-rung R1 -- npm ci
	[ "$status" = 0 ]
	stolen "$NPM_SECRET" | grep -q '^files '
	[ "$(stolen "$GIT_SECRET" | sort | tr '\n' ' ')" = 'asked git.example git asked git.example helper ' ]
	rm -rf "$REPORT" node_modules
	in_run --require-rung R1 --with npm -- npm ci
	[ "$status" = 0 ]
	[ -z "$(stolen "$GIT_SECRET")" ]
}

both() { # both FUNCTION: as root and as another user, on both rungs
	local uid rung

	for uid in 0 "$e2e_uid"; do
		project "$uid"
		for rung in "${rungs[@]}"; do
			"$1" "$rung"
		done
		rm -rf "$T"
	done
}

npm_two() {
	in_run "$(option "$1")" "$1" --two-phase -- npm ci
	[[ $output == *"npm ci --ignore-scripts"*": with the credentials"*"npm rebuild: without"* ]]
	[ -f node_modules/@corp/greeting/package.json ]
	nothing_stolen "$1"
}

@test "npm ci --two-phase: the script runs and gets nothing" {
	both npm_two
}

# see_through RUNG: for grep, what this user sees of our processes on that rung
see_through_as() {
	see_through=none
	if [ "$1" = R2 ] && [ "${#as[@]}" = 0 ]; then see_through='processes .*memfd:npmrc'; fi
}

npm_once() {
	see_through_as "$1"
	in_run "$(option "$1")" "$1" --once -- npm ci
	[ -f node_modules/@corp/greeting/package.json ]
	nothing_stolen "$1"
	[[ $output == *"was not for"* ]]
}

@test "npm ci --once: the script runs and gets nothing" {
	both npm_once
}

npm_own() {
	see_through_as "$1"
	in_run "$(option "$1")" "$1" --with npm --gate own -- npm ci
	nothing_stolen "$1"
}

@test "npm ci --gate own: the script runs and gets nothing" {
	both npm_own
}

@test "npm install --two-phase: the project's own scripts run too, each once and in their order" {
	project
	jq '.scripts = {preinstall: "echo pre >>order", install: "echo in >>order", postinstall: "echo post >>order; test -z \"$SECRET\"", prepare: "echo prep >>order"}' \
		package.json >p && mv p package.json
	npm_install() {
		in_run "$(option "$1")" "$1" --two-phase --env SECRET=keystore:host -- npm install
		[ "$(tr '\n' ' ' <order)" = 'pre in post prep ' ]
		rm order
		nothing_stolen "$1"
	}
	for rung in "${rungs[@]}"; do npm_install "$rung"; done
	# A part that fails is the end, with its status.
	jq '.scripts = {postinstall: "exit 7", prepare: "touch later"}' package.json >p && mv p package.json
	in_run --two-phase -- npm install
	[ "$status" = 7 ]
	[ ! -e later ]
}

@test "pnpm install --two-phase" {
	[ -e "$tools/installed" ] || skip "pnpm cannot be had here"
	project
	ln -s "$tools/node_modules/pnpm/bin/pnpm.cjs" "$T/pnpm"
	PATH=$T:$PATH
	echo "@corp:registry=$REGISTRY/" >.npmrc
	rm package-lock.json
	jq '.scripts = {preinstall: "echo pre >>order", postinstall: "echo post >>order", prepare: "echo prep >>order"} |
		.pnpm = {onlyBuiltDependencies: ["@corp/greeting"]}' package.json >p && mv p package.json
	pnpm_two() {
		rm -rf node_modules
		in_run "$(option "$1")" "$1" --two-phase -- pnpm install
		[ "$(tr '\n' ' ' <order)" = 'pre post prep ' ]
		rm order
		nothing_stolen "$1"
	}
	for rung in "${rungs[@]}"; do pnpm_two "$rung"; done
}

@test "yarn install --two-phase, both generations" {
	[ -e "$tools/installed" ] || skip "yarn cannot be had here"
	project
	ln -s "$tools/node_modules/yarn/bin/yarn.js" "$T/yarn"
	PATH=$T:$PATH
	rm package-lock.json
	export YARN_CACHE_FOLDER=$T/cache
	yarn_two() {
		rm -rf node_modules
		in_run "$(option "$1")" "$1" --with npm --two-phase -- yarn install
		nothing_stolen "$1"
	}
	for rung in "${rungs[@]}"; do yarn_two "$rung"; done
}

@test "no word of the command line makes the first part run scripts" {
	project
	for more in "--omit" "--cache" "--loglevel" "--no-audit --omit"; do
		# shellcheck disable=SC2086
		in_run --two-phase -- npm ci $more
		[ ! -s "$REPORT" ] || [ -z "$(stolen "$NPM_SECRET")$(stolen "$GIT_SECRET")" ]
		rm -rf "$REPORT" node_modules
	done
	[ -e "$tools/installed" ] || return 0
	ln -s "$tools/node_modules/yarn/bin/yarn.js" "$T/yarn"
	rm package-lock.json
	PATH=$T:$PATH in_run --with npm,git --two-phase -- yarn install --network-timeout
	[ ! -s "$REPORT" ] || [ -z "$(stolen "$NPM_SECRET")$(stolen "$GIT_SECRET")" ]
	printf 'configDependencies:\n  x: 1.0.0+sha512-x\n' >pnpm-workspace.yaml
	mkdir deeper
	cd deeper
	in_run --two-phase -- pnpm install
	[ "$status" = 125 ]
	[[ $output == *configDependencies* ]]
}

@test "a run within a run does not promise what it does not do" {
	project
	for option in --two-phase --once "--ttl 1m" "--gate own" "--scan ."; do
		# shellcheck disable=SC2086
		in_run -- "$VALETKEY" run $option -- npm ci
		[ "$status" = 125 ]
		[[ $output == *"no effect in a run within a run"* ]]
		[ ! -e node_modules ]
	done
	# The variable alone is no run.
	in_run --require-rung R1 -- true
	[ "$status" = 0 ]
	run env VALETKEY_RUN=R1 VALETKEY_KEY_FILE= "${as[@]}" "$VALETKEY" run --require-rung R1 -- true
	[ "$status" = 125 ]
}

@test "what cannot be taken apart is refused, and nothing starts" {
	project
	for command in "npm publish" "npm install left-pad" "npm test" "make" "pip download x" "python3 setup.py install" "python3 -m pip" "uv add x" "uv pip compile x" "composer require x" "composer install --no-cache" "bundle install" "mvn package" "yarn add x" "sh -c npm" "npm ci --" "npm ci --no-ignore-scripts" \
		"npm ci --ignore-s=false" "npm ci -- --cache" "pnpm install --" "yarn install --mode=x" "npm install --before 2030-01-01 x" "go install x@latest"; do
		# shellcheck disable=SC2086
		in_run --two-phase -- $command
		[ "$status" = 125 ]
		[[ $output == *"--two-phase"* ]]
	done
	in_run --two-phase --build-secret npmrc -- npm ci '{secrets}'
	[ "$status" = 125 ]
}
