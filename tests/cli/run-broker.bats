#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Helpers inside a run are answered by its broker; outside of it, and after it, nobody is.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err, status and rung come from the helpers

bats_require_minimum_version 1.5.0
load lib
load run-lib

setup() {
	run_home
	ln -s valetkey "$T/bin/git-credential-valetkey"
	ln -s valetkey "$T/bin/docker-credential-valetkey"
	ln -s valetkey "$T/bin/vk"
	export PATH=$T/bin:$PATH
}

teardown() {
	run_end
}

# in_run COMMAND...: in a run with what is in $rung and $with
with=()
in_run() {
	split "${V[@]}" run "${rung[@]}" "${with[@]}" -- "$@"
	[ "$status" = 0 ] || printf "%s\n%s\n" "$out" "$err"
}

# For the scripts of commands: ask TEXT..., as git asks
ask='ask() { printf "$1\n\n" | git-credential-valetkey get; };'

# speak FIELD...: what the broker says to this: the answer's first byte, and the rest
speaker() {
	cat >"$T/bin/speak" <<-'END'
		#!/usr/bin/env python3
		import os, socket, sys
		nonce, place = os.environ["VALETKEY_BROKER"].split(":", 1)

		def connect():
		    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		    s.connect("\0" + place[1:] if place[0] == "@" else place)
		    return s

		# More than are let in at a time, who ask nothing.
		idle = [connect() for i in range(int(os.environ.get("IDLE", "0")))]
		s = connect()
		s.send(b"".join(a.replace("NONCE", nonce).encode() + b"\0" for a in sys.argv[1:]))
		got = s.recv(1 << 20)
		print(got[0], got[1:].replace(b"\0", b" ").decode("utf-8", "replace"))
	END
	chmod 755 "$T/bin/speak"
}

@test "git, docker and get are answered when the run serves them, and what they need is taken" {
	put pass-one https://git.example --username u --name one
	put token-two https://api.example --kind bearer --name two
	served() {
		in_run sh -ec "$ask"'
			ask "protocol=https\nhost=git.example" | grep -qx password=pass-one
			ask "capability[]=authtype\nprotocol=https\nhost=api.example" | grep -qx credential=token-two
			echo git.example | docker-credential-valetkey get | grep -q pass-one
			echo api.example | docker-credential-valetkey get && exit 1
			vk get https://git.example && exit 1
			vk run -- git credential fill <<-END
				protocol=https
				host=git.example

			END'
		[ "$status" = 0 ]
		[[ $out == *password=pass-one* && $err == *"this run serves no get (--with)"* ]]
		with=(--with get)
		in_run sh -ec "$ask"'
			test "$(vk get https://git.example)" = pass-one
			test "$(vk get https://git.example --json | tr -d " " | grep -c refresh)" = 0
			test -z "$(ask "protocol=https\nhost=git.example" 2>/dev/null)"
			echo git.example | docker-credential-valetkey get && exit 1
			exit 7'
		[ "$status" = 7 ]
		with=()
	}
	on_rungs served
}

@test "paths, user names and the longest match; nothing for another host, port or scheme" {
	put host-wide https://git.example --username u --name one
	put team https://git.example/team --username t --name two
	put second https://git.example/team --username t2 --name three
	matched() {
		in_run sh -ec "$checks $ask"'
			at="protocol=https\nhost=git.example"
			ask "$at" | grep -qx password=host-wide
			ask "$at\npath=team/x.git" | grep -qx password=team
			ask "$at\npath=team/x.git\nusername=t2" | grep -qx password=second
			ask "$at\npath=teams/x.git" | grep -qx password=host-wide
			ask "capability[]=state\ncapability[]=authtype\n$at" | grep -qx ephemeral=1
			for other in "protocol=http\nhost=git.example" "protocol=https\nhost=git.example:444" "protocol=https\nhost=xgit.example" "$at\nusername=x"; do
				test -z "$(ask "$other")"
			done'
		[ "$status" = 0 ]
	}
	on_rungs matched
}

