# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# An empty system in a directory, and the two commands of the README in it.  Mirrors, proxies and certificates are this
# machine's own; nothing here names one.

: "${VK_SRC:?}" "${VK_OUT:?}"
# shellcheck source=tests/lib/tap.sh
. "$VK_SRC/tests/lib/tap.sh"
VK_OUT=$VK_OUT/$(basename "$0")
fresh_cache=${VK_CACHE:-$VK_OUT}
root=$VK_OUT/root

fresh_lacks() {
	echo "$*"
	exit 77
}

fresh_begin() {
	[ "$(id -u)" = 0 ] || fresh_lacks 'an empty root can only be made by root'
	unshare -mpf true 2>/dev/null || fresh_lacks 'no mount and PID namespaces here'
	mkdir -p "$VK_OUT"
	trap 'rm -rf "$root"' EXIT
	trap 'exit 1' HUP INT TERM
}

# fresh_sources ORIGIN CODENAME: "URI SUITE COMPONENT" lines for that release, from this machine's apt.
# shellcheck disable=SC2016
fresh_sources() {
	apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(COMPONENT)' 'MetaKey: main/binary-amd64/Packages' 2>/dev/null |
		awk -F'|' -v origin="$1" -v name="$2" '$1 == origin && ($2 == name || $2 ~ "^" name "-") { print $3, $2, $4 }' | sort -u
}

# fresh_root NAME SUITE MIRROR DEBOOTSTRAP-OPTION...: unpacked to $root; made once, then kept as an archive.
fresh_root() {
	fresh_name=$1 fresh_suite=$2 fresh_mirror=$3
	shift 3
	fresh_archive=$fresh_cache/$fresh_name.tar
	mkdir -p "$fresh_cache"
	# A month later it is made anew.
	[ -z "$(find "$fresh_archive" -mtime +30 2>/dev/null)" ] || rm -f "$fresh_archive"
	if ! [ -f "$fresh_archive" ]; then
		debootstrap --variant=minbase "$@" "$fresh_suite" "$root" "$fresh_mirror" >"$VK_OUT/debootstrap.log" 2>&1 || {
			tap_not_ok "an empty $fresh_name" "$VK_OUT/debootstrap.log"
			tap_end
		}
		tar -C "$root" --one-file-system -cf "$fresh_archive.new" . && mv "$fresh_archive.new" "$fresh_archive"
		rm -rf "$root"
	fi
	mkdir "$root" && tar -C "$root" -xpf "$fresh_archive" || exit 1
	tap_ok "an empty $fresh_name"
}

