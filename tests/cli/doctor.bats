#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What doctor finds, what it says about it, and what it never says.

bats_require_minimum_version 1.5.0
load lib

SECRET=l0ngsecretvalue

setup() {
	vk_keystore
	unset DOCKER_CONFIG NETRC REGISTRY_AUTH_FILE CARGO_HOME GH_TOKEN VAULT_TOKEN DOCKER_AUTH_CONFIG NPM_CONFIG_USERCONFIG
	umask 077
	mkdir bin work
	cp "$VALETKEY" bin/valetkey
	ln -s valetkey bin/docker-credential-valetkey
	ln -s valetkey bin/git-credential-valetkey
	PATH=$T/bin:$PATH
	V=$T/bin/valetkey
	cd work
}

items() { "$V" doctor --json | jq -r "$1"; }
findings() { items '.items[] | select(.level == "finding") | [.file, .host, .key] | map(. // "") | join("|")'; }

# finds FILE|HOST|KEY: that is all it finds, and the value is nowhere
finds() {
	split "$V" doctor
	[ "$status" -eq 1 ] || { cat "$T/out"; return 1; }
	[[ $out != *$SECRET* && $err != *$SECRET* ]]
	[[ $("$V" doctor --json) != *$SECRET* ]]
	[ "$(findings)" = "$1" ] || { findings; return 1; }
}

@test "doctor: nothing to put in order is exit 0" {
	split "$V" doctor
	[ "$status" -eq 0 ] || { cat "$T/out"; return 1; }
	[[ $out == *"format VKSTORE1, mode 600"*"unlocked by"*"nothing to put in order"* ]]
	[[ $out != *$'\033'* ]]
	[ -z "$err" ]
	[ "$(items .findings)" = 0 ]
	[ "$(items '.version')" != null ]
	[[ $(items '.items[] | select(.area == "rung") | .text') == *R1*"not in force"* || \
		$(items '.items[] | select(.area == "rung") | .text') == *R2*"not in force"* ]]
}

@test "doctor: reads all of the keystore, not only what is asked for" {
	printf %s "$SECRET" | "$V" add https://git.example --username ci >/dev/null
	split "$V" doctor
	[[ $out == *"every page and record of it is authentic"* ]]
	printf 'x' | dd of="$VALETKEY_KEYSTORE" bs=1 seek=$(($(stat -c %s "$VALETKEY_KEYSTORE") - 100)) conv=notrunc status=none
	split "$V" doctor
	[ "$status" -eq 1 ]
	[[ $out != *"is authentic"* && $out == *"damaged"* ]]
}

@test "doctor: changes nothing and leaves nothing" {
	before=$(cd "$T" && find . -newer "$VALETKEY_KEY_FILE" -name '[!o]*' | sort; keystore_sum)
	"$V" doctor >/dev/null
	[ "$before" = "$(cd "$T" && find . -newer "$VALETKEY_KEY_FILE" -name '[!o]*' | sort; keystore_sum)" ]
}

@test "doctor: .npmrc, the user's and the project's" {
	cat >"$HOME/.npmrc" <<-EOF
		registry=https://npm.example/
		//npm.example/:_authToken=$SECRET
		//var.example/:_authToken=\${NPM_TOKEN}
		//basic.example/x/:username=u
		//basic.example/x/:_password = "$SECRET"
		; //comment.example/:_authToken=$SECRET
	EOF
	finds "$HOME/.npmrc|//npm.example/|_authToken
$HOME/.npmrc|//basic.example/x/|_password"
	mv "$HOME/.npmrc" .npmrc
	finds "./.npmrc|//npm.example/|_authToken
./.npmrc|//basic.example/x/|_password"
	# one file under two names is one file
	cd "$HOME"
	mv "$T/work/.npmrc" .
	[ "$(findings | wc -l)" -eq 2 ]
}

@test "doctor: netrc" {
	printf 'machine a.example login u password %s\nmachine b.example\n\tlogin u\n' "$SECRET" >"$HOME/.netrc"
	printf 'macdef init\nmachine macro.example password %s\n\ndefault login u\n password "%s x"\n' "$SECRET" "$SECRET" >>"$HOME/.netrc"
	printf 'machine password login password password password\n' >>"$HOME/.netrc"
	finds "$HOME/.netrc|a.example|password
$HOME/.netrc|default|password
$HOME/.netrc|password|password"
}

