# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# How a suite turns programs of other people's making into TAP lines, one namespace for all of them.

# At its end a suite calls this.
tap_end() {
	exit $tap_failed
}

tap_failed=0

tap_ok() { # tap_ok NAME
	printf 'ok - %s\n' "$1"
}

tap_not_ok() { # tap_not_ok NAME [FILE]: FILE explains
	tap_failed=1
	printf 'not ok - %s\n' "$1"
	[ -z "${2-}" ] || tail -n 20 "$2" | sed 's/^/  # /'
}

tap_skip() { # tap_skip NAME WHY
	printf 'ok - %s # SKIP %s\n' "$1" "$2"
}

# tap_run NAME COMMAND...: one check for a program that only has an exit status; for one that speaks TAP, its own
# lines with NAME before them, its plan kept.
tap_run() {
	tap_name=$1 tap_log=$VK_OUT/tap.log
	shift
	"$@" >"$tap_log" 2>&1 </dev/null
	tap_status=$?
	if ! grep -qE '^(not )?ok\b' "$tap_log"; then
		case $tap_status in
		0) tap_ok "$tap_name" ;;
		77) tap_skip "$tap_name" "$(tail -n 1 "$tap_log")" ;;
		*) tap_not_ok "$tap_name: exit status $tap_status" "$tap_log" ;;
		esac
		return
	fi
	sed -E "s|^((not )?ok) *[0-9]* *-? *|\\1 - $tap_name: |; /^1\\.\\.[0-9]+\$/d" "$tap_log"
	tap_lines=$(grep -cE '^(not )?ok\b' "$tap_log")
	tap_plan=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$tap_log")
	! grep -q '^not ok' "$tap_log" || tap_failed=1
	if [ "$tap_lines" != "${tap_plan:-$tap_lines}" ]; then
		tap_not_ok "$tap_name: $tap_lines checks of $tap_plan ran"
	elif [ $tap_status != 0 ] && ! grep -q '^not ok' "$tap_log"; then
		tap_not_ok "$tap_name: exit status $tap_status" "$tap_log"
	fi
}

# tap_build WHAT DIRECTORY MESON-OPTION...: one check; a suite goes no further without its build.
tap_build() {
	tap_what=$1 tap_dir=$2
	shift 2
	if meson setup "$tap_dir" "$VK_SRC" -Dtests=true "$@" >"$VK_OUT/build.log" 2>&1 </dev/null &&
		meson compile -C "$tap_dir" >>"$VK_OUT/build.log" 2>&1 </dev/null; then
		tap_ok "$tap_what"
	else
		tap_not_ok "$tap_what" "$VK_OUT/build.log"
		tap_end
	fi
}

# tap_bats FILE...: bats files, one after the other.
tap_bats() {
	for tap_file; do
		tap_run "$(basename "$tap_file" .bats)" bats --tap "$tap_file"
	done
}

# tap_programs DIRECTORY: every executable file in it.
tap_programs() {
	for tap_file in "$1"/*; do
		if [ -f "$tap_file" ] && [ -x "$tap_file" ]; then
			tap_run "$(basename "$tap_file")" "$tap_file"
		fi
	done
}

# tap_meson NAME BUILD ARGUMENT...: "meson test", with what each program said instead of a line per program.
tap_meson() {
	tap_name=$1 tap_build=$2
	shift 2
	CMOCKA_MESSAGE_OUTPUT=TAP meson test -C "$tap_build" --no-rebuild "$@" >"$VK_OUT/meson.log" 2>&1 </dev/null
	tap_status=$?
	python3 "$VK_SRC/tests/lib/meson-tap.py" "$tap_name" "$tap_build" "$VK_OUT/meson.log" $tap_status || tap_failed=1
}

# tap_everything DIRECTORY: its executables and its bats files.
tap_everything() {
	tap_programs "$1"
	for tap_one in "$1"/*.bats; do
		[ ! -f "$tap_one" ] || tap_bats "$tap_one"
	done
}
