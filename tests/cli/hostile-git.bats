#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What a hostile URL, server, caller or machine can make git's helper see, one test per item.  Here:
# lines (G1 to G7) and places (G8 to G16); hostile-git-acts.bats has the rest.

load lib
load helpers
load hostile-lib

setup() {
	hostile_setup
}

teardown() {
	hostile_teardown
}

# every ACTION refuses TEXT
all_refuse() {
	local action

	for action in get store erase; do
		ask_git "$action" "$1"
		refused || return 1
	done
}

# get stays silent, store and erase refuse
no_place() {
	ask_git get "$1"
	silent
	ask_git store "$1username=u\npassword=p\n"
	refused
	ask_git erase "$1"
	refused
}

@test "hostile git: G1 a second host, protocol, path or user name that differs is refused" {
	all_refuse 'protocol=https\nhost=github.com\nhost=victim.example\n'
	all_refuse 'protocol=https\nhost=evil.example\nhost=github.com\n'
	all_refuse 'protocol=https\nprotocol=http\nhost=github.com\n'
	all_refuse "${H}username=alice\nusername=bob\n"
	all_refuse "${H}path=a\npath=b\n"
	all_refuse "${H}password=a\npassword=b\n"
}

@test "hostile git: G1 a repeat that says the same passes" {
	ask_git get "${H}host=github.com\n"
	answered 'username=alice\npassword=s3cret'
}

@test "hostile git: G2 a carriage return inside a value is refused" {
	all_refuse 'protocol=https\nhost=evil.example\rhost=github.com\n'
	all_refuse "${H}username=a\rb\n"
	all_refuse 'protocol=https\rhost=github.com\n'
}

@test "hostile git: G2 one carriage return before the line end is dropped, two are not" {
	ask_git get 'protocol=https\r\nhost=github.com\r\n\r\n'
	answered 'username=alice\npassword=s3cret'
	all_refuse 'protocol=https\r\r\nhost=github.com\n'
}

@test "hostile git: G3 a NUL anywhere is refused" {
	all_refuse 'protocol=https\nhost=github.com\0000.evil.example\n'
	all_refuse "${H}username=alice\0000\n"
	all_refuse "\0000$H"
	all_refuse "${H}x\0000=y\n"
}

line_of() { # a line of $1 bytes, its end included
	printf 'wwwauth[]=%s\n' "$(head -c $(($1 - 11)) /dev/zero | tr '\0' x)"
}

@test "hostile git: G4 a line of 65535 bytes passes" {
	{ printf 'protocol=https\nhost=github.com\n'; line_of 65535; } >in
	split "$VALETKEY" helper git-credential get <in
	answered 'username=alice\npassword=s3cret'
}

@test "hostile git: G4 a line of 65536 bytes is refused" {
	{ printf 'protocol=https\nhost=github.com\n'; line_of 65536; } >in
	split "$VALETKEY" helper git-credential get <in
	refused
}

@test "hostile git: G4 a line of many megabytes is refused, and not read to its end" {
	{ printf 'protocol=https\nhost=github.com\npath='; head -c 64M /dev/zero | tr '\0' x; echo; } >in
	exec 8<in
	split "$VALETKEY" helper git-credential get <&8
	refused
	[ "$(awk '/^pos:/ { print $2 }' /proc/$$/fdinfo/8)" -lt 2000000 ]
}

@test "hostile git: G5 a long header cannot spill a host into a line of its own" {
	local n

	for n in 1011 1012 1013 1014 4083 4084 4085 4086 8180 65400; do
		{ printf 'protocol=https\nhost=badguy.example\nwwwauth[]='
		  head -c "$n" /dev/zero | tr '\0' x; printf 'host=victim.example\n'; } >in
		split "$VALETKEY" helper git-credential get <in
		silent
	done
}

@test "hostile git: G6 a line without '=' is refused" {
	all_refuse "${H}gibberish\n"
	all_refuse "$H \n"
}

@test "hostile git: G6 an empty key is refused" {
	all_refuse "$H=x\n"
}

@test "hostile git: G6 a key with blanks is ignored" {
	ask_git get "${H}a key=x\n host=victim.example\n"
	answered 'username=alice\npassword=s3cret'
}

@test "hostile git: G7 a last line without its end is refused" {
	all_refuse 'protocol=https\nhost=github.com'
	all_refuse "${H}username=al"
}

@test "hostile git: G8 without a host or a protocol get answers nothing, store and erase refuse" {
	no_place ''
	no_place 'protocol=https\n'
	no_place 'host=github.com\n'
	no_place 'protocol=https\nhost=\n'
	no_place 'protocol=\nhost=github.com\n'
	no_place 'protocol=cert\nhost=\n'
	no_place 'protocol=https\nhost=\npath=x\n'
}

@test "hostile git: G8 a request that git cut off after the protocol erases nothing" {
	mkdir bin
	ln -s "$VALETKEY" bin/git-credential-valetkey
	printf 'url=https://evil%%0d.example/\n\n' |
	    PATH=$T/bin:$PATH git -c credential.protectProtocol=true -c credential.helper=valetkey credential reject || true
	[ "$(password_of 'protocol=https\nhost=client.example\n')" = p ]
}

@test "hostile git: G8 a client certificate has a file and no host" {
	WRITES=1
	ask_git store 'protocol=cert\nhost=\npath=/home/u/client.pem\nusername=\npassword=pass\n'
	silent
	ask_git get 'protocol=cert\nhost=\npath=/home/u/client.pem\n'
	answered 'username=\npassword=pass'
	ask_git get 'protocol=cert\nhost=\npath=/home/u/other.pem\n'
	silent
}

