#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Gradle: properties of the project, by variables of the run.
# shellcheck disable=SC2154 # out, err and status come from split

bats_require_minimum_version 1.5.0
load lib
load jvm

setup_file() {
	e2e_begin
	files_server gradle
	artifacts gradle/a
	files_rule gradle basic /a/ ci "$AWKWARD"
	files_rule gradle redirect /moved/ "https://localhost:${SERVER##*:}/a/"
	java_trust
	mkdir "$E/programs"
	cp "$VALETKEY" "$E/programs/valetkey"
}

teardown_file() {
	e2e_end
}

setup() {
	local name

	e2e_home
	for name in $(compgen -e GRADLE_) $(compgen -e ORG_GRADLE_); do
		unset "$name"
	done
	PATH=$E/programs:$e2e_path
	GRADLE_OPTS=$(java_options)
	export GRADLE_OPTS GRADLE_USER_HOME=$T/gradle
}

# project URL: what "fetch" of it needs is private.  (Gradle 6.6 finds the two properties by the name alone: credentials(PasswordCredentials).)
project() {
	rm -rf "$GRADLE_USER_HOME"
	cat >build.gradle <<-G
		repositories { maven { name 'corp'; url '$1'; credentials {
		  username findProperty('corpUsername'); password findProperty('corpPassword') } } }
		configurations { tools }
		dependencies { tools 'corp:tool:1' }
		task fetch { doLast { configurations.tools.files.each { println it.name } } }
	G
	echo "rootProject.name = 'app'" >settings.gradle
}

fetch() {
	split "$@" gradle -q --no-build-cache fetch
}

run_gradle() {
	project "$SERVER/a"
	fetch valetkey run --with gradle "$rung" --
	[ "$status.$out" = $'0.tool-1.jar\n' ]
	# No daemon of this build is left, which would have kept what it was given.
	run ! pgrep -f "GradleDaemon.*$T"
	split valetkey run --with gradle "$rung" -- sh -c 'echo "$GRADLE_OPTS"; env | sort | grep ORG_GRADLE'
	[ "$out" = "$GRADLE_OPTS -Dorg.gradle.daemon=false"$'\n'"ORG_GRADLE_PROJECT_corpPassword=$AWKWARD"$'\nORG_GRADLE_PROJECT_corpUsername=ci\n' ]
}

@test "run --with gradle: the repository's properties, for the run alone" {
	project "$SERVER/a"
	fetch env GRADLE_OPTS="$GRADLE_OPTS -Dorg.gradle.daemon=false"
	[ "$status" = 1 ]
	e2e_add "$AWKWARD" "$SERVER/a" --name corp --username ci
	on_rungs run_gradle
	# What a repository leads elsewhere gets the credential there too: valetkey-tools(7) says so.
	project "$SERVER/moved"
	fetch valetkey run --with gradle --
	grep -q '^GET /a/corp/tool/1/tool-1.jar 200 with$' "$E/gradle.log"
	# Nothing of it is in what Gradle keeps.
	e2e_nothing_left "$AWKWARD"
}

@test "run --with gradle: headers and tokens, names that are none, a second phase without" {
	e2e_add t0ken https://a.example --name corp_b
	e2e_add k3y https://b.example --name corpC --kind header --header Job-Token
	e2e_add d0t https://c.example --username ci
	e2e_add dash https://d.example --name my-repo --username ci
	split valetkey run --with gradle -- sh -c 'env | sort | grep ORG_GRADLE'
	[ "$out" = 'ORG_GRADLE_PROJECT_corpCAuthHeaderName=Job-Token
ORG_GRADLE_PROJECT_corpCAuthHeaderValue=k3y
ORG_GRADLE_PROJECT_corp_bAuthHeaderName=Authorization
ORG_GRADLE_PROJECT_corp_bAuthHeaderValue=Bearer t0ken
' ]
	[[ $err == *'gradle gets nothing of c.example, my-repo: '*'valetkey add --name'* ]]
	split valetkey run --with git -- env
	[[ $out != *ORG_GRADLE* ]]
	split valetkey render gradle
	[ "$status" = 2 ]
	printf %s old | valetkey add https://e.example --name old --username ci --expires "$(date -u -d '1 second' +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
	for _ in $(seq 100); do
		valetkey get https://e.example >/dev/null 2>&1 || break
		sleep 0.1
	done
	split valetkey run --with gradle --credential old -- true
	[ "$status" = 125 ]
	[[ $err == *expired* ]]
}
