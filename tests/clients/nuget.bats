#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# NuGet, nuget.exe for Mono: by the plugin that "valetkey setup nuget" lets it find, and by variables in a run.
# shellcheck disable=SC2154 # out, err and status come from split

bats_require_minimum_version 1.5.0
load lib
load node

version=5.8.0

# feed NAME TOP ID [URL]: in the files of server NAME a feed TOP/index.json with package ID 1.0.0, which it says lies at URL
feed() {
	python3 - "$E/$1/$2" "$3" "${4-$SERVER/$2}" <<-'P'
		import json, os, sys, zipfile
		top, name, url = sys.argv[1:]
		at = f"{top}/flat/{name.lower()}"
		os.makedirs(f"{at}/1.0.0")
		with zipfile.ZipFile(f"{at}/1.0.0/{name.lower()}.1.0.0.nupkg", "w") as z:
		    z.writestr(f"{name}.nuspec", f"<package><metadata><id>{name}</id><version>1.0.0</version><authors>corp</authors>"
		               "<description>private</description></metadata></package>")
		    z.writestr("content/greeting.txt", "private\n")
		for path, value in ((f"{at}/index.json", {"versions": ["1.0.0"]}),
		                    (f"{top}/index.json", {"version": "3.0.0", "resources": [{"@id": url + "/flat/", "@type": "PackageBaseAddress/3.0.0"}]})):
		    with open(path, "w") as f:
		        json.dump(value, f)
	P
}

# Mono compares no addresses with certificates.
nuget_server() {
	files_server "$1"
	SERVER=https://localhost:${SERVER##*:}
}

setup_file() {
	e2e_begin
	node_client nuget nuget-exe@$version
	export NUGET=$CLIENT/node_modules/nuget-exe/nuget-$version.exe
	nuget_server other
	feed other a Corp.Greeting
	files_rule other basic / ci "$AWKWARD"
	OTHER=$SERVER
	nuget_server feed
	feed feed a Corp.Greeting
	feed feed b Corp.Parting
	feed feed away Corp.Greeting "$OTHER/a"
	# Wherever this would be presented it would do.
	files_rule feed basic / ci "$AWKWARD"
	files_rule feed basic /b/ deploy t0ken-of-b
	export OTHER SERVER
	mkdir "$E/programs"
	cp "$VALETKEY" "$E/programs/valetkey"
	ln -s valetkey "$E/programs/nuget-plugin-valetkey"
}

teardown_file() {
	e2e_end
}

setup() {
	local name

	e2e_home
	for name in $(compgen -e | grep -iE '^(NUGET_|NuGetPackage|MONO_)'); do
		unset "$name"
	done
	PATH=$E/programs:$e2e_path
	# Where Mono looks for authorities of the user's own, by the name that a directory of them has.
	mkdir -p "$HOME/.config/.mono/new-certs/Trust"
	cp "$E/tls/ca.pem" "$HOME/.config/.mono/new-certs/Trust/$(openssl x509 -in "$E/tls/ca.pem" -noout -subject_hash).0"
	link=$HOME/.nuget/plugins/netfx/nuget-plugin-valetkey/nuget-plugin-valetkey.exe
	before=()
}

teardown() {
	rm -rf "$T"
}

