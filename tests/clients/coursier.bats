#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# coursier and sbt: a file of properties in a run.
# shellcheck disable=SC2154 # out, err and status come from split

bats_require_minimum_version 1.5.0
load lib
load jvm

HOST=repo.corp.example
version=1.0.28

setup_file() {
	local jar=${VK_CACHE:-$E}/interface-$version.jar

	[ "$(id -u)" = 0 ] || skip "needs root to serve the usual port"
	e2e_begin $HOST
	# coursier tells no ports apart, so it has to be the usual one: at an address that nothing else is likely to have.
	ADDRESS=127.$((RANDOM % 200 + 20)).$((RANDOM % 250 + 1)).$((RANDOM % 250 + 1))
	files_server other
	artifacts other/a
	files_rule other basic /a/ ci "$AWKWARD"
	OTHER=$SERVER
	files_server repo $ADDRESS:443
	artifacts repo/a
	files_rule repo basic /a/ ci "$AWKWARD"
	files_rule repo redirect /moved/ "$OTHER/a/"
	printf '%s %s\n' $ADDRESS $HOST >"$E/hosts"
	java_trust
	jar=${VK_CACHE:-$E}/interface-$version.jar
	if ! [ -s "$jar" ]; then
		mvn -q -B dependency:copy -Dmdep.useBaseVersion=true -DoutputDirectory="$(dirname "$jar")" \
			-Dartifact=io.get-coursier:interface:$version >"$E/fetch.log" 2>&1 || tail -n 20 "$E/fetch.log" >&2
	fi
	javac -cp "$jar" -d "$E" "$BATS_TEST_DIRNAME/coursier.java"
	export CLASSPATH=$jar:$E OTHER
	mkdir "$E/programs"
	cp "$VALETKEY" "$E/programs/valetkey"
}

teardown_file() {
	e2e_end
}

setup() {
	local name

	e2e_home
	for name in $(compgen -e COURSIER_) $(compgen -e SBT_); do
		unset "$name"
	done
	PATH=$E/programs:$e2e_path
	URL=https://$HOST
}

# get URL [COMMAND...]: by coursier, in a run where there is a command
get() {
	local url=$1

	shift
	rm -rf "$T/cache"
	# shellcheck disable=SC2046 # words
	split "$@" java $(java_options) -Djdk.net.hosts.file="$E/hosts" Get "$url" "$T/cache"
}

run_coursier() {
	get "$URL/a" valetkey run --with coursier "$rung" --
	[ "$status.$out" = $'0.tool-1.jar\n' ]
	split valetkey run --with coursier "$rung" -- env
	[[ $out == *'COURSIER_CREDENTIALS=/'* ]]
	[[ $out == *'SBT_CREDENTIALS=/'* ]]
	[[ $out != *"$AWKWARD"* ]]
}

@test "run --with coursier: private artefacts are fetched, and a redirect gets nothing" {
	get "$URL/a"
	[ "$status" = 1 ]
	[[ $err == *unauthorized* ]]
	e2e_add "$AWKWARD" "$URL" --username ci
	on_rungs run_coursier
	before=$(wc -l <"$E/other.log")
	for url in "$URL/moved" "$OTHER/a"; do
		get "$url" valetkey run --with coursier --
		[ "$status" = 1 ]
	done
	[ "$(tail -n +$((before + 1)) "$E/other.log" | grep -c ' without$')" != 0 ]
	[ "$(tail -n +$((before + 1)) "$E/other.log" | grep -c ' with$')" = 0 ]
	e2e_nothing_left "$AWKWARD"
}

# The program "cs" as its Maven artefact has it: the same main class.
@test "run --with coursier: the command line fetches" {
	local cs=${VK_CACHE:-$E}/coursier-cli-2.1.24

	[ -e "$cs/resolved" ] || {
		rm -rf "$cs"
		mkdir -p "$cs"
		printf '<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version><dependencies><dependency>%s</dependency></dependencies></project>\n' \
			'<groupId>io.get-coursier</groupId><artifactId>coursier-cli_2.13</artifactId><version>2.1.24</version>' >"$cs/pom.xml"
		mvn -q -B -f "$cs/pom.xml" dependency:copy-dependencies -DoutputDirectory="$cs" >"$T/fetch.log" 2>&1 && touch "$cs/resolved"
	}
	e2e_add "$AWKWARD" "$URL" --username ci
	# shellcheck disable=SC2046 # words
	set -- java $(java_options) -Djdk.net.hosts.file="$E/hosts" -cp "$cs/*" coursier.cli.Coursier fetch --quiet --no-default --repository "$URL/a" corp:tool:1
	split env COURSIER_CACHE="$T/cache" "$@"
	[ "$status" = 1 ]
	[[ $err == *unauthorized* ]]
	for rung in --rung=R1 --rung=R2; do
		split env COURSIER_CACHE="$T/cache$rung" valetkey run --with coursier "$rung" -- "$@"
		[ "$status" = 0 ]
		[[ $out == *"/a/corp/tool/1/tool-1.jar"* ]]
	done
	e2e_nothing_left "$AWKWARD"
}

