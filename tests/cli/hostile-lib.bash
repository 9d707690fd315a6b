# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of git's helper under attack share.
# shellcheck disable=SC2034  # for the tests

# Entries of a user, of a victim and of a client.
hostile_setup() {
	vk_keystore
	vk_add https://github.com alice s3cret
	vk_add https://victim.example victim v1ctim
	ask_git store 'protocol=https\nhost=client.example\nusername=u\npassword=p\n'
	SUM=$(keystore_sum)
}

# Whatever happened, nothing of it was a write, unless the test says so.
hostile_teardown() {
	[ "${WRITES:-}" ] || unchanged "$SUM"
}

H='protocol=https\nhost=github.com\n'