# fresh_network SOURCE-LINES: what this machine knows about the way out: names, mirrors, proxies, certificates.
fresh_network() {
	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	rm -f "$root"/etc/apt/sources.list.d/*
	echo "$1" | sed 's/^/deb /' >"$root/etc/apt/sources.list"
	apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' >"$root/etc/apt/apt.conf.d/90way-out"
	[ ! -d /etc/apt/auth.conf.d ] || cp -r /etc/apt/auth.conf.d "$root/etc/apt/"
	cp /etc/ssl/certs/ca-certificates.crt "$root/etc/way-out.pem"
	mkdir -p "$fresh_cache/debs-$fresh_name/partial"
	fresh_registry=$(npm config get registry 2>/dev/null)
	fresh_registry=${fresh_registry:-$(npm_config_userconfig=/dev/null npm config get registry 2>/dev/null)}
}

# fresh_checkout: the project as git would give it out, work in progress included.
fresh_checkout() {
	mkdir "$root/checkout"
	(cd "$VK_SRC" && git -c safe.directory='*' ls-files -z --cached --others --exclude-standard) >"$VK_OUT/files"
	# A file that was removed and not yet committed is listed, and not there.
	tar -C "$VK_SRC" --null --ignore-failed-read -T "$VK_OUT/files" -c 2>/dev/null | tar -C "$root/checkout" -x
}

# fresh_in DIRECTORY COMMAND...: in the root, as root, with processes and mounts of its own.
fresh_in() {
	# shellcheck disable=SC2016
	unshare -m -p -f --kill-child --propagation private sh -c '
		root=$1 debs=$2 registry=$3 cd=$4
		shift 4
		mount --bind "$root" "$root" && mount --bind "$debs" "$root/var/cache/apt/archives" &&
			mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" && mount --rbind /dev "$root/dev" &&
			mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm" &&
			cd "$root" && mkdir -p .outside && pivot_root . .outside && umount -l /.outside && cd "$cd" || exit 125
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb CI=true \
			NODE_EXTRA_CA_CERTS=/etc/way-out.pem npm_config_cafile=/etc/way-out.pem ${registry:+npm_config_registry="$registry"} \
			${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} "$@"' \
		sh "$root" "$fresh_cache/debs-$fresh_name" "$fresh_registry" "$@" </dev/null
}

# fresh_quickstart WHAT DIRECTORY COMMAND...: it succeeds, says that nothing is left, and nothing is.
fresh_quickstart() {
	fresh_what=$1
	shift
	if fresh_in "$@" >"$VK_OUT/quickstart.log" 2>&1 && grep -q ' files searched, 0 hold a secret' "$VK_OUT/quickstart.log" &&
		grep -q 'hello from the private package' "$VK_OUT/quickstart.log"; then
		tap_ok "$fresh_what"
	else
		tap_not_ok "$fresh_what" "$VK_OUT/quickstart.log"
	fi
	fresh_left "$fresh_what: leaves no file"
}

# fresh_left WHAT: nothing was written since fresh_two_commands began, where people and programs keep things.
fresh_left() {
	find "$root/tmp" "$root/var/tmp" "$root/root" "$root/home" -mindepth 1 -newer "$VK_OUT/begun" >"$VK_OUT/left" 2>&1
	if [ -s "$VK_OUT/left" ]; then
		tap_not_ok "$1" "$VK_OUT/left"
	else
		tap_ok "$1"
	fi
}

# fresh_interrupted: ended by a signal while its servers run.  The log lies where nobody looks for what was left.
fresh_interrupted() {
	# shellcheck disable=SC2016
	tap_run 'quickstart, interrupted, ends its servers' fresh_in /checkout sh -c '
		sh packaging/quickstart >/run/log 2>&1 &
		until grep -q "^2\." /run/log; do kill -0 $! || exit 1; sleep 0.2; done
		kill -TERM $!
		wait $!
		[ $? = 143 ] || exit 1
		sleep 0.5
		! grep -aqE "[g]it-server|[v]erdaccio" /proc/[0-9]*/cmdline'
	fresh_left 'quickstart, interrupted, leaves no file'
}

# fresh_two_commands: twice each, from other directories, as root and as a user.
fresh_two_commands() {
	touch "$VK_OUT/begun"
	fresh_quickstart 'quickstart on an empty system' /checkout sh packaging/quickstart
	fresh_quickstart 'quickstart again, from another directory' / sh checkout/packaging/quickstart
	useradd -R "$root" -m -u 1000 dev 2>/dev/null || chroot "$root" useradd -m -u 1000 dev
	touch "$VK_OUT/begun"
	fresh_quickstart 'quickstart as an ordinary user' /tmp setpriv --reuid 1000 --regid 1000 --clear-groups \
		env HOME=/home/dev sh /checkout/packaging/quickstart
	touch "$VK_OUT/begun"
	fresh_interrupted
	# The command line takes as long as the rest together, and is tested outside as well.
	tap_run "tests/run unit${VK_NIGHTLY:+ cli} e2e" fresh_verdict /checkout sh tests/run unit ${VK_NIGHTLY:+cli} e2e
	tap_run 'tests/run unit again, from another directory' fresh_verdict /var/tmp sh /checkout/tests/run unit
}

# fresh_verdict DIRECTORY COMMAND...: succeeds, and its last line says that nothing failed.
fresh_verdict() {
	fresh_in "$@" >"$VK_OUT/run.log" 2>&1
	fresh_status=$?
	# Its own TAP lines are not ours.
	sed 's/^\(not ok\|ok\)/> \1/' "$VK_OUT/run.log"
	[ $fresh_status = 0 ] && tail -n 1 "$VK_OUT/run.log" | grep -qE '^[1-9][0-9]* passed, 0 failed(, [0-9]+ skipped)?$'
}
