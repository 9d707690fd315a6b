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

# Each of these is a whole assertion: it shows what came instead, and fails.

# No answer and no complaint.
silent() {
	[[ $status -eq 0 && -z $out && -z $err ]] || show_run
}

# answered TEXT: exactly that on stdout (escapes understood), nothing on stderr
answered() {
	[[ $status -eq 0 && $out == "$(printf %b "$1")"$'\n' && -z $err ]] || show_run
}

# failed: an error, nothing on stdout, one printable line on stderr
failed() {
	[[ $status -ne 0 && $status -ne 124 && -z $out && $err_lines -eq 1 ]] || show_run || return
	LC_ALL=C grep -qv '[[:cntrl:]]' <<<"$err" || show_run
}

# refused [STATUS]: the same, with this status
refused() {
	failed || return
	[[ $status -eq ${1:-1} ]] || show_run
}

# told_to_quit [STATUS]: how a locked keystore, and a source that fails, answer git, which would ask a person otherwise
told_to_quit() {
	[[ $status -eq ${1:-3} && $out == $'quit=1\n' && $err_lines -eq 1 ]] || show_run
}

# said TEXT STATUS: docker's way: one line on stdout, nothing on stderr
said() {
	[[ $status -eq $2 && $out == "$1"$'\n' && -z $err ]] || show_run
}

not_found() {
	said "credentials not found in native keychain" 1
}

# complained: an error of docker's kind, one line, that is none of the sentences clients compare with
complained() {
	[[ $status -eq 1 && $out == ?*$'\n' && ${out%$'\n'} != *$'\n'* && -z $err ]] || show_run || return
	[[ $out != *"credentials not found"* ]] || show_run
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