# sources NAME URL...: of the project, and no others
sources() {
	echo '<configuration><packageSources><clear/>'
	while [ $# -gt 0 ]; do
		printf '<add key="%s" value="%s/index.json"/>\n' "$1" "$2"
		shift 2
	done
	echo '</packageSources></configuration>'
} >nuget.config

# fetch ID...: anew
fetch() {
	local status

	printf '<package id="%s" version="1.0.0"/>\n' "$@" | sed '1i <packages>
$a </packages>' >packages.config
	# Mono loses a wake-up once in fifty times, whoever gave the credential, and waits for up to a minute then.
	for _ in 1 2; do
		rm -rf got "$HOME/.local/share/NuGet/v3-cache"
		status=0
		"${before[@]}" timeout 20 mono "$NUGET" restore packages.config -NonInteractive -NoCache -DirectDownload -PackagesDirectory got || status=$?
		[ "$status" = 124 ] || break
	done
	return "$status"
}

fetched() {
	[ "$(cat "got/$1.1.0.0/content/greeting.txt")" = private ]
}

# refused ID: by the server, to which nothing was presented that it would take
refused() {
	split fetch "$1"
	[ "$status" != 0 ]
	[[ $out$err == *'401 (Unauthorized)'* ]]
	[[ $out$err != *"$AWKWARD"* ]]
	run ! fetched "$1"
}

@test "setup nuget: private packages by the plugin, and nobody else is given anything" {
	sources corp "$SERVER/a" more "$SERVER/b"
	e2e_add "$AWKWARD" "$SERVER/a" --username ci
	e2e_add t0ken-of-b "$SERVER/b" --username deploy
	refused Corp.Greeting
	valetkey setup nuget
	[ "$(readlink "$link")" = "$E/programs/valetkey" ]
	fetch Corp.Greeting Corp.Parting
	fetched Corp.Greeting
	fetched Corp.Parting
	# Another path, another port, and what is known for another name of the same server.
	sources corp "$SERVER/away"
	refused Corp.Greeting
	sources corp "$OTHER/a"
	refused Corp.Greeting
	valetkey remove "$SERVER/a" >/dev/null
	e2e_add "$AWKWARD" "${SERVER/localhost/127.0.0.1}/a" --username ci
	sources corp "$SERVER/a"
	refused Corp.Greeting
	# What the index lists is NuGet's to trust.
	e2e_add "$AWKWARD" "$SERVER/away" --username ci
	sources corp "$SERVER/away"
	fetch Corp.Greeting
	fetched Corp.Greeting
	grep -q '^GET /a/flat/.* 200 with$' "$E/other.log"
	valetkey setup nuget --undo
	[ ! -e "${link%/*}" ]
	e2e_nothing_left "$AWKWARD"
}

@test "setup nuget: a token without a name; what is locked or over gives nothing" {
	files_rule feed basic /token/ valetkey "$AWKWARD"
	[ -e "$E/feed/token" ] || feed feed token Corp.Greeting
	sources corp "$SERVER/token"
	valetkey setup nuget --host "$SERVER"
	e2e_add "$AWKWARD" "$SERVER/token" --name t
	fetch Corp.Greeting
	fetched Corp.Greeting
	before=(env -u VALETKEY_KEY_FILE)
	refused Corp.Greeting
	before=()
	valetkey remove t >/dev/null
	printf %s "$AWKWARD" | valetkey add "$SERVER/token" --expires "$(date -u -d '1 second' +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
	sleep 1.1
	refused Corp.Greeting
}

by_variable() {
	before=(valetkey run --with nuget "$rung" --)
	sources corp "$SERVER/a" corp-b "$SERVER/b"
	fetch Corp.Greeting Corp.Parting
	fetched Corp.Greeting
	fetched Corp.Parting
}

by_broker() {
	before=(valetkey run --with nuget "$rung" --)
	sources other "$SERVER/a"
	fetch Corp.Greeting
	fetched Corp.Greeting
}

@test "run --with nuget: variables by the name of the source, and the broker" {
	e2e_add "$AWKWARD" "$SERVER/a" --username ci --name corp
	e2e_add t0ken-of-b "$SERVER/b" --username deploy --name corp-b
	on_rungs by_variable
	# Of a source with another name only the plugin knows.
	sources other "$SERVER/a"
	refused Corp.Greeting
	valetkey setup nuget
	on_rungs by_broker
	# Not at another port, not without the recipe, nor what is over.
	sources other "$OTHER/a"
	refused Corp.Greeting
	before=(valetkey run --with git --)
	sources corp "$SERVER/a"
	refused Corp.Greeting
	valetkey remove corp >/dev/null
	printf %s "$AWKWARD" | valetkey add "$SERVER/a" --username ci --name corp --expires "$(date -u -d '1 second' +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
	sleep 1.1
	before=(valetkey run --with nuget --)
	split fetch Corp.Greeting
	[ "$status" != 0 ]
	run ! fetched Corp.Greeting
	e2e_nothing_left "$AWKWARD"
}
