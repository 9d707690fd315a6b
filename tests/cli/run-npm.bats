#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The recipe npm: what goes into the file, and what npm itself then would send. Where npm's own code is asked, it is
# the installed one, and those in VK_NPM_DIRS (directories of other versions, separated by blanks).
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err, status and rung come from the helpers

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	run_home
}

teardown() {
	run_end
}

npms() {
	command -v npm >/dev/null && [ -d "$(npm root -g)/npm/node_modules" ] || skip "needs npm"
	echo "$(npm root -g)/npm ${VK_NPM_DIRS-}"
}

# npm_sends URL...: run it under the rung, for every npm; what they would send must be in $sent, one line each
npm_sends() {
	local npm

	for npm in $(npms); do
		got=$("${V[@]}" run "${rung[@]}" -- node "$BATS_TEST_DIRNAME/npm-auth.js" "$npm" "$@" 2>"$T/npm.err") || { cat "$T/npm.err"; return 1; }
		[ "$got" = "$sent" ] || { printf '%s:\n%s\nnot\n%s\n' "$npm" "$got" "$sent"; return 1; }
	done
}

corp() {
	put "${1-tok}" https://npm.example/r --scope @corp --kind bearer --username '' --name corp
}

@test "the user's settings stay, other tokens are left out and named, and ~/.npmrc is as it was" {
	corp
	printf 'save-exact=true\n//x.example/:_authToken=other\n_password=b2xk' >"$HOME/.npmrc"
	cp -p "$HOME/.npmrc" "$T/before"
	merged() {
		split "${V[@]}" run "${rung[@]}" -- sh -ec 'cat "$NPM_CONFIG_USERCONFIG"'
		grep -qx 'save-exact=true' "$T/out"
		grep -qx '@corp:registry=https://npm.example/r/' "$T/out"
		grep -qx '//npm.example/r/:_authToken=tok' "$T/out"
		refute grep -e other -e b2xk "$T/out"
		[[ $err == *"left out of $HOME/.npmrc"*"//x.example/:_authToken, _password"* ]]
		[[ $err != *other* ]]
		split "${V[@]}" run "${rung[@]}" --keep-own-credentials -- sh -ec 'cat "$NPM_CONFIG_USERCONFIG"'
		grep -qx '//x.example/:_authToken=other' "$T/out"
		[ -z "$err" ]
		cmp "$HOME/.npmrc" "$T/before"
	}
	on_rungs merged
}

@test "R1 hides the file that npm reads by itself, also through a link" {
	corp
	mkdir "$HOME/dotfiles"
	echo 'color=false' >"$HOME/dotfiles/npmrc"
	ln -s dotfiles/npmrc "$HOME/.npmrc"
	"${V[@]}" run --require-rung R1 -- sh -c "$checks"'
		unset NPM_CONFIG_USERCONFIG
		grep -q "_authToken=tok" "$HOME/.npmrc"; grep -q "_authToken=tok" "$HOME/dotfiles/npmrc"; grep -q color "$HOME/.npmrc"
		not sh -c "echo x >>$HOME/.npmrc"'
	[ "$(cat "$HOME/dotfiles/npmrc")" = color=false ]
}

@test "an absent ~/.npmrc is not created" {
	corp
	absent() { "${V[@]}" run "${rung[@]}" -- sh -c 'test ! -e "$HOME/.npmrc"' && [ ! -e "$HOME/.npmrc" ]; }
	on_rungs absent
}

@test "a settings file that the environment names, in any case, is the one that is merged" {
	corp
	echo 'color=false' >mine
	named() {
		for name in npm_config_userconfig NPM_CONFIG_USERCONFIG Npm_Config_UserConfig; do
			split env "$name=$T/work/mine" "${V[@]}" run "${rung[@]}" -- sh -ec 'env | grep -ic "^npm_config_userconfig="; cat "$NPM_CONFIG_USERCONFIG"'
			[ "$(sed -n 1p "$T/out")" = 1 ]
			grep -qx color=false "$T/out"
			grep -q tok "$T/out"
		done
	}
	on_rungs named
	"${V[@]}" run --require-rung R1 -- sh -ec 'grep -q tok "$2"' npm --userconfig mine
	split "${V[@]}" run --max-rung R2 -- true --userconfig mine
	[[ $err == *"--userconfig wins"* ]]
}

# takes WHAT: which of the three entries are in the file
takes() {
	split "${V[@]}" run "$@"
	grep -o 'tok-[a-z]*' "$T/out" | sort -u | tr '\n' ' '
}

