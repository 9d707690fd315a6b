#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load lib
load helpers

setup() {
	vk_keystore
}

H='protocol=https\nhost=git.example\n'

@test "git: capability lists what is understood" {
	ask_git capability ''
	answered 'version 0\ncapability authtype\ncapability state'
}

@test "git: an entry that a person added is served" {
	vk_add https://git.example alice s3cret
	ask_git get "$H"
	answered 'username=alice\npassword=s3cret'
}

@test "git: a stranger's host gets a silent nothing" {
	vk_add https://git.example alice s3cret
	ask_git get 'protocol=https\nhost=other.example\n'
	silent
}

@test "git: store, get, erase" {
	ask_git store "${H}username=u\npassword=p=1 2\n"
	silent
	ask_git get "$H"
	answered 'username=u\npassword=p=1 2'
	ask_git erase "${H}username=u\npassword=p=1 2\n"
	silent
	ask_git get "$H"
	silent
}

@test "git: the installed name answers as the subcommand does" {
	mkdir bin
	ln -s "$VALETKEY" bin/git-credential-valetkey
	vk_add https://git.example alice s3cret
	[ "$(printf 'protocol=https\nhost=git.example\n\n' | bin/git-credential-valetkey get)" = $'username=alice\npassword=s3cret' ]
}

@test "git itself is answered, stores and erases" {
	mkdir bin
	ln -s "$VALETKEY" bin/git-credential-valetkey
	export PATH=$T/bin:$PATH GIT_TERMINAL_PROMPT=0
	git config --global credential.helper valetkey
	printf 'url=https://bob:hunter2@git.example\n' | git credential approve
	run git credential fill <<<'url=https://bob@git.example'
	[ "$status" -eq 0 ]
	[[ $output == *$'\n'"password=hunter2"* ]]
	printf 'url=https://bob:hunter2@git.example\n' | git credential reject
	run git credential fill <<<'url=https://bob@git.example'
	[ "$status" -ne 0 ]
}

@test "git: several accounts, chosen by user name, the first when none is named" {
	ask_git store "${H}username=one\npassword=p1\n"
	ask_git store "${H}username=two\npassword=p2\n"
	[ "$(password_of "${H}username=two\n")" = p2 ]
	[ "$(password_of "${H}username=one\n")" = p1 ]
	[ "$(password_of "$H")" = p1 ]
	ask_git get "${H}username=tw\n"
	silent
	ask_git get "${H}username=\n"
	silent
}

@test "git: paths match up to a slash, the longest wins, and no path asked finds no path" {
	vk_add https://git.example/team a pa
	vk_add https://git.example/team/x b pb
	[ "$(password_of "${H}path=team/y.git\n")" = pa ]
	[ "$(password_of "${H}path=team/x.git\n")" = pb ]
	[ "$(password_of "${H}path=team/x/info/refs\n")" = pb ]
	ask_git get "${H}path=teamster/y.git\n"
	silent
	ask_git get "$H"
	silent
	vk_add https://git.example c pc
	[ "$(password_of "$H")" = pc ]
	[ "$(password_of "${H}path=teamster/y.git\n")" = pc ]
}

@test "git: a bearer credential only for those who announce authtype" {
	ask_git store "capability[]=authtype\n${H}authtype=Bearer\ncredential=tok\n"
	silent
	ask_git get "$H"
	silent
	ask_git get "capability[]=authtype\n$H"
	answered 'capability[]=authtype\nauthtype=Bearer\ncredential=tok'
	ask_git erase "${H}authtype=Bearer\ncredential=other\n"
	ask_git get "capability[]=authtype\n$H"
	answered 'capability[]=authtype\nauthtype=Bearer\ncredential=tok'
	ask_git erase "${H}authtype=Bearer\ncredential=tok\n"
	ask_git get "capability[]=authtype\n$H"
	silent
}

@test "git: expiry and refresh token come back" {
	ask_git store "${H}username=u\npassword=p\npassword_expiry_utc=9999999999\noauth_refresh_token=r\n"
	ask_git get "$H"
	answered 'username=u\npassword=p\npassword_expiry_utc=9999999999\noauth_refresh_token=r'
}

