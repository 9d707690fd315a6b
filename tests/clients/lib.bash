# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the clients' tests share: a server of private files, and a secret that no quoting survives by luck.

# shellcheck source=tests/e2e/lib.bash
source "$BATS_TEST_DIRNAME/../e2e/lib.bash"
# shellcheck source=tests/lib/pypi.bash
source "$BATS_TEST_DIRNAME/../lib/pypi.bash"

# Everything that a shell, an ini file, a URL, XML or JSON could trip over, but blanks, controls and what a form refuses by name.
# shellcheck disable=SC2016,SC2034 # single quotes on purpose; used by the tests
AWKWARD='p%20'"'"'"$`\|<>(){}[]!#;&?=+/:@,*^~%41\n_-.'

# files_server NAME [IP:PORT]: serves $E/NAME; its URL in $SERVER, its log in $E/NAME.log; "files_rule NAME RULE" tells it who may have what
files_server() {
	local name=$1

	mkdir -p "$E/$name"
	mkfifo "$E/$name.rules"
	"$e2e_src/tests/servers/private-files.py" --root "$E/$name" --ready "$E/$name.port" --log "$E/$name.log" --address "${2:-127.0.0.1:0}" \
		--cert "$E/tls/cert.pem" --key "$E/tls/key.pem" <"$E/$name.rules" 3>&- &
	E2E_PIDS="$E2E_PIDS $!"
	# Held open by somebody, or the server would see the end of its rules.
	sleep infinity >"$E/$name.rules" 3>&- &
	E2E_PIDS="$E2E_PIDS $!"
	e2e_wait_for "$E/$name.port"
	SERVER=https://127.0.0.1:$(cat "$E/$name.port")
	export SERVER
}

# files_rule NAME RULE...: and wait until it holds
files_rule() {
	local name=$1 before

	shift
	before=$(grep -c '^rule' "$E/$name.log" 2>/dev/null) || true
	printf '%s\n' "$*" >"$E/$name.rules"
	for _ in $(seq 100); do
		[ "$(grep -c '^rule' "$E/$name.log" 2>/dev/null)" != "${before:-0}" ] && return 0
		sleep 0.05
	done
	echo "the server did not take the rule $*" >&2
	return 1
}

# on_rungs FUNCTION: with $rung for each way a run is done here
on_rungs() {
	local rung

	for rung in --rung=R1 --rung=R2; do
		"$1"
	done
}