@test "only this profile, whatever the helper is told" {
	put pass-a https://a.example --username u --name a
	put pass-b https://b.example --username u --name b
	printf '[profile one]\ncredentials = a\n[profile two]\ncredentials = b\n' >c.ini
	narrow() {
		with=(--config "$PWD/c.ini" --profile one)
		in_run sh -ec "$ask"'
			ask "protocol=https\nhost=a.example" | grep -qx password=pass-a
			test -z "$(ask "protocol=https\nhost=b.example")"
			printf "protocol=https\nhost=b.example\n\n" | git-credential-valetkey --config "$1" --profile two get | wc -c | grep -qx 0
			VALETKEY_PROFILE=two VALETKEY_CONFIG=$1 git-credential-valetkey get <<-END | wc -c | grep -qx 0
				protocol=https
				host=b.example

			END' sh "$PWD/c.ini"
		[ "$status" = 0 ]
		with=()
	}
	on_rungs narrow
}

@test "store and erase change nothing; docker is told that a login does not last" {
	put pass-one https://git.example --username u --name one
	unharmed() {
		local sum
		sum=$(sha256sum <"$VALETKEY_KEYSTORE")
		in_run sh -ec '
			printf "protocol=https\nhost=git.example\nusername=u\npassword=other\n\n" | git-credential-valetkey store
			printf "protocol=https\nhost=git.example\nusername=u\n\n" | git-credential-valetkey erase
			echo https://git.example | docker-credential-valetkey erase
			test "$(docker-credential-valetkey list)" = "{}"
			printf %s "{\"ServerURL\":\"https://git.example\",\"Username\":\"x\",\"Secret\":\"y\"}" | docker-credential-valetkey store'
		[ "$status" = 1 ]
		[[ $out == *"nothing is stored"* ]]
		[ "$sum" = "$(sha256sum <"$VALETKEY_KEYSTORE")" ]
	}
	on_rungs unharmed
}

@test "outside of the run, and after it, nobody is answered" {
	put pass-one https://git.example --username u --name one
	outside() {
		rm -f where said
		"${V[@]}" run "${rung[@]}" -- sh -c "$await"'echo "$VALETKEY_BROKER" >where.new; mv where.new where; await done' 2>said 3>&- &
		await where
		# With the nonce and the place, but from another process of the same user.
		unset VALETKEY_KEY_FILE
		# Ten times: the refusal comes before the question is sent, or after it.
		for _ in $(seq 10); do
			VALETKEY_BROKER=$(cat where) split git-credential-valetkey get <<<$'protocol=https\nhost=git.example\n'
			[ "$status" != 0 ]
			[[ -z $out || $out = $'quit=1\n' ]]
			[[ $1 != R2 || $err == *"no process of this run"* ]]
		done
		touch done
		wait $!
		rm done
		[[ $1 != R2 || $(cat said) == *"10 times somebody who is not of this run"* ]]
		VALETKEY_BROKER=$(cat where) split git-credential-valetkey get <<<$'protocol=https\nhost=git.example\n'
		[ "$status" = 6 ]
		[ "$out" = $'quit=1\n' ]
		[[ $err == *"has ended"* ]]
		export VALETKEY_KEY_FILE=$T/key
	}
	on_rungs outside
}

@test "what is malformed is refused, and does not keep others from being answered" {
	put pass-one https://git.example --username u --name one
	speaker
	spoken() {
		in_run bash -ec '
			good="2 NONCE get git https git.example"
			[[ $(speak $good "") == "0 "*pass-one* ]]
			[[ $(speak $good "" u) == "0 "*pass-one* ]]
			for bad in "2 NONCE get git https" "1 NONCE get git https git.example x" "2 0000 get git https git.example x" \
				"2 00000000000000000000000000000000 get git https git.example x" "2 NONCE get npm https git.example x" \
				"2 NONCE get git https git.example a/../b" "2 NONCE get git https git.example x u more" "2 NONCE get git https x@git.example x" \
				"2 NONCE store git https git.example x" "2 NONCE refused git https git.example a/../b"; do
				got=$(speak $bad)
				[[ $got != "0 "* && $got != *pass-one* ]]
			done
			[[ $(speak 2 NONCE get git https "$(printf %40000d 0)" x) == *"too long"* ]]
			[[ $(speak 2 NONCE refused git https git.example x) == "0 " ]]
			[[ $(IDLE=150 speak $good "") == "0 "*pass-one* ]]'
		[ "$status" = 0 ]
		[[ $err == *"2 times somebody who is not of this run"* ]]
	}
	on_rungs spoken
}

