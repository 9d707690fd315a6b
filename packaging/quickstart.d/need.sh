# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# Installs what is missing, on machines with apt.  Sourced by packaging/quickstart, tests/run and .ci/run.
#
# A need is PROBE=PACKAGE.  The probe says how to see that it is there, whoever installed it:
#   name      a command on PATH (or in the sbin directories)
#   /path     a file
#   pc:name   a pkg-config module
#   py:name   a Python module

need_have() {
	case $1 in
	/*) test -e "$1" ;;
	pc:*) command -v pkg-config >/dev/null && pkg-config --exists "${1#pc:}" ;;
	py:*) command -v python3 >/dev/null && python3 -c "import ${1#py:}" 2>/dev/null ;;
	*) PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v "$1" >/dev/null ;;
	esac
}

# need_missing NEED...: the packages of the needs that are not met, one a line.
need_missing() {
	for need_one; do
		need_have "${need_one%%=*}" || printf '%s\n' "${need_one#*=}"
	done | sort -u
}

# need_root COMMAND...: as root, directly or through sudo.
need_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# need_apt LOGFILE PACKAGE...: a package that starts a daemon of its own is only wanted for its programs.
need_apt() {
	need_log=$1
	shift
	need_policy=/usr/sbin/policy-rc.d need_ours=
	if ! [ -e $need_policy ]; then
		need_ours=1
		printf '#!/bin/sh\nexit 101\n' | need_root sh -c "cat >$need_policy && chmod 755 $need_policy"
	fi
	need_root apt-get -qq -o DPkg::Lock::Timeout=600 update </dev/null >"$need_log" 2>&1 &&
		need_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=600 \
			install --no-install-recommends "$@" </dev/null >>"$need_log" 2>&1
	need_status=$?
	[ -z "$need_ours" ] || need_root rm -f $need_policy
	return $need_status
}

# need LOGFILE NEED...: with need_sudo set, sudo is used by who is not root.  Afterwards every need is met, or the reason is on stderr and the result is 1.
need() {
	need_log=$1
	shift
	need_packages=$(need_missing "$@" | tr '\n' ' ')
	[ -n "$need_packages" ] || return 0
	if ! command -v apt-get >/dev/null; then
		echo "missing, and this machine has no apt-get: install what your system calls: $need_packages" >&2
		return 1
	fi
	if [ "$(id -u)" != 0 ] && ! { [ -n "${need_sudo-}" ] && command -v sudo >/dev/null; }; then
		echo "missing; as root: apt-get install $need_packages" >&2
		return 1
	fi
	echo "installing with apt-get: $need_packages"
	# shellcheck disable=SC2086
	if ! need_apt "$need_log" $need_packages; then
		tail -n 5 "$need_log" >&2
		echo "apt-get could not install: $need_packages" >&2
		return 1
	fi
	need_packages=$(need_missing "$@" | tr '\n' ' ')
	[ -z "$need_packages" ] || {
		echo "still missing after apt-get install: $need_packages" >&2
		return 1
	}
}
