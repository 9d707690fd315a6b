#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Registering valetkey as credential_process of AWS profiles; tests/clients/more.bats has the real library read the result.

bats_require_minimum_version 1.5.0
load lib
load setup-lib

setup() {
	vk_keystore
	vk_add aws://default AKIADEFAULT k1
	vk_add aws://production AKIAPROD k2
	mkdir -p "$T/bin"
	cp "$VALETKEY" "$T/bin/valetkey"
	V=$T/bin/valetkey
	A=$HOME/.aws/config
	mkdir "$HOME/.aws"
	unset AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_ACCESS_KEY_ID
}

# process PROFILE: what Python's parser, which the AWS tools use, has as its credential_process
process() {
	python3 - "$A" "$1" <<-'P'
		import configparser, sys
		c = configparser.RawConfigParser()
		c.read(sys.argv[1])
		names = ["default", "profile default"] if sys.argv[2] == "default" else ["profile " + sys.argv[2]]
		print([c[n]["credential_process"] for n in names if n in c])
	P
}

wanted() { echo "['$V helper aws-credential aws://$1']"; }

# holds: each of the two profiles has the line
holds() {
	[ "$(process default)" = "$(wanted default)" ]
	[ "$(process production)" = "$(wanted production)" ]
}

@test "setup aws: a section for each entry, in a file that was not there" {
	vk_add aws://production/path AKIAPATH k3
	vk_add https://git.example u s3cret
	run -0 "$V" setup aws
	[[ $output == "aws: valetkey is set up in $A for 2 hosts"*aws://default*aws://production ]]
	holds
	[ "$(grep -c '^\[' "$A")" = 2 ]
	[ "$(stat -c %a "$A")" = 600 ]
	before=$(stat -c '%i %Y' "$A"; cat "$A")
	run -0 "$V" setup aws
	[[ $output == *'already set up'* ]]
	[ "$before" = "$(stat -c '%i %Y' "$A"; cat "$A")" ]
	"$V" setup aws --undo
	[ ! -e "$A" ]
	[ -z "$(state)" ]
}

@test "setup aws --undo: byte for byte, whatever the sections look like" {
	for text in '[default]' '[default]\nregion = x' '[profile production]\n' \
	    '[default]\n  region = x\n  output = json\n\n# about production\n[profile "production"]\ns3 =\n  x = y\n\n  z = 1\n\n\n[profile other]\naws_access_key_id = A\n' \
	    '[profile production]\r\nregion = x\r\n[profile default]\r\noutput = text' '# only a comment' '\n\n'; do
		printf %b "$text" >"$A"
		chmod 640 "$A"
		cp "$A" before
		"$V" setup aws
		[ "$(grep -c credential_process "$A")" = 2 ]
		[ "$(python3 -c 'import configparser, sys; c = configparser.RawConfigParser(); c.read(sys.argv[1]); print(sum("credential_process" in c[s] for s in c))' "$A")" = 2 ]
		"$V" setup aws
		"$V" setup aws --undo
		undone "$A" before
		[ "$(stat -c %a "$A")" = 640 ]
	done
	printf '[profile production]\n  s3 =\n    x = y\n[default]\n' >"$A"
	"$V" setup aws
	holds
}

@test "setup aws: a profile that has credentials already is not touched, and named" {
	for line in 'credential_process = x' 'AWS_ACCESS_KEY_ID=A' 'aws_secret_access_key: k' 'sso_session = s' 'role_arn = r'; do
		printf '[default]\nregion = x\n[profile Production]\nregion = y\n%s\n' "$line" >"$A"
		cp "$A" before
		run "$V" setup aws
		[ "$status" -eq 2 ]
		line=${line,,}
		[[ $output == *"the section of the profile production has ${line%%[ :=]*} already"* ]]
		undone "$A" before
	done
	printf '[default]\n[profile production]\n[profile PRODUCTION]\n' >"$A"
	run "$V" setup aws
	[ "$status" -eq 2 ]
	[[ $output == *'more than one section for the profile production'* ]]
}

@test "setup aws --undo: what was written into our sections and behind them stays in its section" {
	printf '[profile other]\nregion = o\n' >"$A"
	"$V" setup aws
	# as "aws configure set" does, and as an editor would
	sed -i '/aws:..default/a region = d' "$A"
	printf 'region = p\n' >>"$A"
	run -0 "$V" setup aws --undo
	[[ $output == *'what others changed'* ]]
	[ "$(cat "$A")" = $'[profile other]\nregion = o\n[default]\nregion = d\n[profile production]\nregion = p' ]
	printf '[profile other]\nregion = o' >"$A"
	"$V" setup aws
	printf '\n# mine\nregion = p\n' >>"$A"
	"$V" setup aws --undo
	[ "$(cat "$A")" = $'[profile other]\nregion = o\n\n# mine\n[profile production]\nregion = p' ]
	printf '[profile production]\nregion = p\n[default]' >"$A"
	"$V" setup aws
	printf 'region = d\n' >>"$A"
	"$V" setup aws --undo
	[ "$(cat "$A")" = $'[profile production]\nregion = p\n[default]\nregion = d' ]
	# once more, with sections that are there by now; and with one mark gone
	cp "$A" before
	"$V" setup aws
	holds
	"$V" setup aws --undo
	cmp "$A" before
	"$V" setup aws
	sed -i '/begin valetkey/d' "$A"
	"$V" setup aws
	holds
	"$V" setup aws --undo
	cmp "$A" before
}

@test "setup aws: an equal line that a person wrote into another profile's section is not ours" {
	"$V" setup aws
	printf '[profile Prod]\nregion = eu-1\ncredential_process = %s helper aws-credential aws://production\n' "$V" >theirs
	"$V" setup aws --undo
	# What makes our block another one: a line in it, as of "aws configure set"; a mark, or both, gone.
	for change in '0,/aws:..production/ s/aws:..production/&\nregion = us-1/' '/begin valetkey/d' '/end valetkey/d' '/valetkey: /d; /end valetkey/d'; do
		for text in '[profile production]\n' ''; do
			printf %b "$text" >"$A"
			"$V" setup aws
			cat theirs >>"$A"
			sed -i "$change" "$A"
			"$V" setup aws
			[ "$(grep -c 'aws://production' "$A")" = 2 ]
			holds
			[ "$(process Prod)" = "$(wanted production)" ]
			sed -i "$change" "$A"
			run -0 "$V" setup aws --undo
			[[ $output == *'without valetkey'* ]]
			[ "$(grep -v '^region = us-1$\|^\[default\]$\|^\[profile production\]$' "$A")" = "$(cat theirs)" ]
		done
	done
	rm "$A"
	# In the section that it was put into it is ours, however that is written by then.
	"$V" setup aws
	sed -i '/valetkey: /d; /end valetkey/d; s/^\[profile production\]/[profile "Production"]\nregion = x/' "$A"
	"$V" setup aws --undo
	[ "$(cat "$A")" = $'[profile "Production"]\nregion = x' ]
}

@test "setup aws: twenty at once, and twenty entries more" {
	for i in $(seq 20); do
		"$V" setup aws >"said.$i" 2>&1 || touch failed &
	done
	wait
	[ ! -e failed ]
	holds
	for i in $(seq 20); do
		printf k | "$V" add "aws://more$i" --username AKIA >"said.$i" 2>&1 &
	done
	wait
	[ "$(cat said.* | grep -c 'was not extended')" = 0 ]
	for i in $(seq 20); do
		[ "$(process "more$i")" = "$(wanted "more$i")" ]
	done
	"$V" setup aws --undo
	[ ! -e "$A" ]
}

@test "setup aws: an entry without a user name is left out, with a warning" {
	printf k | "$V" add aws://bearer 2>said >out
	grep -q "cannot be told this entry: add it with --username" said
	run ! grep -q 'setup aws' out
	printf '[profile x]\n[here]\nurl = aws://here\nsecret = env:K\n[named]\nurl = aws://named\nusername = AKIA\nsecret = env:K\n[there]\nurl = aws://production\nsecret = keystore:aws-production\n' |
		sed 1d >config.ini
	chmod 600 config.ini
	run -0 --separate-stderr env VALETKEY_CONFIG="$PWD/config.ini" "$V" setup aws
	[[ $output == *'for 3 hosts'* ]]
	[[ $stderr == *'aws://bearer is left out: it has no user name'*'aws://here is left out'* || $stderr == *'aws://here is left out'*'aws://bearer is left out'* ]]
	run ! grep -q bearer "$A"
	holds
	printf k | "$V" add aws://later 2>said
	run ! grep -q later "$A"
	run ! grep -q 'was not extended' said
}

@test "setup aws: a header that is indented is refused" {
	for text in '[default]\nregion = x\n  [profile b]\nregion = y\n' '  [default]\nregion = x\n' '[default]\n\t[profile production]\n'; do
		printf %b "$text" >"$A"
		cp "$A" before
		run -2 "$V" setup aws
		[[ $output == *"$A: a section's header is indented"* ]]
		undone "$A" before
	done
}

@test "setup aws: --print, --host, add, and another file" {
	run -0 "$V" setup aws --print
	[[ $output == *'[profile production]'*'aws://production'* ]]
	[ ! -e "$A" ]
	"$V" setup aws --host aws://staging
	# With the keystore locked what is there from it stays.
	run -0 env -u VALETKEY_KEY_FILE "$V" setup aws --host aws://locked
	[[ $output == *'keystore is locked'*'for 4 hosts'* ]]
	holds
	[ "$(process locked)" = "$(wanted locked)" ]
	"$V" setup aws
	[ "$(process staging)" = "$(wanted staging)" ]
	run ! "$V" setup aws --host staging
	[[ $(printf 'k4' | "$V" add aws://more --username AKIAMORE) == *'next: valetkey setup aws' ]]
	[ "$(process more)" = "$(wanted more)" ]
	holds
	printf '[profile x]\n' >other
	AWS_CONFIG_FILE=$PWD/other "$V" setup aws
	[ ! -e "$A" ]
	grep -q aws://staging other
	run "$V" setup aws --undo
	[ "$(cat other)" = '[profile x]' ]
	AWS_CONFIG_FILE=other run "$V" setup aws
	[ "$status" -eq 2 ]
	VALETKEY_KEYSTORE=$T/none run "$V" setup aws
	[ "$status" -eq 2 ]
	[[ $output == *'valetkey add aws://PROFILE'* ]]
}

@test "setup aws: the path is quoted, and refused where no quotes would do" {
	mkdir "$T/a b" "$T/a;b"
	cp "$VALETKEY" "$T/a b/valetkey"
	cp "$VALETKEY" "$T/a;b/valetkey"
	"$T/a b/valetkey" setup aws
	[ "$(process default)" = "['\"$T/a b/valetkey\" helper aws-credential aws://default']" ]
	"$T/a b/valetkey" setup aws --undo
	run "$T/a;b/valetkey" setup aws
	[ "$status" -eq 4 ]
	[[ $output == *'means more'* ]]
	vk_add 'aws://a$b' AKIA k
	run "$V" setup aws
	[ "$status" -eq 4 ]
	[[ $output == *'aws://a$b is not the name of a profile'* ]]
}

@test "setup aws: warns of what the AWS tools would heed instead" {
	printf '[production]\naws_access_key_id = A\naws_secret_access_key = s3cret-key\n' >"$HOME/.aws/credentials"
	run -0 --separate-stderr env AWS_ACCESS_KEY_ID=x "$V" setup aws
	# shellcheck disable=SC2154 # from run
	[[ $stderr == *AWS_ACCESS_KEY_ID*'.aws/credentials has aws_access_key_id for the profile production'* ]]
	[[ $stderr != *s3cret-key* && $stderr != *'profile default'* ]]
	run -0 --separate-stderr env AWS_SHARED_CREDENTIALS_FILE="$T/none" "$V" setup aws
	[ -z "$stderr" ]
}