@test "run --with coursier: sbt fetches (nightly: it fetches itself first)" {
	[ -n "${VK_NIGHTLY-}" ] || skip "takes two minutes"
	e2e_add "$AWKWARD" "$URL" --username ci
	sbt=$E/sbt-launch-1.10.11.jar
	mvn -q -B dependency:copy -Dmdep.useBaseVersion=true -DoutputDirectory="$E" -Dartifact=org.scala-sbt:sbt-launch:1.10.11 \
		-Dmaven.repo.local="$T/m2" >"$T/fetch.log" 2>&1
	mkdir project
	echo 'sbt.version=1.10.11' >project/build.properties
	cat >build.sbt <<-S
		autoScalaLibrary := false
		managedScalaInstance := false
		externalResolvers := Seq("corp" at "$URL/a")
		libraryDependencies += "corp" % "tool" % "1"
		TaskKey[Unit]("showTool") := update.value.allFiles.foreach(f => println("got " + f.getName))
	S
	# shellcheck disable=SC2207 # words
	java=(java $(java_options) -Dsbt.boot.directory="$T/boot" -Dsbt.global.base="$T/sbt" -Dsbt.color=false)
	"${java[@]}" -jar "$sbt" name >"$T/fetch.log" 2>&1
	split "${java[@]}" -Djdk.net.hosts.file="$E/hosts" -jar "$sbt" showTool
	[ "$status" = 1 ]
	[[ $out == *unauthorized* ]]
	split valetkey run --with coursier -- "${java[@]}" -Djdk.net.hosts.file="$E/hosts" -jar "$sbt" showTool
	[ "$status" = 0 ] || echo "$out $err" | tail -n 30 >&2
	[ "$status" = 0 ]
	[[ $out == *'got tool-1.jar'* ]]
	e2e_nothing_left "$AWKWARD"
}

@test "run --with coursier: the user's own file, and what sbt is told" {
	e2e_add "$AWKWARD" "$URL" --username ci
	mkdir -p "$HOME/.config/coursier"
	printf 'mine.username=me\nmine.password=their-own\nmine.host=else.example\n' >"$HOME/.config/coursier/credentials.properties"
	split valetkey render coursier
	[[ $err == *'credentials.properties is left out for this run'* ]]
	[[ $out != *their-own* ]]
	# What java.util.Properties makes of it.
	printf %s "$out" >file
	cat >P.java <<-'J'
		class P { public static void main(String[] a) throws Exception { java.util.Properties p = new java.util.Properties();
		  p.load(new java.io.FileInputStream(a[0])); System.out.write((p.getProperty(a[1]) + "\n").getBytes("UTF-8")); System.out.flush(); } }
	J
	javac -d . P.java
	for key in valetkey1.password password; do
		split java -cp . P file $key
		[ "$out" = "$AWKWARD"$'\n' ]
	done
	split valetkey render coursier --keep-own-credentials
	[[ $out == *"host=$HOST"*mine.password=their-own* ]]
	valetkey remove "$URL" >/dev/null
	e2e_add $'p\xc3\xa4 \xf0\x9f\x94\x91=#' "$URL" --username 'u ser'
	split valetkey render coursier
	printf %s "$out" >file
	run ! grep -q '[^ -~]' file
	split java -cp . P file password
	[ "$out" = $'p\xc3\xa4 \xf0\x9f\x94\x91=#\n' ]
	# sbt's file holds one.
	e2e_add x https://else.example --username ci
	split valetkey run --with coursier -- env
	[[ $out != *SBT_CREDENTIALS* ]]
	[[ $err == *'sbt gets none of these'*'this run has 2'* ]]
}

@test "render coursier: what it cannot tell apart is refused with the reason" {
	refused() {
		split valetkey render coursier --credential "$1"
		[ "$status" = 4 ]
		[[ $err == *"coursier and sbt cannot be told of $1: $2"* ]]
		[[ $err != *S3CR3T* ]]
	}
	e2e_add S3CR3T https://a.example:8443 --name port --username ci
	e2e_add S3CR3T https://a.example/path --name path --username ci
	e2e_add S3CR3T http://a.example --name clear --username ci
	e2e_add ' S3CR3T' https://b.example --name blank --username ci
	e2e_add $'S3CR3T\x01' https://c.example --name control --username ci
	e2e_add $'S3CR3T\xff' https://d.example --name latin --username ci
	e2e_add S3CR3T https://e.example --name colon --username a:b
	refused port 'they know no ports'
	refused path 'they know no paths'
	refused clear 'it would be sent over https'
	refused blank 'its secret'
	refused control 'its secret'
	refused latin 'its secret'
	refused colon 'its user name'
	e2e_add S3CR3T https://f.example --name one --username one
	e2e_add S3CR3T https://f.example --name two --username two
	split valetkey render coursier --credential one --credential two
	[[ $err == *'for the same host'* ]]
	e2e_add S3CR3T https://g.example --name bearer
	split valetkey render coursier --credential bearer
	[ "$status" = 1 ]
}