@test "a secret that is rotated during the run is answered as it is by then" {
	printf first >"$T/file"
	printf '[f]\nurl = https://file.example\nusername = u\nsecret = file:%s/file\n[k]\nurl = https://key.example\nsecret = keystore:entry\n' "$T" >c.ini
	rotated() {
		printf first >"$T/file"
		put first https://key.example --username u --name entry
		rm -f now
		with=(--config "$PWD/c.ini")
		"${V[@]}" run "${rung[@]}" "${with[@]}" -- sh -c "$ask $await"'
			ask "protocol=https\nhost=file.example"; ask "protocol=https\nhost=key.example"
			touch asked; await now
			ask "protocol=https\nhost=file.example"; ask "protocol=https\nhost=key.example"
			touch again; await gone
			ask "protocol=https\nhost=file.example"; ask "protocol=https\nhost=key.example"' >got 2>said 3>&- &
		await asked
		printf second >"$T/file"
		"${V[@]}" remove entry >/dev/null
		put second https://key.example --username u --name entry
		touch now
		await again
		rm "$T/file"
		"${V[@]}" remove entry >/dev/null
		touch gone
		wait $!
		grep password= got >words
		# Where it is gone, what there was at the start.
		[ "$(tr '\n' ' ' <words)" = 'password=first password=first password=second password=second password=first password=first ' ]
		rm -f asked now again gone
		with=()
	}
	on_rungs rotated
}

@test "an orphan is of the run, another user is not" {
	put pass-one https://git.example --username u --name one
	orphan() {
		in_run sh -ec "$ask $await"'
			setsid sh -c "( (sleep 0.3; printf \"protocol=https\nhost=git.example\n\n\" | git-credential-valetkey get >got.new 2>&1; mv got.new got) & )"
			await got'
		[ "$status" = 0 ]
		grep -qx password=pass-one got
		rm got
		[ "$(id -u)" = 0 ] || return 0
		in_run sh -c 'printf "protocol=https\nhost=git.example\n\n" | setpriv --reuid 12321 --regid 12321 --clear-groups "$(command -v git-credential-valetkey)" get'
		[[ $out$err != *pass-one* ]]
	}
	on_rungs orphan
}

@test "who asks for everything waits, and is answered" {
	put pass-one https://git.example --username u --name one
	many() {
		local begin=$SECONDS

		in_run sh -c "$ask"'
			for j in 1 2 3 4; do
				( for i in $(seq 100); do ask "protocol=https\nhost=git.example"; done | grep -c pass-one >n.$j ) & pids="$pids $!"
			done
			wait $pids; cat n.*'
		[ "$out" = $'100\n100\n100\n100\n' ]
		# 144 more than there are at once, at 32 in a second; a busy machine only takes longer.
		[ $((SECONDS - begin)) -ge 4 ]
	}
	on_rungs many
}

@test "the process that answers is closed to its own user, and the command outlives it" {
	put pass-one https://git.example --username u --name one
	rung=(--max-rung R2)
	as_user() {
		run_end
		run_home "$run_uid"
		ln -s valetkey "$T/bin/git-credential-valetkey"
		put pass-one https://git.example --username u --name one
	}
	if [ "$(id -u)" = 0 ]; then as_user; fi
	in_run sh -ec "$ask"'
		pid=$(pgrep -x valetkey-broker -P "$PPID" 2>/dev/null || pgrep valetkey-broke -P "$PPID")
		for secret in mem environ fd maps; do
			if cat "/proc/$pid/$secret" 2>/dev/null | grep -q .; then echo "readable: $secret"; exit 1; fi
			if ls "/proc/$pid/fd/" 2>/dev/null | grep -q .; then echo "readable: fd"; exit 1; fi
		done
		kill -9 $pid
		sleep 0.2
		ask "protocol=https\nhost=git.example" && exit 1
		exit 9'
	[ "$status" = 9 ]
	[[ $err == *"has ended"* && $err == *"died before the command ended"* ]]
}

