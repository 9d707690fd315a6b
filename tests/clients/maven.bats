#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Maven: a settings.xml of the run, by MAVEN_ARGS (3.9) and over the user's own.
# shellcheck disable=SC2154 # out, err and status come from split

bats_require_minimum_version 1.5.0
load lib
load jvm

# The last of those that know MAVEN_ARGS; Debian's stable one does not.
newer=3.9.16

setup_file() {
	e2e_begin
	files_server maven
	artifacts maven/a
	artifacts maven/b
	artifacts maven/c
	files_rule maven basic /a/ ci "$AWKWARD"
	files_rule maven bearer /b/ t0ken-of-b
	files_rule maven header /c/ Private-Token glpat-of-c
	files_rule maven redirect /moved/ "https://localhost:${SERVER##*:}/a/"
	java_trust
	export MAVEN39=${VK_CACHE:-$E}/maven-$newer
	if ! grep -q MAVEN_ARGS "$(realpath "$(command -v mvn)")" && ! [ -x "$MAVEN39/bin/mvn" ]; then
		mkdir -p "$MAVEN39"
		mvn -q -B dependency:copy -Dmdep.useBaseVersion=true -DoutputDirectory="$E" \
			-Dartifact="org.apache.maven:apache-maven:$newer:tar.gz:bin" >"$E/fetch.log" 2>&1 || tail -n 20 "$E/fetch.log" >&2
		tar -xzf "$E/apache-maven-$newer-bin.tar.gz" -C "$MAVEN39" --strip-components=1
	fi
	mkdir "$E/programs"
	cp "$VALETKEY" "$E/programs/valetkey"
}

teardown_file() {
	e2e_end
}

setup() {
	local name

	e2e_home
	for name in $(compgen -e MAVEN); do
		[ "$name" = MAVEN39 ] || unset "$name"
	done
	PATH=$E/programs:$e2e_path
	MAVEN_OPTS=$(java_options)
	export MAVEN_OPTS
	mkdir "$HOME/.m2"
	mvn=mvn
	[ ! -x "$MAVEN39/bin/mvn" ] || mvn=$MAVEN39/bin/mvn
}

# project ID PLACE: whose parent, and an extension of which, are private.  Nothing else has to be fetched for it.
project() {
	rm -rf "$HOME/.m2/repository"
	cat >pom.xml <<-X
		<project><modelVersion>4.0.0</modelVersion>
		  <parent><groupId>corp</groupId><artifactId>parent</artifactId><version>1</version><relativePath/></parent>
		  <artifactId>app</artifactId><packaging>pom</packaging>
		  <repositories><repository><id>$1</id><url>$2</url></repository></repositories>
		  <pluginRepositories><pluginRepository><id>$1</id><url>$2</url></pluginRepository></pluginRepositories>
		  <build><extensions><extension><groupId>corp</groupId><artifactId>tool</artifactId><version>1</version></extension></extensions></build>
		</project>
	X
}

fetched() {
	[ -f "$HOME/.m2/repository/corp/parent/1/parent-1.pom" ]
	[ -f "$HOME/.m2/repository/corp/tool/1/tool-1.jar" ]
}

build() {
	"$@" "$mvn" -q -B validate
}

run_maven() {
	project corp "$SERVER/a"
	build valetkey run --with maven "$rung" --
	fetched
	split valetkey run --with maven "$rung" -- sh -c 'env; cat /proc/self/environ'
	[[ $out == *'MAVEN_ARGS=-s /'* ]]
	[[ $out != *"$AWKWARD"* ]]
}

@test "run --with maven: user names with passwords, tokens and headers, by MAVEN_ARGS" {
	project corp "$SERVER/a"
	split build
	[ "$status" = 1 ]
	[[ $out == *401* ]]
	e2e_add "$AWKWARD" "$SERVER/a" --name corp --username ci
	e2e_add t0ken-of-b "$SERVER/b" --name corp-b
	e2e_add glpat-of-c "$SERVER/c" --name corp-c --kind header --header Private-Token
	on_rungs run_maven
	project corp-b "$SERVER/b/"
	build valetkey run --with maven --
	fetched
	project corp-c "$SERVER/c"
	build valetkey run --with maven --
	fetched
	# Without the recipe nothing is there.
	project corp "$SERVER/a"
	split build valetkey run --with git --
	[ "$status" = 1 ]
	# The user's own words stay behind ours, of which the first -s counts.
	export MAVEN_ARGS='-Dmine=1 -X'
	split valetkey run --with maven -- sh -c 'echo "$MAVEN_ARGS"'
	[[ $out == '-s /'*' -Dmine=1 -X'$'\n' ]]
	e2e_nothing_left "$AWKWARD"
}

@test "run --with maven: what a request leads to elsewhere, and an expired credential" {
	e2e_add "$AWKWARD" "$SERVER/moved" --name corp --username ci
	project corp "$SERVER/moved"
	before=$(wc -l <"$E/maven.log")
	split build valetkey run --with maven --
	# Maven 4 answers whoever asks.
	if [[ $("$mvn" --version) == *'Apache Maven 3.'* ]]; then
		[ "$status" = 1 ]
		[ "$(tail -n +$((before + 1)) "$E/maven.log" | grep -c ' with$')" = 0 ]
		run ! fetched
	fi
	e2e_add glpat-of-c "$SERVER/gone" --name corp-c --kind header --header Private-Token
	files_rule maven redirect /gone/ "https://localhost:${SERVER##*:}/c/"
	project corp-c "$SERVER/gone"
	build valetkey run --with maven --
	# Maven sends fields of the request along, wherever it is sent to: valetkey-tools(7) says so.
	grep -q '^GET /c/corp/tool/1/tool-1.jar 200 with$' "$E/maven.log"
	printf %s "$AWKWARD" | valetkey add "$SERVER/a" --name old --username ci --expires "$(date -u -d '1 second' +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
	for _ in $(seq 100); do
		valetkey get "$SERVER/a" >/dev/null 2>&1 || break
		sleep 0.1
	done
	split build valetkey run --with maven --credential old --
	[ "$status" = 125 ]
	[[ $err == *expired* ]]
}

