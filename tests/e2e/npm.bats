#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The real npm against a real registry that answers nobody without a token, and a package whose install script
# writes down everything it can read.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
	e2e_begin
	e2e_registry
	e2e_greeting
	OTHER_SECRET=npm_$(e2e_random)
	export OTHER_SECRET
}

teardown() {
	rm -rf "$T"
}

teardown_file() {
	e2e_end
}

setup() {
	# Known to the tests, not to what they run.
	export -n NPM_SECRET OTHER_SECRET
}

# project [UID]: a project of that user with the credential in the keystore, and ~/.npmrc with somebody else's token
project() {
	e2e_home "${1-0}"
	cp "$E"/project/* .
	printf 'save-exact=true\n//registry.example.com/:_authToken=%s\n' "$OTHER_SECRET" >"$HOME/.npmrc"
	[ "${1-0}" = 0 ] || chown -R "$1:$1" "$HOME" .
	cp -p "$HOME/.npmrc" "$T/npmrc.before"
	export REPORT=$T/work/report.json
}

add_npm() {
	e2e_add "$NPM_SECRET" "$REGISTRY" --scope @corp
}

# run_npm [OPTION...]: npm ci in it, with what it printed in $output
run_npm() {
	run "${as[@]}" "$VALETKEY" run --verbose "$@" -- npm ci
	echo "$output"
}

# found_in_report SECRET: where the install script saw it, one place a line
found_in_report() {
	jq -r --arg s "$1" 'paths(strings) as $p | select(getpath($p) | contains($s)) | $p | map(tostring) | join(" ")' "$REPORT"
}

# installed RUNG
installed() {
	[ "$status" = 0 ]
	[ -f node_modules/@corp/greeting/package.json ]
	[ -s "$REPORT" ]
	cmp "$HOME/.npmrc" "$T/npmrc.before"
	# npm's own child can read what npm was given: the file, and nothing else holds it.
	found_in_report "$NPM_SECRET"
	[ -n "$(found_in_report "$NPM_SECRET")" ]
	[ -z "$(found_in_report "$NPM_SECRET" | grep -v '^files ' | grep -v '^processes [0-9]* descriptors ')" ]
	# What is somebody else's is nowhere on R1.  R2 cannot hide the user's own file; npm does not get it from there.
	if [ "$1" = R1 ]; then
		[ -z "$(found_in_report "$OTHER_SECRET")" ]
	else
		[ "$(found_in_report "$OTHER_SECRET")" = "files $HOME/.npmrc" ]
	fi
	# The user's settings are still there.
	grep -q save-exact "$REPORT"
	rm -f "$REPORT"
	e2e_nothing_left "$NPM_SECRET"
}

@test "without a credential the registry refuses" {
	project
	run npm ci
	[ "$status" != 0 ]
	[[ $output == *E401* ]]
}

@test "root, R1: npm ci installs, its script sees one file, nothing is left" {
	project
	add_npm
	run_npm --require-rung R1
	installed R1
}

@test "root, R2" {
	project
	add_npm
	run_npm --max-rung R2
	installed R2
}

@test "an unprivileged user, R1" {
	project "$e2e_uid"
	add_npm
	run_npm --require-rung R1
	installed R1
}

@test "an unprivileged user, R2" {
	project "$e2e_uid"
	add_npm
	run_npm --max-rung R2
	installed R2
}

@test "root in a workspace of another user writes files there, R1" {
	project
	add_npm
	chown -R "$e2e_uid:$e2e_uid" .
	chmod 755 .
	run_npm --require-rung R1
	installed R1
}

@test "a process outside that holds the token is not visible on R1" {
	project "$e2e_uid"
	add_npm
	env BYSTANDER="$NPM_SECRET" "${as[@]}" sleep 60 3>&- &
	bystander=$!
	run_npm --require-rung R1
	kill $bystander
	installed R1
}

# A project whose .npmrc names a variable, as most CI set-ups have it.
project_with_variable() {
	project "$1"
	printf '@corp:registry=%s/\n//%s/:_authToken=${NPM_TOKEN}\n' "$REGISTRY" "${REGISTRY#https://}" >.npmrc
	[ "$1" = 0 ] || chown "$1:$1" .npmrc
	sha256sum .npmrc >"$T/project.before"
	add_npm
}

for_variable() {
	installed "$1"
	sha256sum -c "$T/project.before"
}

@test "\${NPM_TOKEN} in the project's .npmrc, variable not set: root, R1" {
	project_with_variable 0
	run_npm --require-rung R1
	for_variable R1
}

@test "\${NPM_TOKEN} in the project's .npmrc, variable not set: root, R2" {
	project_with_variable 0
	run_npm --max-rung R2
	for_variable R2
}

@test "\${NPM_TOKEN} in the project's .npmrc, variable not set: unprivileged, R1" {
	project_with_variable "$e2e_uid"
	run_npm --require-rung R1
	for_variable R1
}

@test "\${NPM_TOKEN} in the project's .npmrc, variable not set: unprivileged, R2" {
	project_with_variable "$e2e_uid"
	run_npm --max-rung R2
	for_variable R2
}

# What a CI platform does: the secret is a variable, the config in the repository is named on the command line.
ci_job() {
	project "$1"
	printf '@corp:registry=%s/\n//%s/:_authToken=${NPM_TOKEN}\n' "$REGISTRY" "${REGISTRY#https://}" >.npmrc
	cat >ci.ini <<-I
		[packages]
		url = $REGISTRY
		scope = @corp
		secret = env:NPM_TOKEN
		[profile ci]
		credentials = packages
		with = npm
	I
	[ "$1" = 0 ] || chown "$1:$1" .npmrc ci.ini
	export NPM_TOKEN=$NPM_SECRET
	run "${as[@]}" "$VALETKEY" run --verbose --config ci.ini --profile ci "$2" "$3" -- npm ci
	unset NPM_TOKEN
	echo "$output"
	installed R1
}

@test "a CI job with NPM_TOKEN in its environment: root, R1" {
	ci_job 0 --require-rung R1
}

@test "a CI job with NPM_TOKEN in its environment: unprivileged, R1" {
	ci_job "$e2e_uid" --require-rung R1
}

@test "a CI job with NPM_TOKEN in its environment: R2 takes it out of the command's environment" {
	# On R2 the processes above the run keep their environment, and a script of the same user can read it: documented.
	project 0
	cat >ci.ini <<-I
		[packages]
		url = $REGISTRY
		scope = @corp
		secret = env:NPM_TOKEN
	I
	NPM_TOKEN=$NPM_SECRET run "$VALETKEY" run --verbose --config ci.ini --max-rung R2 -- npm ci
	echo "$output"
	[ "$status" = 0 ]
	jq -e --arg s "$NPM_SECRET" '[.environment | .[] | contains($s)] | any | not' "$REPORT"
	rm -f "$REPORT"
	e2e_nothing_left "$NPM_SECRET"
}

@test "a wrong token is npm's error and npm's status" {
	project
	e2e_add "wrong$(e2e_random)" "$REGISTRY" --scope @corp
	run_npm
	[ "$status" = 1 ]
	[[ $output == *E401* ]]
	cmp "$HOME/.npmrc" "$T/npmrc.before"
}

@test "npm view, install and config see the scope's registry; the user's own token does not answer" {
	project
	add_npm
	run "$VALETKEY" run -- npm view @corp/greeting version
	[ "$status" = 0 ]
	[[ $output == *1.0.0* ]]
	run "$VALETKEY" run -- npm config get save-exact
	[[ $output == *true* ]]
	run "$VALETKEY" run -- sh -c 'cat "${NPM_CONFIG_USERCONFIG:-$HOME/.npmrc}"'
	[[ $output != *"$OTHER_SECRET"* ]]
}
