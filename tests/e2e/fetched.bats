#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Packages for pip, uv and Composer that steal, in every way that was thought of to run while the credentials are there.
# That they can is seen in plain runs; with --two-phase they run later and get nothing, or not at all.

bats_require_minimum_version 1.5.0
load lib

setup_file() {
	e2e_begin
	tools=${VK_CACHE:-$E}/python
	if ! [ -e "$tools/installed" ]; then
		mkdir -p "$tools/wheels"
		/usr/bin/python3 -m pip install -q --target "$tools/uv" uv==0.13.9 &&
			/usr/bin/python3 -m pip download -q --no-deps -d "$tools/wheels" pip==24.2 setuptools==75.8.0 wheel==0.45.1 &&
			/usr/bin/python3 -m pip download -q --no-deps -d "$tools/wheels" pip==23.2.1 &&
			touch "$tools/installed"
	fi >&2
	# Other users do not get into a cache in the home directory.
	if [ "$tools" != "$E/python" ]; then
		cp -r "$tools" "$E/python"
		tools=$E/python
	fi
	FILES_SECRET=$(e2e_random)
	mkdir -p "$E/root/files" "$E/git"
	echo "$FILES_SECRET" | "$e2e_src/tests/servers/files.py" --root "$E/root" --ready "$E/port" --log "$E/log" --user u 3>&- &
	E2E_PIDS="$E2E_PIDS $!"
	e2e_wait_for "$E/port"
	FILES=http://127.0.0.1:$(cat "$E/port")
	cp "$tools"/wheels/*.whl "$E/root/files/" || true
	git init -q "$E/git"
	"$BATS_TEST_DIRNAME/packages.py" --root "$E/root" --url "$FILES" --site "$E/site" --git "$E/git"
	git -C "$E/git" add setup.py
	git -C "$E/git" -c user.name=x -c user.email=x@x commit -qm x
	cp "$BATS_TEST_DIRNAME/thief.py" "$E/"
	chmod -R a+rX "$E"
	# On R2 root sees the environment of these tests, too.
	TERCES_SELIF=$(rev <<<"$FILES_SECRET")
	export tools FILES TERCES_SELIF
}

teardown_file() {
	e2e_end
}

setup() {
	FILES_SECRET=$(rev <<<"$TERCES_SELIF")
}

recipe=netrc

teardown() {
	rm -rf "$T"
}

# project [UID]: a home for that user, a virtual environment with pip in it, and what pip and uv have to be told
project() {
	e2e_home "${1-0}"
	local name

	for name in $(compgen -e | grep -E '^(PIP_|UV_|COMPOSER|VIRTUAL_ENV)'); do
		unset "$name"
	done
	export REPORT=$T/work/report THIEF=$E/thief.py
	export PIP_INDEX_URL=$FILES/simple UV_DEFAULT_INDEX=$FILES/simple UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_NO_PROGRESS=1
	export COMPOSER_HOME=$HOME/composer COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_NO_INTERACTION=1
	[ "${1-0}" = 0 ] || chown -R "$1:$1" "$HOME" .
	e2e_add "$FILES_SECRET" https://127.0.0.1 --username u --name files
}

# venv [VERSION]: with that pip.  24.2 loads a module of its own when it has installed; 23.2.1 follows links in archives.
venv() {
	[ -e "$tools/installed" ] || skip "pip and uv cannot be had here"
	PATH=$tools/uv/bin:$PATH
	rm -rf ve
	"${as[@]}" uv venv -q -p /usr/bin/python3 ve
	"${as[@]}" uv pip install -q --python ve --offline --no-index --find-links "$tools/wheels" "pip==${1-24.2}" setuptools wheel
	# Else pip does not look whether it is the latest.
	echo pip >"$(echo "$PWD"/ve/lib/python3*/site-packages/pip-*.dist-info)/INSTALLER"
	ln -sfn "$(echo "$PWD"/ve/lib/python3*/site-packages)" "$E/site"
	: >"$E/log"
}

in_run() { # in_run ARGUMENT...: with what it printed in $output
	run timeout 120 "${as[@]}" "$VALETKEY" run --with "$recipe" "$@"
	echo "$output"
}

ran() {
	grep -a '^ran ' "$REPORT" | sort -u | cut -d' ' -f2 | tr '\n' ' '
}

# stolen: in how many places it was seen, itself or as clients send it
stolen() {
	cat "$REPORT" 2>/dev/null | grep -ac -e "$FILES_SECRET" -e "$(printf %s "u:$FILES_SECRET" | base64 -w0)"
}