@test "git: what has expired since is not served, and is replaced" {
	ask_git store "${H}username=u\npassword=p\npassword_expiry_utc=$(($(date +%s) + 2))\n"
	[ "$(password_of "$H")" = p ]
	sleep 3
	ask_git get "$H"
	silent
	ask_git store "${H}username=u\npassword=q\n"
	ask_git get "$H"
	answered 'username=u\npassword=q'
}

@test "git: state tells our own answer from another, without opening the keystore" {
	local state sum

	ask_git store "${H}username=u\npassword=p\n"
	ask_git get "capability[]=state\n$H"
	state=$(sed -n '/^state\[\]=/p' <<<"$out")
	[[ $state == 'state[]=valetkey:'* ]]
	[[ $out == 'capability[]=state'$'\n'* ]]
	sum=$(keystore_sum)
	without_key ask_git store "capability[]=state\n${H}username=u\npassword=p\nstate[]=foreign:1\n$state\n"
	silent
	unchanged "$sum"
	# The same state beside a password that we did not serve says nothing.
	ask_git store "capability[]=state\n${H}username=u\npassword=typed\n$state\n"
	silent
	[ "$(password_of "$H")" = typed ]
	# Nor does it at another host.
	ask_git store "capability[]=state\nprotocol=https\nhost=other.example\nusername=u\npassword=p\n$state\n"
	[ "$(password_of 'protocol=https\nhost=other.example\n')" = p ]
}

@test "git: an older git's store of what was served writes nothing either" {
	local sum

	vk_add https://git.example/team alice s3cret
	sum=$(keystore_sum)
	ask_git store "${H}path=team/x.git\nusername=alice\npassword=s3cret\n"
	silent
	unchanged "$sum"
	ask_git store "${H}username=u\npassword=p\npassword_expiry_utc=9999999999\n"
	sum=$(keystore_sum)
	ask_git store "${H}username=u\npassword=p\n"
	unchanged "$sum"
	ask_git get "$H"
	answered 'username=u\npassword=p\npassword_expiry_utc=9999999999'
}

@test "git: erasing a host forgets all its users and paths, a path only what is below it" {
	local n

	for n in '' 'path=a\n' 'path=a/b\n' 'path=c\n'; do
		ask_git store "${H}${n}username=u\npassword=u-${n:5:1}${n:7:1}\n"
		ask_git store "${H}${n}username=v\npassword=v-${n:5:1}${n:7:1}\n"
	done
	[ "$("$VALETKEY" list --json | jq length)" -eq 8 ]
	ask_git erase "${H}path=a\n"
	silent
	[ "$("$VALETKEY" list --json | jq length)" -eq 4 ]
	[ "$(password_of "$H")" = u- ]
	ask_git erase "$H"
	silent
	[ "$("$VALETKEY" list --json | jq length)" -eq 0 ]
}

@test "git: erase reaches no other host, port or scheme" {
	ask_git store 'protocol=https\nhost=git.example:8443\nusername=u\npassword=p\n'
	ask_git store 'protocol=http\nhost=git.example\nusername=u\npassword=p\n'
	ask_git store 'protocol=https\nhost=x.git.example\nusername=u\npassword=p\n'
	ask_git erase "$H"
	silent
	[ "$("$VALETKEY" list --json | jq length)" -eq 3 ]
}

@test "git: a refused secret is forgotten where it was served from" {
	ask_git store "${H}username=u\npassword=p\n"
	ask_git erase "${H}path=some/repo.git\nusername=u\npassword=p\n"
	ask_git get "$H"
	silent
}

@test "git: a person's entry is neither overwritten nor erased, and the refusal is remembered" {
	local sum

	vk_add https://git.example alice s3cret
	sum=$(keystore_sum)
	ask_git store "${H}username=alice\npassword=other\n"
	silent
	unchanged "$sum"
	ask_git erase "${H}username=alice\npassword=wrong\n"
	silent
	unchanged "$sum"
	[ "$("$VALETKEY" list --json | jq -r '.[0].refused')" = null ]
	ask_git erase "${H}username=alice\npassword=s3cret\n"
	silent
	[ "$("$VALETKEY" list --json | jq -r '.[0].refused')" != null ]
	[ "$(password_of "$H")" = s3cret ]
}

