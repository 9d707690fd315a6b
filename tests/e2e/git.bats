#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The real git against its own http-backend over https: two accounts on one host, told apart by path.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
	local team

	e2e_begin
	ALICE=$(e2e_random) BOB=$(e2e_random)
	export ALICE BOB
	e2e_git_server <<-A
		/team-a alice $ALICE
		/team-b bob $BOB
	A
	for team in team-a team-b; do
		mkdir -p "$E/repos/$team" "$E/seed-$team"
		(cd "$E/seed-$team" && git init -q -b main && echo "$team" >README && git add . && commit "$team" &&
			git clone -q --bare . "$E/repos/$team/app.git" && git -C "$E/repos/$team/app.git" config http.receivepack true)
	done
}

teardown_file() {
	e2e_end
}

setup() {
	export -n ALICE BOB
	: >"$E/git.log"
}

teardown() {
	rm -rf "$T"
}

commit() {
	git -c user.name=t -c user.email=t@example.com commit -q -m "$1"
}

two_accounts() {
	e2e_add "$ALICE" "$REPOS/team-a" --username alice
	e2e_add "$BOB" "$REPOS/team-b" --username bob
}

# users PATH-PATTERN: who the server let in there, each once
users() {
	grep "$1" "$E/git.log" | awk '$3 != "-" { print $3 }' | sort -u
}

# clone_and_push TEAM COMMAND...: clone, commit and push, git being run by COMMAND
clone_and_push() {
	local team=$1

	shift
	"$@" git clone -q "$REPOS/$team/app.git" "$team"
	(cd "$team" && date +%N >now && git add . && commit more && "$@" git push -q)
}

@test "the server refuses without a credential, and git does not wait for one" {
	e2e_home
	run git clone -q "$REPOS/team-a/app.git"
	[ "$status" = 128 ]
}

@test "setup git: each path gets its own account, for clone and for push" {
	e2e_home
	two_accounts
	"$VALETKEY" setup git
	clone_and_push team-a
	clone_and_push team-b
	[ "$(users /team-a)" = alice ]
	[ "$(users /team-b)" = bob ]
	[ "$(git -C "$E/repos/team-a/app.git" log -1 --format=%s)" = more ]
	e2e_nothing_left "$ALICE" "$BOB"
}

@test "setup git: a path that nobody has an account for is refused without a prompt" {
	e2e_home
	two_accounts
	"$VALETKEY" setup git
	run timeout 20 git clone -q "$REPOS/team-c/app.git"
	[ "$status" = 128 ]
	[ -z "$(users /team-c)" ]
}

@test "setup git --undo: git asks nobody any more" {
	e2e_home
	printf '[user]\n\tname = somebody\n' >"$HOME/.gitconfig"
	cp "$HOME/.gitconfig" "$T/before"
	two_accounts
	"$VALETKEY" setup git
	git ls-remote -q "$REPOS/team-a/app.git"
	"$VALETKEY" setup git --undo
	cmp "$HOME/.gitconfig" "$T/before"
	run git ls-remote "$REPOS/team-a/app.git"
	[ "$status" = 128 ]
}

@test "a token that the server no longer takes: git fails, the entry stays and is marked" {
	e2e_home
	e2e_add "stale$(e2e_random)" "$REPOS/team-a" --username alice
	"$VALETKEY" setup git
	run git clone -q "$REPOS/team-a/app.git"
	[ "$status" = 128 ]
	"$VALETKEY" list --json | jq -e 'tostring | contains("team-a")'
	"$VALETKEY" list
	# The last column is when the server refused.
	[[ $("$VALETKEY" list | tail -n 1 | awk '{print $NF}') != - ]]
}

@test "a locked keystore: git stops and says why" {
	e2e_home
	two_accounts
	"$VALETKEY" setup git
	mv "$VALETKEY_KEY_FILE" "$T/elsewhere"
	unset VALETKEY_KEY_FILE
	run timeout 20 git clone -q "$REPOS/team-a/app.git"
	[ "$status" = 128 ]
	[[ $output == *locked* ]]
	[ -z "$(users /team-a)" ]
}

inside_run() {
	e2e_home "$1"
	two_accounts
	run clone_and_push team-a "${as[@]}" "$VALETKEY" run "$2" "$3" --
	echo "$output"
	[ "$status" = 0 ]
	[ "$(users /team-a)" = alice ]
}


@test "inside valetkey run, nothing set up: root, R1" {
	inside_run 0 --require-rung R1
	[ ! -e "$HOME/.gitconfig" ]
	e2e_nothing_left "$ALICE" "$BOB"
}

@test "inside valetkey run, nothing set up: root, R2" {
	inside_run 0 --max-rung R2
	e2e_nothing_left "$ALICE" "$BOB"
}

@test "inside valetkey run: unprivileged, both rungs, both accounts" {
	e2e_home "$e2e_uid"
	two_accounts
	for rung in --require-rung=R1 --max-rung=R2; do
		for team in team-a team-b; do
			"${as[@]}" "$VALETKEY" run "$rung" -- git clone -q "$REPOS/$team/app.git" "$team$rung"
		done
	done
	[ "$(users /team-a)" = alice ]
	[ "$(users /team-b)" = bob ]
	e2e_nothing_left "$ALICE" "$BOB"
}

@test "inside valetkey run: no token in the environment or in what git shows of its configuration" {
	e2e_home
	two_accounts
	for rung in --require-rung=R1 --max-rung=R2; do
		run "$VALETKEY" run "$rung" -- sh -c 'env; git config --list --show-origin'
		[ "$status" = 0 ]
		[[ $output == *credential.https://127.0.0.1* ]]
		[[ $output != *"$ALICE"* && $output != *"$BOB"* ]]
	done
}

@test "inside valetkey run: a refused push neither erases nor stores" {
	e2e_home
	e2e_add "stale$(e2e_random)" "$REPOS/team-a" --username alice
	sum=$(keystore_sum)
	run "$VALETKEY" run -- git clone -q "$REPOS/team-a/app.git"
	[ "$status" = 128 ]
	[ "$(keystore_sum)" = "$sum" ]
}
