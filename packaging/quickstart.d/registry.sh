# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# A real npm registry (verdaccio) on loopback.  Whoever sources this sets registry_d to the directory of this file.
: "${registry_d:?}"

# The audit plug-in asks for its HTTP client by a tag that not every mirror knows; the older one does the same work and names a version.
registry_manifest='{"private": true, "dependencies": {"verdaccio": "6.2.0"},
 "overrides": {"verdaccio-audit@13.0.0-next-8.23": "10.2.4"}}'

# registry_install DIR: DIR/node_modules/verdaccio, from the npm registry this machine is configured for.  No script of any package runs.
registry_install() {
	[ ! -e "$1/installed" ] || return 0
	mkdir -p "$1" && printf '%s\n' "$registry_manifest" >"$1/package.json" || return 1
	if ! (cd "$1" && npm install --ignore-scripts --no-audit --no-fund --no-progress --loglevel=error) >"$1/npm.log" 2>&1; then
		tail -n 10 "$1/npm.log" >&2
		return 1
	fi
	touch "$1/installed"
}

registry_free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# registry_start DIR INSTALLED TLS: sets registry_pid and registry_url; DIR holds its data.
registry_start() {
	for _ in 1 2 3; do
		registry_port=$(registry_free_port) || return 1
		mkdir -p "$1" && sed -e "s|@PORT@|$registry_port|" -e "s|@TLS@|$3|g" "$registry_d/registry.yaml" >"$1/config.yaml" || return 1
		# The registry ends with the shell that started it, however that ends.
		HOME=$1 setpriv --pdeathsig TERM node "$2/node_modules/.bin/verdaccio" --config "$1/config.yaml" \
			>"$1/log" 2>&1 </dev/null &
		registry_pid=$!
		registry_url=https://127.0.0.1:$registry_port
		for _ in $(seq 150); do
			kill -0 $registry_pid 2>/dev/null || break
			! registry_call "$3" GET /-/ping >/dev/null 2>&1 || return 0
			sleep 0.2
		done
		kill $registry_pid 2>/dev/null || :
	done
	cat "$1/log" >&2
	return 1
}

# registry_call TLS METHOD PATH: the body is read from stdin for PUT; prints the answer.
registry_call() {
	python3 "$registry_d/https-call.py" "$1/ca.pem" "$2" "$registry_url$3"
}

# registry_user TLS USER: the password is read from stdin; prints the token of the new account.
registry_user() {
	python3 -c 'import json, sys; print(json.dumps({"name": sys.argv[1], "password": sys.stdin.read()}))' "$2" |
		registry_call "$1" PUT "/-/user/org.couchdb.user:$2" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])'
}
