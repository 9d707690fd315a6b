# SPDX-License-Identifier: ISC
# A desktop's session without a desktop: a bus and gnome-keyring, both of the test's own.
# shellcheck disable=SC2154  # T is the home of the test

# A bus on a socket of ours; what it could start by itself is not there, but for the keyring.
bus_start() {
	local lines

	# shellcheck disable=SC2207
	lines=($(dbus-daemon --session --fork --nopidfile --print-address=1 --print-pid=1 2>"$T/bus.log" 3>&-))
	export DBUS_SESSION_BUS_ADDRESS=${lines[0]}
	bus=${lines[1]}
}

# not COMMAND...: an assertion, where "!" is none
not() {
	! "$@"
}

# owned NAME: has somebody on the bus that name?
owned() {
	dbus-send --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner "string:$1" 2>/dev/null | grep -q true
}

await_owner() {
	local i

	for i in $(seq 200); do
		! owned "$1" || return 0
		sleep 0.05
	done
	echo "nobody took the name $1" >&2
	return 1
}

# keyring_start [OPTION...]: unlocked with a new collection unless options say otherwise
keyring_start() {
	printf pw >"$T/pw"
	gnome-keyring-daemon --foreground --components=secrets "${@:---unlock}" <"$T/pw" >"$T/keyring.log" 2>&1 3>&- &
	keyring=$!
	await_owner org.freedesktop.secrets
}

keyring_lock() {
	dbus-send --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets org.freedesktop.Secret.Service.Lock \
		array:objpath:/org/freedesktop/secrets/collection/login >/dev/null
}

keyring_stop() {
	[ -z "${keyring-}" ] || { kill -CONT "$keyring" && kill "$keyring" && wait "$keyring"; } 2>/dev/null || true
	keyring=
}

# An empty home with a bus, and the programs under test.
desktop_setup() {
	vk_home
	vk_runtime=$(mktemp -d /dev/shm/vk-desktop-XXXXXX)
	export XDG_RUNTIME_DIR=$vk_runtime V=$VALETKEY VALETKEY_LIBEXEC=$T/libexec CONFIG=$HOME/.config/valetkey/config.ini
	unset DBUS_SESSION_BUS_ADDRESS
	# A copy: others may be able to write the tree that the tests lie in.
	mkdir -m 755 "$VALETKEY_LIBEXEC"
	install -m 755 "$(dirname "$VALETKEY")/valetkey-secret-service" "$VALETKEY_LIBEXEC"
	token=$(head -c 15 /dev/urandom | base64 -w0 | tr +/ ab)
	bus_start
}

desktop_end() {
	keyring_stop
	[ -z "${bus-}" ] || { kill -CONT "$bus" && kill "$bus"; } 2>/dev/null || true
	rm -rf "$vk_runtime"
}

# items: how many the keyring has
items() {
	dbus-send --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets/collection/login \
		org.freedesktop.DBus.Properties.Get string:org.freedesktop.Secret.Collection string:Items | grep -c 'object path'
}

# keep LABEL SECRET NAME VALUE...: by secret-tool
keep() {
	local label=$1 secret=$2

	shift 2
	printf %s "$secret" | secret-tool store --label="$label" "$@"
}

# keyring_asks VERB REF [SECRET]: the program itself
keyring_asks() {
	printf 'valetkey-helper 1\n%s\nstore=secret-service\nref=%s\n%s\n' "$1" "$2" "${3+secret=$(printf %s "$3" | base64 -w0)
}" | "$VALETKEY_LIBEXEC/valetkey-secret-service" || true
}

# gives REF: the secret
gives() {
	keyring_asks get-secret "$1" | sed -n 's/^secret=//p' | base64 -d
}

# refuses REF CODE: it does, and gives nothing
refuses() {
	local answer

	answer=$(keyring_asks get-secret "$1")
	echo "$1: $answer"
	[[ $answer == "error $2"* ]]
}

# add URL USER SECRET [OPTION...]: into the keyring
add() {
	local url=$1 user=$2

	printf %s "$3" >"$T/in"
	shift 3
	split "$V" add "$url" --username "$user" --to secret-service "$@" <"$T/in"
}

works() {
	split "$@"
	[ "$status" -eq 0 ] || show_run
}

# await_line PATTERN FILE
await_line() {
	local i

	for i in $(seq 200); do
		not grep -q "$1" "$2" || return 0
		sleep 0.05
	done
	return 1
}