@test "doctor: git's credential file and configuration" {
	printf 'https://u:%s@a.example\nhttps://u@nopass.example\nhttp://u:p@ss:%s@b.example:8080/x\n' "$SECRET" "$SECRET" >"$HOME/.git-credentials"
	finds "$HOME/.git-credentials|a.example|password
$HOME/.git-credentials|b.example:8080|password"
	rm "$HOME/.git-credentials"
	git init -q .
	git remote add origin "https://u:$SECRET@c.example/r.git"
	git remote add ssh git@c.example:r.git
	git remote add user https://u@c.example/r.git
	git config http.https://d.example/.extraHeader "Authorization: Basic $SECRET"
	git config "url.https://u:$SECRET@e.example/.insteadOf" https://e.example/
	finds './.git/config|c.example|url
./.git/config|https://d.example/|http.extraHeader
./.git/config|e.example|insteadOf'
	rm -rf .git
	git config --global credential.helper store
	finds "$HOME/.gitconfig|every host|credential.helper = store"
}

@test "doctor: docker and containers" {
	mkdir "$HOME/.docker"
	printf '{"auths":{"a.example":{"auth":"%s"},"helped.example":{},"b.example":{"identitytoken":"%s"}}}' "$SECRET" "$SECRET" >"$HOME/.docker/config.json"
	finds "$HOME/.docker/config.json|a.example|auth
$HOME/.docker/config.json|b.example|identitytoken"
	rm "$HOME/.docker/config.json"
	mkdir -p "$T/run/containers"
	printf '{"auths":{"c.example/ns":{"auth":"%s"}}}' "$SECRET" >"$T/run/containers/auth.json"
	export XDG_RUNTIME_DIR=$T/run
	finds "$T/run/containers/auth.json|c.example/ns|auth"
}

@test "doctor: pypirc, cargo, maven" {
	printf '[distutils]\nindex-servers = x\n[x]\nrepository = https://x.example\nusername = __token__\npassword = %s\n[y]\npassword =\n' "$SECRET" >"$HOME/.pypirc"
	mkdir "$HOME/.cargo" "$HOME/.m2"
	printf '[registry]\ntoken = "%s"\n[registries.corp]\ntoken="%s"\n' "$SECRET" "$SECRET" >"$HOME/.cargo/credentials.toml"
	cat >"$HOME/.m2/settings.xml" <<-EOF
		<settings><servers>
		<!-- <server><id>comment</id><password>$SECRET</password></server> -->
		<server><id>corp</id><username>u</username><password>$SECRET</password></server>
		<server><id>enc</id><password>{$SECRET=}</password></server>
		<server><id>var</id><password>\${env.$SECRET}</password></server>
		<server><passphrase> $SECRET</passphrase><id>
		key </id></server>
		</servers></settings>
	EOF
	finds "$HOME/.pypirc|x|password
$HOME/.cargo/credentials.toml|registry|token
$HOME/.cargo/credentials.toml|registries.corp|token
$HOME/.m2/settings.xml|corp|password
$HOME/.m2/settings.xml|key|passphrase"
}

