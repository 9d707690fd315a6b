#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Who gets what: profiles, the platform's variables, what a command does not inherit.

bats_require_minimum_version 1.5.0
load lib

setup() {
	vk_keystore
	vk_add https://git.example me s3cret --name gh
	vk_add https://other.example you 0ther --name other
	export VALETKEY_CONFIG=$T/config.ini TOK=fr0mconfig
	umask 077
	cat >"$VALETKEY_CONFIG" <<-'EOF'
		[packages]
		url    = https://npm.example
		scope  = @corp
		secret = env:TOK
		[robot]
		url      = https://git.example/team
		username = robot
		secret   = env:TOK
		[profile npm]
		credentials = packages
		with        = npm
		[profile entries]
		credentials = gh
		[profile missing]
		credentials = gh, gone
	EOF
}

git_get() { # git_get URL: what git would be answered
	local rest=${1#*://}

	printf 'protocol=%s\nhost=%s\npath=%s\n\n' "${1%%://*}" "${rest%%/*}" "$(cut -sd/ -f2- <<<"$rest")" |
		"$VALETKEY" helper git-credential get
}

@test "profile: helpers give out its credentials and no other" {
	export VALETKEY_PROFILE=npm
	[ -z "$(git_get https://git.example)" ]
	[ -z "$(git_get https://git.example/team/x)" ]
	[ -z "$(git_get https://other.example)" ]
	[[ $(printf npm.example | "$VALETKEY" helper docker-credential get) != *s3cret* ]]
	VALETKEY_PROFILE=entries
	[[ $(git_get https://git.example/team/x) == *password=s3cret* ]]
	[ -z "$(git_get https://other.example)" ]
	VALETKEY_PROFILE=nonsense
	split git_get https://git.example
	[ "$status" -ne 0 ]
	[[ $out != *s3cret* ]]
	VALETKEY_PROFILE=
	[[ $(git_get https://other.example) == *password=0ther* ]]
}

@test "profile: of config sections only, the keystore may be locked, broken or missing" {
	export VALETKEY_PROFILE=npm
	unset VALETKEY_KEY_FILE
	[ "$("$VALETKEY" get https://npm.example --field secret)" = fr0mconfig ]
	printf garbage >"$VALETKEY_KEYSTORE"
	[ "$("$VALETKEY" get https://npm.example --field secret)" = fr0mconfig ]
	rm "$VALETKEY_KEYSTORE"
	[ "$("$VALETKEY" get https://npm.example --field secret)" = fr0mconfig ]
}

@test "profile: a run with one that names something missing does not start" {
	run -125 "$VALETKEY" run --profile missing -- touch started
	[[ $output == *gone* ]]
	[ ! -e started ]
	run -125 "$VALETKEY" run --profile nonsense -- touch started
	run -125 "$VALETKEY" run --profile npm --credential gh -- touch started
	[ ! -e started ]
}

@test "run: a variable that is a source is not inherited, nor are its copies" {
	export NPM_CI_COPY="Bearer fr0mconfig"
	export GITHUB_TOKEN=gh CI_JOB_TOKEN=gl VAULT_TOKEN=v DOCKER_AUTH_CONFIG='{}' \
		ACTIONS_ID_TOKEN_REQUEST_TOKEN=oidc ACTIONS_ID_TOKEN_REQUEST_URL=https://oidc.example HARMLESS=1
	run -0 env 'npm_config_//npm.example/:_authToken=fr0mconfig' "$VALETKEY" run --profile npm -- env
	[[ $output == *HARMLESS=1* ]]
	for name in TOK NPM_CI_COPY GITHUB_TOKEN CI_JOB_TOKEN VAULT_TOKEN DOCKER_AUTH_CONFIG ACTIONS_ID_TOKEN_REQUEST_TOKEN \
		ACTIONS_ID_TOKEN_REQUEST_URL VALETKEY_KEY_FILE 'npm_config_//npm.example/:_authToken'; do
		! grep -q "^$name=" <<<"$output" || { echo "inherited: $name"; return 1; }
	done
	[[ $output != *fr0mconfig* ]]
}

@test "GitHub Actions: the token is for the server that the platform names" {
	rm "$VALETKEY_CONFIG"
	unset VALETKEY_CONFIG
	export GITHUB_TOKEN=ghs_t0ken GITHUB_ACTIONS=true
	[ -z "$(git_get https://github.com/o/r)" ]
	export GITHUB_SERVER_URL=https://github.com
	[[ $(git_get https://github.com/o/r) == *username=x-access-token*password=ghs_t0ken* ]]
	[ "$(printf ghcr.io | "$VALETKEY" helper docker-credential get | jq -r .Secret)" = ghs_t0ken ]
	for host in github.com.evil.example evil-github.com gist.github.com api.github.com; do
		[ -z "$(git_get "https://$host/o/r")" ]
	done
	[ -z "$(git_get http://github.com/o/r)" ]
	# neither client may change what the platform gave
	before=$(keystore_sum)
	printf 'protocol=https\nhost=github.com\n\n' | "$VALETKEY" helper git-credential erase
	printf 'protocol=https\nhost=github.com\nusername=x-access-token\npassword=ghs_t0ken\n\n' |
		"$VALETKEY" helper git-credential erase
	[ "$before" = "$(keystore_sum)" ]
	[[ $(git_get https://github.com/o/r) == *password=ghs_t0ken* ]]
}

@test "GitLab CI: the job token, without any keystore" {
	rm "$VALETKEY_CONFIG" "$VALETKEY_KEYSTORE" "$VALETKEY_KEY_FILE"
	unset VALETKEY_CONFIG VALETKEY_KEY_FILE
	export CI_JOB_TOKEN=gl_t0ken CI_SERVER_HOST=gitlab.example CI_SERVER_PROTOCOL=https CI_SERVER_PORT=8443 \
		CI_REGISTRY=registry.example:5050 CI_API_V4_URL=https://gitlab.example:8443/api/v4
	[[ $(git_get https://gitlab.example:8443/g/p) == *username=gitlab-ci-token*password=gl_t0ken* ]]
	[ -z "$(git_get https://gitlab.example/g/p)" ]
	[ "$(printf registry.example:5050 | "$VALETKEY" helper docker-credential get | jq -r .Username)" = gitlab-ci-token ]
	[ "$("$VALETKEY" get https://gitlab.example:8443/api/v4/projects/1/packages/npm --field secret)" = gl_t0ken ]
}

@test "NODE_AUTH_TOKEN: for the registry in the user config; NPM_TOKEN: for none" {
	rm "$VALETKEY_CONFIG"
	unset VALETKEY_CONFIG
	export NODE_AUTH_TOKEN=n0de NPM_TOKEN=npm NPM_CONFIG_USERCONFIG=$T/platform.npmrc
	printf '//npm.example/:_authToken=${NODE_AUTH_TOKEN}\nregistry=https://npm.example/\n' >platform.npmrc
	[ "$("$VALETKEY" get https://npm.example --field secret)" = n0de ]
	run -1 "$VALETKEY" get https://elsewhere.example
	unset NODE_AUTH_TOKEN
	run -1 "$VALETKEY" get https://npm.example
}

@test "expired: not given out, and said" {
	vk_add https://old.example u 0ld --name old --expires $(($(date +%s) + 2))
	[[ $(git_get https://old.example) == *password=0ld* ]]
	sleep 2.1
	split "$VALETKEY" get https://old.example
	[ "$status" -eq 1 ]
	[ -z "$out" ]
	[[ $err == *expired* ]]
	split git_get https://old.example
	[[ $out != *0ld* ]]
	run -125 "$VALETKEY" run --credential old -- true
}
