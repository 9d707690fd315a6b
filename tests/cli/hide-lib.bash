# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of hidden files share: where nothing can be hidden, and for whom and on which rungs to try.

setup() {
	python3 - <<-'END' && return 0
		import ctypes, platform, sys
		n = {"x86_64": 317, "aarch64": 277}.get(platform.machine())
		sizes = (ctypes.c_uint16 * 3)()
		call = ctypes.CDLL(None).syscall
		sys.exit(n is None or call(n, 3, 0, sizes) != 0 or call(444, None, 0, 1) < 2)
	END
	[ "${CI-}" != true ] || return 1
	skip "no Landlock or no seccomp notifications here"
}

teardown() {
	run_end
}

# as_each FUNCTION: as root without the capability to mount, and as another user; on R2 and R3
as_each() {
	local who rung

	for who in "$(id -u)" "$run_uid"; do
		run_home "$who"
		if [ "$who" = 0 ]; then
			V=(setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$T/bin/valetkey")
		fi
		files=("$HOME/.netrc" "$HOME/.git-credentials" "$HOME/.config/gh/hosts.yml")
		mkdir -p "$HOME/.config/gh" "$HOME/old"
		for f in "${files[@]}"; do echo hush >"$f"; done
		echo mine >"$HOME/old/file"
		echo mine >"$HOME/.profile"
		[ "$(id -u)" != 0 ] || chown -R --reference="$T/work" "$HOME"
		for rung in R2 R3; do
			"$1" "$rung"
		done
		run_end
		[ "$(id -u)" = 0 ] || break
	done
}

# hiding RUNG COMMAND...
hiding() {
	local rung=$1

	shift
	"${V[@]}" run --rung "$rung" --gate own -- "$@"
}