@test "doctor: the environment" {
	export NPM_TOKEN=$SECRET GH_TOKEN=$SECRET VAULT_TOKEN=
	split env "npm_config_//npm.example/:_authToken=$SECRET" "$V" doctor
	[ "$status" -eq 1 ]
	[[ $out == *NPM_TOKEN* && $out == *GH_TOKEN* && $out == *npm_config_//npm.example* ]]
	[[ $out != *VAULT_TOKEN* && $out != *$SECRET* ]]
}

@test "doctor: a file that others can read is said to be" {
	printf 'machine a.example login u password %s\n' "$SECRET" >"$HOME/.netrc"
	chmod 644 "$HOME/.netrc"
	split "$V" doctor
	[[ $out == *"others can read $HOME/.netrc"*"chmod 600"* ]]
}

@test "doctor: what cannot be read or understood is no crash" {
	printf 'machine' >"$HOME/.netrc"
	printf '{"auths":' >"$T/auth.json"
	printf '<server><password>' >"$T/x"
	mkdir -p "$HOME/.m2" "$HOME/.docker" "$HOME/.cargo"
	cp "$T/x" "$HOME/.m2/settings.xml"
	cp "$T/auth.json" "$HOME/.docker/config.json"
	printf '[\n[x\ntoken' >"$HOME/.cargo/credentials.toml"
	head -c 300000 /dev/urandom >"$HOME/.npmrc"
	head -c 300000 /dev/urandom >"$HOME/.gitconfig"
	mkfifo "$HOME/.pypirc"
	mkdir "$HOME/.git-credentials"
	split timeout 20 "$V" doctor
	[ "$status" -le 1 ]
	run ! grep -q '[[:cntrl:]]' <<<"$out"
	"$V" doctor --json | jq . >/dev/null
}

@test "doctor: names from files cannot speak to the terminal" {
	printf 'machine \033[2Ja.example login u password %s\n' "$SECRET" >"$HOME/.netrc"
	split "$V" doctor
	[ "$status" -eq 1 ]
	[[ $out != *$'\033'* ]]
	[[ $("$V" doctor --json) != *$'\033'* ]]
}

@test "doctor: keystore and key file" {
	chmod 644 "$VALETKEY_KEYSTORE"
	split "$V" doctor
	[ "$status" -eq 1 ]
	[[ $out == *"chmod 600 $VALETKEY_KEYSTORE"* ]]
	chmod 600 "$VALETKEY_KEYSTORE"
	chmod 644 "$VALETKEY_KEY_FILE"
	split "$V" doctor
	[ "$status" -eq 1 ]
	[[ $out == *"chmod 600 $VALETKEY_KEY_FILE"* ]]
	chmod 600 "$VALETKEY_KEY_FILE"
	chmod 666 "$VALETKEY_KEYSTORE"
	split "$V" doctor
	[ "$status" -eq 1 ]
	rm "$VALETKEY_KEYSTORE"
	split "$V" doctor
	[ "$status" -eq 0 ]
	[[ $out == *"valetkey init"* ]]
	printf garbage >"$VALETKEY_KEYSTORE"
	split "$V" doctor
	[ "$status" -eq 1 ]
}

@test "doctor: a locked keystore is a state, not a finding" {
	unset VALETKEY_KEY_FILE
	split "$V" doctor
	[ "$status" -eq 0 ] || { cat "$T/out"; return 1; }
	[[ $out == *"valetkey unlock"* ]]
}

@test "doctor: a config that is not understood" {
	export VALETKEY_CONFIG=$T/c.ini
	printf '[a]\nnonsense = 1\n' >"$VALETKEY_CONFIG"
	split "$V" doctor
	[ "$status" -eq 1 ]
	[[ $out == *"$T/c.ini:2: "* ]]
}

@test "doctor: the tools that are set up" {
	vk_add https://git.example u s3cret
	"$V" setup git docker >/dev/null
	split "$V" doctor
	[ "$status" -eq 0 ] || { cat "$T/out"; return 1; }
	[[ $out == *"git asks valetkey for 1 host"*"docker asks valetkey for 1 host"* ]]
	sed -i 's/helper =$/helper = other/' "$HOME/.gitconfig"
	: >"$HOME/.docker/config.json"
	split "$V" doctor
	[ "$status" -eq 1 ]
	[[ $out == *".gitconfig was changed since"*"valetkey setup git"*"config.json is gone"* ]]
	"$V" setup git docker >/dev/null
	# the program was moved: what git would start is not there
	mkdir "$T/moved"
	mv "$T/bin/"* "$T/moved/"
	PATH=$T/moved:$PATH split "$T/moved/valetkey" doctor
	[ "$status" -eq 1 ]
	[[ $out == *"not what this program would put in"* ]]
	PATH=/usr/bin:/bin split "$T/moved/valetkey" doctor
	[[ $out == *"docker does not find docker-credential-valetkey on PATH"* ]]
}

@test "doctor: a program that others could replace" {
	chmod o+w "$T/bin"
	split "$V" doctor
	[ "$status" -eq 1 ]
	[[ $out == *"$T/bin"* ]]
}

@test "doctor: no home" {
	unset HOME VALETKEY_KEYSTORE
	split "$V" doctor
	[ "$status" -eq 1 ]
	[[ $out == *HOME* ]]
}