@test "hostile git: G9 another scheme is not answered" {
	local p

	for p in http ftp cert ssh smtp httpss; do
		ask_git get "protocol=$p\nhost=github.com\n"
		silent
	done
}

@test "hostile git: G9 the scheme's case does not matter" {
	ask_git get 'protocol=HTTPS\nhost=github.com\n'
	answered 'username=alice\npassword=s3cret'
}

@test "hostile git: G9 http is answered by an http entry only" {
	WRITES=1
	vk_add http://plain.example u p
	ask_git get 'protocol=https\nhost=plain.example\n'
	silent
	ask_git get 'protocol=http\nhost=plain.example\n'
	answered 'username=u\npassword=p'
}

@test "hostile git: G10 case and default port are the same host" {
	ask_git get 'protocol=https\nhost=GitHub.COM\n'
	answered 'username=alice\npassword=s3cret'
	ask_git get 'protocol=https\nhost=github.com:443\n'
	answered 'username=alice\npassword=s3cret'
	ask_git get 'protocol=https\nhost=github.com:80\n'
	silent
}

@test "hostile git: G11 another port is another host" {
	ask_git get 'protocol=https\nhost=github.com:8443\n'
	silent
	WRITES=1
	vk_add https://github.com:8443 p8443 x
	ask_git get 'protocol=https\nhost=github.com:8443\n'
	answered 'username=p8443\npassword=x'
	[ "$(password_of "$H")" = s3cret ]
}

@test "hostile git: G11 a malformed port is refused" {
	local p

	for p in '' 0 99999 8a -1 ' 443' 65536 4294967739; do
		all_refuse "protocol=https\nhost=github.com:$p\n"
	done
}

@test "hostile git: G12 names that look like a host are strangers" {
	local h

	for h in github.com.evil.tld evil-github.com xgithub.com ithub.com github.co com; do
		ask_git get "protocol=https\nhost=$h\n"
		silent
	done
}

@test "hostile git: G12 hosts with '@', '/', '?', '#', '%', blanks or control bytes are refused" {
	local h

	for h in github.com@evil.tld evil@github.com github.com%2eevil github.com/x 'github.com?x' 'github.com#x' \
	    github.com%00 'github.com ' ' github.com' 'github.com\t' 'github.com\0033[2J' 'git\\\\hub.com' '*.com' '*'; do
		all_refuse "protocol=https\nhost=$h\n"
	done
}

@test "hostile git: G13 a trailing dot is another host" {
	ask_git get 'protocol=https\nhost=github.com.\n'
	silent
}

@test "hostile git: G13 international names are compared as bytes" {
	ask_git get 'protocol=https\nhost=gith\0303\0274b.com\n'
	silent
	WRITES=1
	ask_git store 'protocol=https\nhost=b\0303\0274cher.example\nusername=u\npassword=p\n'
	silent
	ask_git get 'protocol=https\nhost=b\0303\0274cher.example\n'
	answered 'username=u\npassword=p'
	ask_git get 'protocol=https\nhost=xn--bcher-kva.example\n'
	silent
}

@test "hostile git: G14 IPv6 hosts keep their brackets, addresses are not converted" {
	WRITES=1
	vk_add 'https://[::1]' six s6
	vk_add 'https://127.0.0.1' four s4
	ask_git get 'protocol=https\nhost=[::1]\n'
	answered 'username=six\npassword=s6'
	for h in '[::1]:8443' '[0:0:0:0:0:0:0:1]' 0x7f.1 127.1 2130706433; do
		ask_git get "protocol=https\nhost=$h\n"
		silent
	done
	SUM=$(keystore_sum)
	for h in ::1 '[::1' '::1]' '[::1]x' '[]' '[::1]:' '[::1%25eth0]'; do
		all_refuse "protocol=https\nhost=$h\n"
	done
	unchanged "$SUM"
}

@test "hostile git: G15 paths that would need resolving are refused" {
	local p

	for p in a/../b a//b ./a a/. '%2e%2e/b' 'a%2Fb' 'a%5cb' 'a?x' 'a#x' '..' 'a\\\\b' 'a\0011b'; do
		all_refuse "${H}path=$p\n"
	done
}

@test "hostile git: G15 a path of 60 kB is refused" {
	all_refuse "${H}path=$(head -c 60000 /dev/zero | tr '\0' a)\n"
}

@test "hostile git: G15 a leading or trailing slash changes nothing" {
	WRITES=1
	vk_add https://paths.example/team t pt
	[ "$(password_of 'protocol=https\nhost=paths.example\npath=/team/x\n')" = pt ]
	[ "$(password_of 'protocol=https\nhost=paths.example\npath=team/\n')" = pt ]
}

@test "hostile git: G16 user names are opaque bytes" {
	local u

	WRITES=1
	for u in '../../etc/passwd' 'a/b' 'a%2fb' 'a@b' 'a b' 'a=b' '\0001\0033[31m' '\0377\0376' "'\"\$(id)\`"; do
		ask_git store "protocol=https\nhost=names.example\nusername=$u\npassword=p\n"
		silent
		ask_git get "protocol=https\nhost=names.example\nusername=$u\n"
		answered "username=$u\npassword=p"
	done
	# As they are nowhere but on a terminal.
	[ "$("$VALETKEY" list | LC_ALL=C grep -c $'\033')" -eq 0 ]
}

@test "hostile git: G16 a user name of 60 kB is refused" {
	all_refuse "${H}username=$(head -c 60000 /dev/zero | tr '\0' a)\n"
}

@test "hostile git: G16 a user name that begins like another is another" {
	ask_git get "${H}username=al\n"
	silent
	ask_git get "${H}username=alicex\n"
	silent
	ask_git get "${H}username=Alice\n"
	silent
}