@test "registries that the files of npm's relatives name" {
	put tok https://npm.example/r --kind bearer --username '' --name corp
	named() { # named FILE TEXT
		printf %s "$2" >"$1"
		"${V[@]}" run "${rung[@]}" -- sh -ec 'grep -qx //npm.example/r/:_authToken=tok "$NPM_CONFIG_USERCONFIG"'
		rm "$1"
	}
	split "${V[@]}" run --with npm -- true
	[[ $err == *'takes none'* ]]
	named yarn.lock $'a@1:\n  resolved "https://npm.example/r/a/-/a-1.0.0.tgz#0123"\n'
	named .yarnrc 'registry "https://npm.example/r"'
	named .yarnrc.yml $'npmScopes:\n  corp:\n    npmRegistryServer: https://npm.example/r'
	named .yarnrc.yml $'npmScopes: {corp: {npmRegistryServer: \'https://npm.example/r\'}}\n'
	named pnpm-workspace.yaml $'registries:\n  "@corp": https://npm.example/r/\n'
	named pnpm-lock.yaml $'    resolution: {integrity: sha512-x, tarball: https://npm.example/r/@corp/a/-/a-1.0.0.tgz}\n'
	named bunfig.toml $'[install.scopes]\ncorp = { url = "https://npm.example/r" }\n'
	# In a lock file of theirs other URLs are not registries.
	printf 'homepage: https://npm.example/r\n' >pnpm-lock.yaml
	split "${V[@]}" run --with npm -- true
	[[ $err == *'takes none'* ]]
}

@test "entries are taken for an npm scope, or for a registry that somebody names" {
	put tok-plain https://plain.example/npm --kind bearer --username '' --name plain
	put tok-other https://plain.example/npm2 --kind bearer --username '' --name other
	show=(sh -c 'cat "$NPM_CONFIG_USERCONFIG" 2>/dev/null')
	[ -z "$(takes -- "${show[@]}")" ]
	[ "$(takes -- "${show[@]}" --registry https://plain.example/npm/)" = 'tok-plain ' ]
	[ "$(takes -- "${show[@]}" --registry=https://plain.example/npm)" = 'tok-plain ' ]
	[ "$(takes -- "${show[@]}" --@x:registry=https://plain.example/npm2)" = 'tok-other ' ]
	[ -z "$(takes -- "${show[@]}" --registry=https://plain.example)" ]
	[ -z "$(takes -- "${show[@]}" --registry=https://plain.example/npm3)" ]
	[ -z "$(takes -- "${show[@]}" -- --registry=https://plain.example/npm)" ]
	npm_config_registry=https://plain.example/npm/ split "${V[@]}" run -- "${show[@]}"
	grep -q tok-plain "$T/out"
	split env 'NPM_CONFIG_@y:registry=https://plain.example/npm2/' "${V[@]}" run -- "${show[@]}"
	grep -q tok-other "$T/out"
	echo '@z:registry=https://plain.example/npm/' >"$HOME/.npmrc"
	[ "$(takes -- "${show[@]}")" = 'tok-plain ' ]
	echo 'registry=https://${WHERE}/npm2' >.npmrc
	WHERE=plain.example split "${V[@]}" run -- "${show[@]}"
	grep -q tok-other "$T/out"
	rm "$HOME/.npmrc" .npmrc
	cat >package-lock.json <<-'J'
		{"packages": {"node_modules/a": {"resolved": "https://plain.example/npm2/a/-/a-1.0.0.tgz"},
		"node_modules/@s/b": {"resolved":"https://third.example/@s/b/-/b-1.0.0.tgz"}}}
	J
	[ "$(takes -- "${show[@]}")" = 'tok-other ' ]
	mkdir sub
	touch package.json
	cd sub
	[ "$(takes -- "${show[@]}")" = 'tok-other ' ]
	cd ..
	rm package-lock.json
	[ "$(takes --with npm --credential plain,other -- "${show[@]}")" = 'tok-other tok-plain ' ]
	# A long lock file in which the only mention straddles what is read at once.
	for pad in 65400 65500 65530 131000; do
		{ printf '{"a":"'; head -c $pad /dev/zero | tr '\0' x; printf '", "resolved": "https://plain.example/npm/p/-/p-1.tgz"}'; } >package-lock.json
		[ "$(takes -- "${show[@]}")" = 'tok-plain ' ]
	done
}

