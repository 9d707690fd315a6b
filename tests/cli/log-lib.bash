# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of the log share: a credential that is asked for, and the log's file.
# shellcheck disable=SC2034  # for the tests

# log_setup: for setup; $secret is the credential's, $L the log
log_setup() {
	vk_keystore
	secret=$(secret)
	vk_add https://git.example ci "$secret" --name work
	L=$T/log
	export VALETKEY_LOG=$L
}

# What git asks for it with.
H='protocol=https\nhost=git.example\n'

# last JQ-FILTER: of the newest line
last() {
	tail -n 1 "$L" | jq -r "$1"
}

# config LINE...: a config with these settings
config() {
	mkdir -p "$HOME/.config/valetkey"
	printf '%s\n' '[valetkey]' "$@" >"$HOME/.config/valetkey/config.ini"
}