@test "git: docker's entry is not git's to change" {
	local sum

	ask_docker store '{"ServerURL":"git.example","Username":"d","Secret":"s"}'
	sum=$(keystore_sum)
	ask_git store "${H}username=d\npassword=other\n"
	silent
	ask_git erase "$H"
	silent
	unchanged "$sum"
}

@test "git: a locked keystore stops git, says so once and has its own exit code" {
	local sum action

	ask_git store "${H}username=u\npassword=p\n"
	sum=$(keystore_sum)
	without_key ask_git get "$H"
	told_to_quit
	[[ $err == *"valetkey unlock"* ]]
	for action in store erase; do
		without_key ask_git "$action" "${H}username=u\npassword=q\n"
		refused 3
	done
	unchanged "$sum"
	# git believes it: it neither asks another helper nor prompts.
	mkdir bin
	ln -s "$VALETKEY" bin/git-credential-valetkey
	PATH=$T/bin:$PATH VALETKEY_KEY_FILE='' run git -c credential.helper=valetkey \
	    -c credential.helper='!echo password=fallback; :' credential fill <<<'url=https://u@git.example'
	[ "$status" -ne 0 ]
	[[ $output != *fallback* ]]
}

@test "git: a key that is not this keystore's locks it too" {
	head -c 32 /dev/zero | base64 >other
	chmod 600 other
	VALETKEY_KEY_FILE=$T/other ask_git get "$H"
	told_to_quit
}

@test "git: a config can make a locked keystore a miss" {
	printf '[valetkey]\nwhen-locked = miss\n' >config.ini
	without_key ask_git get "$H" --config "$T/config.ini"
	silent
}

@test "git: without a keystore get and erase are silent, and store says what to do" {
	rm "$VALETKEY_KEYSTORE"
	ask_git get "$H"
	silent
	ask_git erase "$H"
	silent
	ask_git store "${H}username=u\npassword=p\n"
	refused
	[[ $err == *"valetkey init"* ]]
	[ ! -e "$VALETKEY_KEYSTORE" ]
}

@test "git: what a variable gave is served as ephemeral, and not kept" {
	local sum

	printf '[ci]\nurl = https://git.example\nusername = bot\nsecret = env:TOKEN\n' >config.ini
	sum=$(keystore_sum)
	TOKEN=t0k ask_git get "capability[]=authtype\n$H" --config "$T/config.ini"
	answered 'capability[]=authtype\nusername=bot\npassword=t0k\nephemeral=1'
	TOKEN=t0k ask_git get "$H" "--config=$T/config.ini"
	answered 'username=bot\npassword=t0k'
	TOKEN=t0k ask_git store "${H}username=bot\npassword=t0k\n" --config "$T/config.ini"
	silent
	unchanged "$sum"
}

@test "git: a profile bounds what is answered" {
	printf '%s\n' '[a]' 'url = https://git.example' 'username = a' 'secret = env:A' \
	    '[b]' 'url = https://b.example' 'username = b' 'secret = env:B' '[profile one]' 'credentials = b' >config.ini
	A=1 B=2 ask_git get "$H" --config "$T/config.ini" --profile one
	silent
	A=1 B=2 ask_git get 'protocol=https\nhost=b.example\n' --config "$T/config.ini" --profile one
	answered 'username=b\npassword=2'
}

@test "git: a reply ends at the blank line, so a caller may keep its pipe open" {
	vk_add https://git.example alice s3cret
	mkfifo pipe
	timeout 10 "$VALETKEY" helper git-credential get <pipe >reply &
	exec 9>pipe
	printf 'protocol=https\nhost=git.example\n\n' >&9
	wait $!
	exec 9>&-
	grep -qx 'password=s3cret' reply
}

@test "git: wrong calls say how to call it" {
	split "$VALETKEY" helper git-credential
	refused 2
	split "$VALETKEY" helper git-credential get get
	refused 2
	split "$VALETKEY" helper git-credential --nonsense get
	refused 2
	split "$VALETKEY" helper git-credential --config
	refused 2
	split "$VALETKEY" helper git-credential --help
	[ "$status" -eq 0 ]
	[[ $out == usage:* ]]
}