@test "run --with maven: an older Maven reads it over the user's settings.xml on R1, and is told so elsewhere" {
	e2e_add "$AWKWARD" "$SERVER/a" --name corp --username ci
	project corp "$SERVER/a"
	echo '<settings/>' >"$HOME/.m2/settings.xml"
	# What Maven 3.8 does.
	valetkey run --with maven --rung R1 -- env -u MAVEN_ARGS mvn -q -B validate
	fetched
	[ "$(cat "$HOME/.m2/settings.xml")" = '<settings/>' ]
	# Told by the launcher that is found.
	printf '#!/bin/sh\n' >mvn
	chmod +x mvn
	split valetkey run --with maven --rung R1 -- ./mvn
	[[ $err != *'older than'* ]]
	split valetkey run --with maven --rung R2 -- ./mvn
	[[ $err == *'this Maven is older than 3.9'* ]]
	split env PATH="$PWD:$PATH" valetkey run --with maven --rung R2 -- true
	[[ $err == *'this Maven is older than 3.9'* ]]
	rm "$HOME/.m2/settings.xml"
	split valetkey run --with maven --rung R1 -- ./mvn
	[[ $err == *'this Maven is older than 3.9'* ]]
	# A wrapper fetches its own.
	cp mvn mvnw
	echo 'exec java $MAVEN_ARGS' >>mvn
	for command in ./mvn ./mvnw; do
		split valetkey run --with maven --rung R2 -- $command
		[[ $err != *'older than 3.9'* ]]
	done
}

@test "run --with maven: the user's settings stay, other servers are left out and named, -s is heeded" {
	e2e_add "$AWKWARD" "$SERVER/a" --name corp --username ci
	project corp "$SERVER/a/none"
	cat >"$HOME/.m2/settings.xml" <<-X
		<?xml version="1.0" encoding="UTF-8"?>
		<!-- <servers> -->
		<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0">
		  <mirrors><mirror><id>corp</id><mirrorOf>*</mirrorOf><url>$SERVER/a</url></mirror></mirrors>
		  <servers><server><id>corp</id><username>x</username><password>old-one</password></server>
		    <server><id> other </id><password>another</password></server></servers>
		</settings>
	X
	split build valetkey run --with maven --
	[ "$status" = 0 ]
	[[ $err == *"left out of $HOME/.m2/settings.xml for this run: other (--keep-own-credentials"* ]]
	fetched
	split valetkey render maven
	[[ $out != *another* ]]
	[[ $out != *old-one* ]]
	split valetkey render maven --keep-own-credentials
	[[ $out == *'<id>corp</id><username>ci</username>'*another* ]]
	[[ $out != *old-one* ]]
	[ "$(grep -c '<server>' <<<"$out")" = 2 ]
	python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parseString(sys.argv[1])' "$out"
	# A file that the command names takes the place of the usual one.
	mv "$HOME/.m2/settings.xml" mine.xml
	project corp "$SERVER/a/none"
	valetkey run --with maven -- "$mvn" -q -B -s mine.xml validate
	fetched
	split env MAVEN_ARGS='-X  -s mine.xml' valetkey run --with maven -- true
	[[ $err == *'left out of mine.xml'* ]]
	echo '<settings><servers></settings>' >mine.xml
	split valetkey run --with maven -- "$mvn" -s mine.xml validate
	[ "$status" = 125 ]
	[[ $err == *'mine.xml: it is not XML that valetkey understands: a tag closes what is not open'* ]]
}

@test "run --with maven: a repository of the project with a credential's name but another place is refused" {
	e2e_add "$AWKWARD" "$SERVER/a" --name corp --username ci
	for place in "https://localhost:${SERVER##*:}/a" "$SERVER/ab" "http://${SERVER#https://}/a" nowhere; do
		project corp "$place"
		split valetkey run --with maven -- true
		[ "$status" = 125 ]
		[[ $err == *'a repository corp that is not where the credential of this name is for'* ]]
	done
	project corp '${base}/a'
	valetkey run --with maven -- true
	project else "https://localhost:${SERVER##*:}/a"
	valetkey run --with maven -- true
}

@test "render maven: what Maven would not give back is refused with the reason" {
	for secret in 'S3CR3T${user.home}b' 'S3CR3T{b}c' '{S3CR3T}' 'S3CR3T b ' ' S3CR3T' $'S3CR3T\tb' 'S3CR3Té'; do
		e2e_add "$secret" https://repo.example --name corp --username ci
		split valetkey render maven
		[ "$status" = 4 ]
		[[ $err == *'cannot express corp: its secret '* ]]
		[[ $err != *S3CR3T* ]]
		valetkey remove corp >/dev/null
	done
	e2e_add x https://repo.example --name corp --username 'u${env.HOME}'
	split valetkey render maven
	[[ $err == *'its user name holds'* ]]
}