@test "npm gives every secret back as it was" {
	npms >/dev/null
	n=0 urls=() sent=''
	while IFS= read -r s; do
		n=$((n + 1))
		put "$s" "https://h$n.example/r" --scope "@s$n" --kind bearer --username '' --name "n$n"
		urls+=("https://h$n.example/r/x")
		sent+=$(S=$s node -p 'JSON.stringify("Bearer " + process.env.S)')$'\n'
	done <<-'S'
		plain
		a;b#c
		"quoted"
		'quoted'
		"one
		back\slash\
		\\;\\#
		${HOME}
		\${HOME}
		\\${HOME}
		a${HOME}${PATH}b
		${HOME?}
		${}$${a{b}
		a=b==
		[x]
		{"json":1}
		12e3
		!$&*()|<>~`
	S
	put 'p:w ü;#"' https://basic.example/r --scope @basic --username 'us;er' --name basic
	urls+=(https://basic.example/r/x)
	sent+="\"Basic $(printf 'us;er:p:w ü;#"' | base64 -w0)\""
	[ "$n" = 18 ]
	all() { npm_sends "${urls[@]}"; }
	on_rungs all
}

@test "\${VAR} in a project's file: npm sends the run's credential, and its other lines stay" {
	npms >/dev/null
	corp
	put deep https://npm.example/r/deep --kind bearer --username '' --name deep
	echo 'registry=https://npm.example/r/deep/' >"$HOME/.npmrc"
	touch package.json
	for line in '//npm.example/r/:_authToken=${NPM_TOKEN}' '//npm.example/r/:_authToken="${UNSET_TOKEN}"' \
		'//npm.example/r:_authToken=${NPM_TOKEN}' '//npm.example/r/:_auth=${NODE_AUTH_TOKEN?}'; do
		printf '; the project\nloglevel=silent\n%s\n//other.example/:_authToken=${NPM_TOKEN}\n' "$line" >.npmrc
		sum=$(sha256sum .npmrc)
		sent=$'"Bearer tok"\n"Bearer deep"'
		both() { npm_sends https://npm.example/r/x https://npm.example/r/deep/x; }
		on_rungs both
		NPM_TOKEN=leaked on_rungs both
		"${V[@]}" run --require-rung R1 -- sh -c "$checks"'grep -q loglevel .npmrc; grep -q other.example .npmrc; not grep "npm.example/r" .npmrc'
		[ "$(sha256sum .npmrc)" = "$sum" ]
	done
	# A variable that the command has is not touched.
	echo '//npm.example/r/:_authToken=${MY_OWN}' >.npmrc
	export MY_OWN=mine
	sent='"Bearer mine"'
	mine() { npm_sends https://npm.example/r/x; }
	on_rungs mine
}

@test "a project that is only found later, by a script that changes directory" {
	npms >/dev/null
	corp
	mkdir -p apps/one
	touch apps/one/package.json
	echo '//npm.example/r/:_authToken=${NPM_TOKEN}' >apps/one/.npmrc
	later() {
		got=$(NPM_TOKEN=leaked "${V[@]}" run "${rung[@]}" -- sh -c 'cd apps/one && node "$@"' sh "$BATS_TEST_DIRNAME/npm-auth.js" "$(npm root -g)/npm" https://npm.example/r/x)
		[ "$got" = '"Bearer tok"' ]
	}
	on_rungs later
	"${V[@]}" run --require-rung R1 -- sh -c "$checks"'not grep authToken apps/one/.npmrc' npm --prefix apps/one
}

@test "an https credential is not given to npm for an http registry of the same name" {
	corp
	echo 'registry=http://npm.example/r/' >.npmrc
	split "${V[@]}" run -- touch started
	[ "$status" = 125 ]
	[[ $err == *"http://npm.example"* && $err == *"https://npm.example"* ]]
	[ ! -e started ]
}

@test "what npm cannot be told refuses the run, without naming the secret" {
	corp 'true'
	split "${V[@]}" run -- touch started
	[ "$status" = 125 ]
	[ ! -e started ]
	[[ $err == *"npm cannot be given corp"* ]]
	"${V[@]}" remove corp >/dev/null
	put other https://npm.example/r --username u --name first
	put other https://npm.example/r --username v --name second
	echo 'registry=https://npm.example/r' >.npmrc
	split "${V[@]}" run -- touch started
	[ "$status" = 125 ]
	[ ! -e started ]
	[[ $err == *first*second*--credential* ]]
	"${V[@]}" run --credential second -- sh -ec 'grep -q dj "$NPM_CONFIG_USERCONFIG"'
}

@test "a broken or huge settings file is an error, not a run without credentials" {
	corp
	head -c 5000000 /dev/zero | tr '\0' x >"$HOME/.npmrc"
	split "${V[@]}" run -- touch started
	[ "$status" = 125 ]
	[ ! -e started ]
	[[ $err == *"$HOME/.npmrc"* ]]
}
