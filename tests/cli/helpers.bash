# SPDX-License-Identifier: ISC
# What the tests of the credential helpers share.
# shellcheck disable=SC2154  # out, err, status and err_lines come from split

# ask_git ACTION TEXT [OPTION...]: git's helper with TEXT (backslash escapes understood) as the request
ask_git() {
	local action=$1 text=$2

	shift 2
	printf %b "$text" >"$T/in"
	split "$VALETKEY" helper git-credential "$@" "$action" <"$T/in"
}

# ask_docker ACTION TEXT: docker's helper with exactly TEXT as its input
ask_docker() {
	printf %s "$2" >"$T/in"
	split "$VALETKEY" helper docker-credential "$1" <"$T/in"
}

show_run() {
	printf 'status %s\nstdout: %s\nstderr: %s\n' "$status" "$out" "$err"
	return 1
}

# No answer and no complaint.
silent() {
	if ! { [ "$status" -eq 0 ] && [ -z "$out" ] && [ -z "$err" ]; }; then show_run; fi
}

# answered TEXT: exactly that on stdout (escapes understood), nothing on stderr
answered() {
	if ! { [ "$status" -eq 0 ] && [ "$out" = "$(printf %b "$1")"$'\n' ] && [ -z "$err" ]; }; then show_run; fi
}

# refused [STATUS]: nothing on stdout, one printable line on stderr
refused() {
	if ! { [ "$status" -eq "${1:-1}" ] && [ -z "$out" ] && [ "$err_lines" -eq 1 ]; }; then show_run; fi
	if LC_ALL=C grep -q '[[:cntrl:]]' <<<"$err"; then show_run; fi
}

# said TEXT STATUS: docker's way: one line on stdout, nothing on stderr
said() {
	if ! { [ "$status" -eq "$2" ] && [ "$out" = "$1"$'\n' ] && [ -z "$err" ]; }; then show_run; fi
}

not_found() {
	said "credentials not found in native keychain" 1
}

# complained: an error of docker's kind that is none of the sentences clients compare with
complained() {
	if ! { [ "$status" -eq 1 ] && [ -n "$out" ] && [ -z "$err" ]; }; then show_run; fi
	case $out in *"credentials not found"*) show_run ;; esac
	if ! { [ "$(printf %s "$out" | grep -c '')" -eq 1 ]; }; then show_run; fi
}

# without_key COMMAND...: run it without any key
without_key() {
	VALETKEY_KEY_FILE='' "$@"
}

# unchanged SUM: the keystore's file is the very same
unchanged() {
	[ "$(keystore_sum)" = "$1" ] || { echo "the keystore was written"; return 1; }
}

# password_of TEXT: the password that "get" answers, whatever else it says
password_of() {
	ask_git get "$1"
	printf %s "$out" | sed -n 's/^password=//p'
}
