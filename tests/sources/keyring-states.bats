#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The desktop's keyring when it is locked, not there, silent, or wants to ask somebody.
# shellcheck disable=SC2154  # out, err and status come from split

bats_require_minimum_version 1.5.0
load ../cli/lib
load ../cli/helpers
load desktop

setup() {
	desktop_setup
}

teardown() {
	desktop_end
}

@test "a locked keyring is an error that says so, and nobody is asked by a dialogue" {
	keyring_start
	add https://git.example alice "$token"
	cp "$CONFIG" "$T/config"
	keyring_lock
	dbus-monitor --session >"$T/monitor" 2>&1 3>&- &
	monitor=$!
	await_line 'NameLost' "$T/monitor"
	split "$V" get https://git.example
	[[ $status -eq 3 && -z $out && $err == *"keyring is locked"* ]] || show_run
	ask_git get 'protocol=https\nhost=git.example\n\n'
	told_to_quit
	[[ $err == *"keyring is locked"* ]]
	# one that is not there: it cannot know
	refuses https://unknown.example locked
	refuses service=unknown locked
	add https://new.example bob x
	[[ $status -eq 3 && $err == *"keyring is locked"* ]] || show_run
	add https://git.example alice x --replace
	[ "$status" -eq 3 ] || show_run
	split "$V" remove https://git.example --from secret-service
	[ "$status" -eq 3 ] || show_run
	cmp "$CONFIG" "$T/config"
	split "$V" run --with git -- true
	[[ $status -eq 125 && $err == *"keyring is locked"* ]] || show_run
	kill $monitor
	grep -q member=SearchItems "$T/monitor"
	not grep -qE 'member=(Prompt|Unlock|CreateItem|CreateCollection)' "$T/monitor"
}