got_nothing() {
	[ "$(stolen)" = 0 ]
	rm -f "$REPORT"
	e2e_nothing_left "$FILES_SECRET"
	[ -z "$(ls "$TMPDIR" | grep valetkey)" ]
}

# Nothing of it ran, and the directory is gone.
refused() {
	[ "$status" != 0 ]
	[ ! -e "$REPORT" ]
	[ -z "$(ls "$TMPDIR" | grep valetkey)" ]
}

both() { # both FUNCTION: as root and as another user, on both rungs; every night each with each
	local uid rung rungs

	for uid in 0 "$e2e_uid"; do
		project "$uid"
		rungs=R1
		[ "$uid" = 0 ] || rungs=R2
		[ -z "${VK_NIGHTLY-}" ] || rungs='R1 R2'
		for rung in $rungs; do
			# There root sees the server's memory, too.
			export THIEF_LOOKS_INTO=all
			[ "$uid$rung" != 0R2 ] || THIEF_LOOKS_INTO=
			"$1" "$rung"
		done
		rm -rf "$T"
	done
}

# ---- pip ----------------------------------------------------------------------------------------------------------

@test "pip install: what is built gets the credentials, as does what pip loads when it has been installed" {
	project
	venv
	in_run -- ve/bin/pip install --no-build-isolation built
	[ "$status" = 0 ]
	[[ $(ran) == *setup* ]]
	[ "$(stolen)" -gt 0 ]
	# pip looks whether it is the latest, after it has installed.
	rm "$REPORT"
	in_run -- ve/bin/pip install greeting
	[[ $(ran) == *pip* ]]
	[ "$(stolen)" -gt 0 ]
}

pip_two() {
	venv
	in_run --rung "$1" --two-phase -- ve/bin/pip install --upgrade --no-compile greeting
	[ "$status" = 0 ]
	[[ $output == *"pip download --dest "*" greeting: with the credentials"*" --no-compile greeting: without"* ]]
	[ -f "$E/site/greeting.py" ]
	# Fetched once.
	[ "$(grep -c '^200 /files/greeting' "$E/log")" = 1 ]
	# Not even in the second part, which has no reason to.
	[ ! -e "$REPORT" ]
	got_nothing
	env -u THIEF ve/bin/python -c 'import greeting; greeting.main()'
	venv
	in_run --rung "$1" --two-phase -- ve/bin/pip install --ignore-installed --report=report.json pip==24.2 greeting
	[ "$status" = 0 ]
	got_nothing
}

@test "pip install --two-phase: what was fetched is installed, and gets nothing" {
	both pip_two
}

pip_refused() {
	venv 23.2.1
	for package in built byurl bygit linked "$FILES/files/built-1.0.tar.gz" "git+file://$E/git"; do
		in_run --rung "$1" --two-phase -- ve/bin/pip install --no-build-isolation --no-binary built "$package"
		refused
		[[ $output == *"could start no other program"* ]]
		[ ! -e "$E/site/keyring.py" ]
		[ ! -e "$E/site/byurl.py" ]
	done
	e2e_nothing_left "$FILES_SECRET"
}

@test "pip install --two-phase: source is not built, whoever asks for it, and its archive leads nowhere else" {
	both pip_refused
}

@test "pip install --two-phase: by whatever name pip is started, but not by a script for a shell" {
	project
	venv
	for command in "ve/bin/python -m pip" "ve/bin/python3 -m pip" ve/bin/pip3; do
		# shellcheck disable=SC2086
		in_run --two-phase -- $command install --target there greeting
		[ "$status" = 0 ]
		[ -f there/greeting.py ]
		got_nothing
		rm -r there
	done
	for first in '#!/usr/bin/env python3' '#! /bin/sh'; do
		printf '%s\ntouch ran\n' "$first" >ve/bin/pip3
		in_run --two-phase -- ve/bin/pip3 install greeting
		[ "$status" = 125 ]
		[[ $output == *"script of "*"-m pip"* ]]
	done
	in_run --two-phase -- pip-of-nobody install greeting
	[ "$status" = 125 ]
	# One that cannot be seen to be one.
	printf 'exec %s/ve/bin/python -m pip "$@"\n' "$PWD" >ve/bin/pip3
	in_run --two-phase -- ve/bin/pip3 install greeting
	[ "$status" = 126 ]
	refused
}