@test "who has a key of his own inside a run is not the broker's" {
	put pass-one https://git.example --username u --name one
	own() {
		in_run sh -ec "$ask"'
			export VALETKEY_KEYSTORE=$PWD/inner VALETKEY_KEY_FILE=$PWD/inner-key
			vk init --key-file "$VALETKEY_KEY_FILE" >/dev/null
			printf inner | vk add https://git.example --username i --name inner >/dev/null 2>&1
			test "$(vk get https://git.example)" = inner
			vk run --max-rung R2 -- sh -c "unset VALETKEY_KEYSTORE; printf \"protocol=https\nhost=git.example\n\n\" | git credential fill" | grep -qx password=inner
			unset VALETKEY_KEYSTORE VALETKEY_KEY_FILE
			ask "protocol=https\nhost=git.example" | grep -qx password=pass-one'
		[ "$status" = 0 ] || { echo "$out$err"; false; }
		rm -f inner inner-key
	}
	on_rungs own
}

@test "a broker that is stopped does not keep the run from ending" {
	put pass-one https://git.example --username u --name one
	rung=(--rung R2)
	[ "$(id -u)" != 0 ] || rung+=(--gate own)
	V=(timeout -s KILL 40 "${V[@]}")
	in_run sh -c 'kill -STOP $(pgrep -P "$PPID" valetkey-broke) $(pgrep -P "$PPID" valetkey-gate); exit 5'
	[ "$status" = 5 ]
	[ -z "$(pgrep -f "^$T/bin/valetkey")" ]
}

@test "a broker that is stopped ends with a run that is killed" {
	put pass-one https://git.example --username u --name one
	rung=(--rung R2)
	[ "$(id -u)" != 0 ] || rung+=(--gate own)
	in_run sh -c 'kill -STOP $(pgrep -P "$PPID" valetkey-broke) $(pgrep -P "$PPID" valetkey-gate); kill -KILL $PPID'
	[ "$status" = 137 ]
	for _ in {1..50}; do
		pgrep -f "^$T/bin/valetkey" >/dev/null || return 0
		sleep 0.1
	done
	pgrep -af "^$T/bin/valetkey"
	false
}

@test "strangers use up neither places nor patience" {
	[ "$(id -u)" = 0 ] || skip "needs root to become another user"
	put pass-one https://git.example --username u --name one
	speaker
	cp "$T/bin/speak" "$T/speak"
	chmod 755 "$T/speak"
	rung=(--rung R2)
	in_run sh -ec "$ask"'
		(IDLE=600 setpriv --reuid 12321 --regid 12321 --clear-groups python3 "$1/speak" 1 NONCE git https git.example "" 2>/dev/null; echo >flooded) &
		sleep 0.5
		for i in 1 2 3 4 5; do ask "protocol=https\nhost=git.example" | grep -qx password=pass-one; done
		wait' sh "$T"
	[ "$status" = 0 ]
	[[ $err == *"times somebody who is not of this run"* ]]
}

@test "where /proc hides processes, or shows others, the run's own helpers are known" {
	[ "$(id -u)" = 0 ] || skip "needs root to mount"
	run_end
	run_home "$run_uid"
	ln -s valetkey "$T/bin/git-credential-valetkey"
	put pass-one https://git.example --username u --name one
	# Linux 6.13 tells parents without it.
	python3 -c 'import os, sys; v = os.uname().release.split("."); sys.exit((int(v[0]), int(v[1])) < (6, 13))' || skip "needs Linux 6.13"
	unshare -m --propagation private sh -ec 'mount -t proc -o hidepid=2 proc /proc; exec "$@"' sh "${V[@]}" run --rung R2 -- \
		sh -c 'printf "protocol=https\nhost=git.example\n\n" | git-credential-valetkey get' >got
	grep -qx password=pass-one got
	unshare -m --propagation private -pf "${V[@]}" run --rung R3 --with git -- \
		sh -c 'printf "protocol=https\nhost=git.example\n\n" | git-credential-valetkey get' >got
	grep -qx password=pass-one got
}
