# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of "valetkey setup" share: an installation, two hosts, and what undoing has to leave.

setup() {
	vk_keystore
	vk_add https://git.example u s3cret
	vk_add https://deep.example:8443/team/a u p4th
	unset DOCKER_CONFIG
	# A directory that only we can write, with the links that an installation has.
	mkdir -p "$T/bin"
	cp "$VALETKEY" "$T/bin/valetkey"
	ln -s valetkey "$T/bin/git-credential-valetkey"
	ln -s valetkey "$T/bin/docker-credential-valetkey"
	PATH=$T/bin:$PATH
	V=$T/bin/valetkey
	G=$HOME/.gitconfig
	D=$HOME/.docker/config.json
}

state() { find "$HOME/.local/state" -name 'setup-*' 2>/dev/null; }

ask() { # ask URL: what git gets for it
	printf 'url=%s\n\n' "$1" | GIT_TERMINAL_PROMPT=0 GIT_ASKPASS="" SSH_ASKPASS="" git credential fill 2>&1
}

# undone FILE ORIGINAL: byte for byte, and nothing remembered
undone() {
	cmp "$1" "$2"
	[ -z "$(state)" ]
	[ -z "$(find "$(dirname "$1")" -name '*.lock')" ]
}