@test "pip install --two-phase: settings for installing alone do not lead the first part to another index" {
	project
	venv
	unset PIP_INDEX_URL
	mkdir -p "$HOME/.config/pip"
	for file in ve/pip.conf "$HOME/.config/pip/pip.conf"; do
		printf '[install]\nindex-url = %s/simple\n' "$FILES" >"$file"
		in_run --two-phase -- ve/bin/pip install greeting
		[ "$status" = 125 ]
		[[ $output == *"pip.conf says under [install]"* ]]
		printf '[global]\nindex-url = %s/simple\n' "$FILES" >"$file"
		rm -rf there
		in_run --two-phase -- ve/bin/pip install -t there greeting
		[ "$status" = 0 ]
		rm "$file"
	done
	for option in "-e ." --dry-run --python=python3 "-d there" --src=x --unknown; do
		# shellcheck disable=SC2086
		in_run --two-phase -- ve/bin/pip install $option greeting
		[ "$status" = 125 ]
		[[ $output == *"with the option "* ]]
	done
}

# ---- uv -----------------------------------------------------------------------------------------------------------

# uv_project DEPENDENCY [SETTINGS]
uv_project() {
	cat >pyproject.toml <<-T
		[project]
		name = "mine"
		version = "0.1"
		requires-python = ">=3.9"
		dependencies = ["$1"]
		[build-system]
		requires = ["setuptools"]
		build-backend = "setuptools.build_meta"
		[tool.setuptools]
		py-modules = []
		[tool.uv]
		no-build-isolation-package = ["mine"]
		${2-}
	T
	rm -rf .venv uv.lock
}

@test "uv sync: what is built gets the credentials, as does what is installed when it is compiled" {
	project
	venv
	uv_project built
	in_run -- uv sync --no-install-project
	[ "$status" = 0 ]
	[[ $(ran) == *setup* ]]
	[ "$(stolen)" -gt 0 ]
	rm "$REPORT"
	uv_project greeting
	in_run -- uv sync --no-install-project --compile-bytecode
	[[ $(ran) == *pth* ]]
	[ "$(stolen)" -gt 0 ]
}

uv_two() {
	venv
	uv_project greeting $'compile-bytecode = true\npackage = false'
	UV_COMPILE_BYTECODE=1 in_run --rung "$1" --two-phase -- uv sync --compile-bytecode --no-install-project
	[ "$status" = 0 ]
	[ -f .venv/lib/python3*/site-packages/greeting.py ]
	[[ $(ran) == *pth* ]]
	got_nothing
	rm -rf .venv
	in_run --rung "$1" --two-phase -- uv run python -c 'import greeting; greeting.main()'
	[ "$status" = 0 ]
	[[ $output == *"uv run "*": without"*hello* ]]
	[[ $(ran) == *pth* ]]
	got_nothing
}

@test "uv sync and uv run --two-phase: what was fetched runs and gets nothing" {
	both uv_two
}

@test "uv sync --two-phase: the project itself is built when the credentials are gone" {
	project
	venv
	uv_project greeting
	: >"$E/log"
	printf '%s\n' "import os; exec(open(os.environ['THIEF']).read() + '\\nthief(\"own\")', {})" 'from setuptools import setup' 'setup()' >setup.py
	sed -i '/no-build-isolation-package/d' pyproject.toml
	printf '%s\n' '[dependency-groups]' 'build = ["setuptools"]' >>pyproject.toml
	in_run --two-phase -- uv sync --group build
	# Its build finds setuptools in uv's cache.
	[ "$status" = 0 ]
	[[ $(ran) == *own* ]]
	got_nothing
}

uv_refused() {
	venv
	for package in built "byurl" "bygit" "built @ $FILES/files/built-1.0.tar.gz" "built @ git+file://$E/git"; do
		uv_project "$package"
		in_run --rung "$1" --two-phase -- uv sync
		refused
		rm -rf .venv
		VIRTUAL_ENV=$PWD/ve in_run --rung "$1" --two-phase -- uv pip install "$package"
		refused
	done
	e2e_nothing_left "$FILES_SECRET"
}

@test "uv --two-phase: source is not built, whoever asks for it" {
	both uv_refused
}