@test "no keyring, no bus: an error at once, and neither is started" {
	export VALETKEY_CONFIG=$T/config
	printf '[x]\nurl = https://git.example\nusername = alice\nsecret = secret-service:https://alice@git.example\n' >"$T/config"
	split "$V" get https://git.example
	[[ $status -eq 6 && -z $out && $err == *"no keyring runs"* ]] || show_run
	not owned org.freedesktop.secrets
	add https://new.example bob x
	[[ $status -eq 6 && $err == *"no keyring runs"* ]] || show_run
	# a host that no section names does not lead to a bus
	split strace -f -e trace=connect,execve -o "$T/trace" "$V" get https://other.example
	not grep -q -e secret-service -e dbus "$T/trace"
	for address in autolaunch: "unixexec:path=$T/started" "unix:path=$T/none;autolaunch:" '' unset; do
		export DBUS_SESSION_BUS_ADDRESS=$address
		[ "$address" != unset ] || unset DBUS_SESSION_BUS_ADDRESS
		split strace -f -e trace=execve,connect -o "$T/trace" "$V" get https://git.example
		[[ $status -eq 6 && -z $out && $err == *"cannot reach its store"* ]] || show_run
		[ "$(grep -c execve "$T/trace")" -eq 2 ]
		not grep -q connect "$T/trace"
	done
	# the socket where systemd has one
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/gone
	split "$V" get https://git.example
	[ "$status" -eq 6 ]
	unset DBUS_SESSION_BUS_ADDRESS
	kill "$bus"
	read -r bus < <(dbus-daemon --session --fork --nopidfile --address="unix:path=$XDG_RUNTIME_DIR/bus" --print-pid=1 2>/dev/null 3>&-)
	split "$V" get https://git.example
	[[ $status -eq 6 && $err == *"no keyring runs"* ]] || show_run
	DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus keyring_start
	[[ $(keyring_asks put-secret https://alice@git.example "$token") == ok* ]]
	[ "$("$V" get https://git.example)" = "$token" ]
}

@test "of a user who cannot write the config: it is said what to write" {
	[ "$(id -u)" -eq 0 ] || skip "only root can become another user"
	local user=(setpriv --reuid 65534 --regid 65534 --clear-groups) # a bus wants a user of passwd's

	desktop_end
	vk_runtime=$(mktemp -d /dev/shm/vk-desktop-XXXXXX)
	export XDG_RUNTIME_DIR=$vk_runtime HOME=$vk_runtime/home VALETKEY_CONFIG=$vk_runtime/etc/config.ini VALETKEY_LIBEXEC=$vk_runtime/libexec
	mkdir -m 755 "$HOME" "$vk_runtime/etc" "$VALETKEY_LIBEXEC"
	printf '# of the site\n' >"$VALETKEY_CONFIG"
	install -m 755 "$VALETKEY" "$(dirname "$VALETKEY")/valetkey-secret-service" "$VALETKEY_LIBEXEC"
	chown 65534:65534 "$HOME" "$vk_runtime"
	# shellcheck disable=SC2016  # the inner shell's
	split env T="$HOME" token="$token" "${user[@]}" bash -ec '. "$0"; bus_start; keyring_start; trap "keyring_stop; kill $bus" EXIT
		printf %s "$token" | "$VALETKEY_LIBEXEC/valetkey" add https://git.example --username alice --to secret-service
		items' "$BATS_TEST_DIRNAME/desktop.bash"
	[[ $status -eq 0 && $out == *"once you have written it there:"*"secret = secret-service:https://alice@git.example"*1$'\n' ]] || show_run
	[[ $err == *"was not changed: cannot create"* ]] || show_run
	[ "$(cat "$VALETKEY_CONFIG")" = "# of the site" ]
}

@test "a keyring that asks before it keeps something: for three seconds" {
	for row in 'yes|0|' 'no|4|the answer was no' '|3|nobody answered within 3 seconds'; do
		IFS='|' read -r answer code text <<<"$row"
		"$BATS_TEST_DIRNAME/prompting-keyring.py" ${answer:+"$answer"} >"$T/calls" 2>&1 3>&- &
		keyring=$!
		await_owner org.freedesktop.secrets
		refuses https://git.example not-found
		not grep -qx Prompt "$T/calls"
		begin=$(date +%s%N)
		add "https://git$code.example" alice "$token"
		took=$((($(date +%s%N) - begin) / 1000000))
		[[ $status -eq $code && $err == *"$text"* ]] || show_run
		[ "$took" -lt 4500 ]
		[ "$(grep -cx -e CreateItem -e Prompt "$T/calls")" -eq 2 ]
		[ -n "$answer" ] || grep -qx Dismiss "$T/calls"
		kill "$keyring"
		wait "$keyring" || true
	done
	[ "$(grep -c '^\[' "$CONFIG")" -eq 1 ]
}

@test "a keyring, or a bus, that hangs: three seconds" {
	keyring_start
	add https://git.example alice "$token"
	for process in "$keyring" "$bus"; do
		kill -STOP "$process"
		begin=$(date +%s%N)
		split "$V" get https://git.example
		took=$((($(date +%s%N) - begin) / 1000000))
		kill -CONT "$process"
		[[ $status -eq 6 && -z $out && $err == *"did not answer within 3 seconds"* ]] || show_run
		echo "took $took ms"
		[ "$took" -ge 2900 ]
		[ "$took" -lt 4500 ]
	done
	[ "$("$V" get https://git.example)" = "$token" ]
}

@test "a keyring without a collection, or with one that ends with the session, is not written to" {
	keyring_start --start
	refuses https://git.example unavailable
	add https://git.example alice "$token"
	[[ $status -eq 6 && $err == *"no default collection"* && ! -e $CONFIG ]] || show_run
	dbus-send --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets org.freedesktop.Secret.Service.SetAlias \
		string:default objpath:/org/freedesktop/secrets/collection/session >/dev/null
	add https://git.example alice "$token"
	[[ $status -eq 4 && $err == *"ends with the session"* && ! -e $CONFIG ]] || show_run
	[ -z "$(find "$HOME/.local" -name '*.keyring')" ]
}
