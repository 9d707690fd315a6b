#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The log in systemd's journal: the protocol against a fake, and the real one where it is installed.

load lib
load helpers
load run-lib
load log-lib

setup() {
	log_setup
	export VALETKEY_LOG=journal L
}

# in_new_run SCRIPT: root, or root of a user namespace, with a /run of its own
in_new_run() {
	cat >inner
	unshare -rm true 2>/dev/null || skip "no namespaces here"
	unshare -rm sh -ec 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal && . ./inner'
}

@test "log: the journal's protocol (a fake journal)" {
	export FAKE="$BATS_TEST_DIRNAME/../servers/fake-journal"
	in_new_run <<-'END'
		python3 "$FAKE" /run/systemd/journal/socket "$L" &
		fake=$!
		while [ ! -S /run/systemd/journal/socket ]; do sleep 0.05; done
		printf 'protocol=https\nhost=git.example\n\n' | "$VALETKEY" helper git-credential get >/dev/null 2>err
		printf 'protocol=https\nhost=no.example\npath=a\302\233b\377\n\n' | "$VALETKEY" helper git-credential get
		VALETKEY_KEY_FILE= "$VALETKEY" get https://git.example 2>/dev/null || true
		"$VALETKEY" run --with netrc -- true
		"$VALETKEY" doctor | grep '  log'  >doctor || true
		while [ "$(wc -l <"$L")" -lt 5 ]; do sleep 0.05; done
		kill $fake
		mount -t tmpfs tmpfs /run
		printf 'protocol=https\nhost=git.example\n\n' | "$VALETKEY" helper git-credential get >gone 2>&1
	END
	[ ! -s err ]
	[ "$(head -n 1 "$L" | jq -r '[.SYSLOG_IDENTIFIER, .PRIORITY, .VALETKEY_EVENT, .VALETKEY_CREDENTIAL, .VALETKEY_RESULT] | join(" ")')" = \
		"valetkey 6 answer work ok" ]
	[[ $(head -n 1 "$L" | jq -r .MESSAGE) == "answer via git for git.example, credential work, to "*": ok" ]]
	[ "$(jq -r '.VALETKEY_EVENT + .VALETKEY_RESULT + .PRIORITY' "$L" | tr '\n' ' ')" = "answerok6 refusenone6 refuselocked4 injectok6 endok6 " ]
	grep -q 'the journal can be written' doctor
	refute grep -qF "$secret" "$L"
	grep -q "password=$secret" gone
	grep -q 'warning: this is not logged: cannot reach the journal' gone
}

@test "log: systemd's own journal" {
	journald=/usr/lib/systemd/systemd-journald
	[ -x $journald ] && command -v journalctl >/dev/null || skip "no systemd here"
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	[ -s /etc/machine-id ] || skip "this machine has no id"
	export journald
	in_new_run <<-'END'
		$journald >journald.out 2>&1 &
		journald=$!
		n=0
		while [ ! -S /run/systemd/journal/socket ]; do sleep 0.1; n=$((n + 1)); [ $n -lt 50 ] || { : >none; exit 0; }; done
		"$VALETKEY" get https://git.example >/dev/null
		"$VALETKEY" run --with netrc -- true
		n=0
		until journalctl -D /run/log/journal -t valetkey -o cat --no-pager 2>/dev/null | grep -q '^end '; do
			sleep 0.1; n=$((n + 1)); [ $n -lt 50 ]
		done
		journalctl -D /run/log/journal -t valetkey -o json --no-pager >journal
		kill $journald
		wait $journald || true
	END
	[ ! -e none ] || skip "journald does not start here: $(cat journald.out)"
	[ "$(jq -r '[.VALETKEY_EVENT, .VALETKEY_CREDENTIAL // "-", .VALETKEY_RESULT, .PRIORITY] | join(" ")' journal)" = \
		$'answer work ok 6\ninject work ok 6\nend - ok 6' ]
	refute grep -q "$secret" journal
}