@test "uv --two-phase: no setting and no file makes the first part build" {
	project
	venv
	for settings in 'no-binary-package = ["built"]' $'[tool.uv.pip]\nno-binary = ["built"]' $'[tool.uv.pip]\nonly-binary = [":none:"]'; do
		uv_project built "$settings"
		mkdir -p deeper
		for command in "uv sync" "uv run true" "uv pip install built"; do
			pushd deeper
			# shellcheck disable=SC2086
			VIRTUAL_ENV=$T/work/ve in_run --two-phase -- $command
			popd
			[ "$status" = 125 ]
			[[ $output == *"makes uv build while it fetches"* ]]
			refused
		done
	done
	rm pyproject.toml
	export VIRTUAL_ENV=$PWD/ve
	printf '[pip]\nno-binary = ["built"]\n' >"$HOME/some.toml"
	mkdir -p "$HOME/.config/uv"
	cp "$HOME/some.toml" "$HOME/.config/uv/uv.toml"
	in_run --two-phase -- uv pip install built
	[ "$status" = 125 ]
	rm -r "$HOME/.config/uv"
	UV_CONFIG_FILE=$HOME/some.toml in_run --two-phase -- uv pip install built
	[ "$status" = 125 ]
	mkdir -p more
	printf 'built\n--no-binary built\n' >more/b.txt
	printf -- '-r b.txt\n' >more/a.txt
	printf -- 'greeting\n  --requirement=more/a.txt\n' >all.txt
	for words in "-r all.txt" "-rall.txt" "--requirements=all.txt" "-c more/b.txt greeting"; do
		# shellcheck disable=SC2086
		in_run --two-phase -- uv pip install $words
		[ "$status" = 125 ]
		[[ $output == *"makes uv build while it fetches"* ]]
	done
	in_run --two-phase -- uv pip sync all.txt
	[ "$status" = 125 ]
	for words in "-r $FILES/r.txt" "-r -" "-r$FILES/r.txt" "-c https://x.example/c.txt" "--no-binary built" "--only-binary :none:" "-e ." "--directory more" "--config-file x"; do
		# shellcheck disable=SC2086
		in_run --two-phase -- uv pip install $words greeting
		[ "$status" = 125 ]
	done
	UV_PROJECT=/x in_run --two-phase -- uv sync
	[ "$status" = 125 ]
	UV_CONSTRAINT=$PWD/more/b.txt in_run --two-phase -- uv pip install greeting
	[ "$status" = 125 ]
	refused
	printf 'greeting\n' >more/b.txt
	in_run --two-phase -- uv pip install -r all.txt
	[ "$status" = 0 ]
	[ -f "$E/site/greeting.py" ]
}

# ---- Composer -----------------------------------------------------------------------------------------------------

composer_project() {
	recipe=get
	command -v composer >/dev/null || skip "there is no composer here"
	cat >composer.json <<-J
		{"repositories": [{"type": "composer", "url": "$FILES/php"}, {"packagist.org": false}], "require": {"corp/plug": "1.0.0"},
		 "config": {"secure-http": false, "allow-plugins": {"corp/plug": true}},
		 "scripts": {"pre-install-cmd": "@thief before", "post-install-cmd": "@thief after",
		  "pre-update-cmd": "@thief before", "post-update-cmd": "@thief after",
		  "thief": "python3 -c \"import os, sys; exec(open(os.environ['THIEF']).read()); thief(sys.argv[1])\""}}
	J
	rm -rf vendor composer.lock "$COMPOSER_HOME"
	as_json "${FILES#http://}" >"$T/auth"
	e2e_add "$(cat "$T/auth")" https://composer.example --username u --name auth --replace
	rm "$T/auth"
}

as_json() {
	printf '{"http-basic": {"%s": {"username": "u", "password": "%s"}}}' "$1" "$FILES_SECRET"
}

@test "composer install: scripts and plugins get the credentials" {
	project
	composer_project
	in_run --env COMPOSER_AUTH=keystore:auth -- composer install
	[ "$status" = 0 ]
	ran
	[ "$(ran)" = 'after before loaded plugin ' ]
	[ "$(stolen)" -gt 0 ]
}

composer_two() {
	composer_project
	in_run --rung "$1" --env COMPOSER_AUTH=keystore:auth --two-phase -- composer install
	[ "$status" = 0 ]
	[ -f vendor/corp/plug/loaded.php ]
	[ "$(ran)" = 'after before loaded plugin ' ]
	got_nothing
	# With the plugin in place.
	rm -rf "$COMPOSER_HOME/cache"
	in_run --rung "$1" --env COMPOSER_AUTH=keystore:auth --two-phase -- composer install --working-dir=.
	[ "$status" = 0 ]
	[[ $(ran) == *plugin* ]]
	got_nothing
}

@test "composer install --two-phase: plugins and scripts run and get nothing" {
	both composer_two
}
