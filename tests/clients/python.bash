# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of Python's clients share: the programs, an index of private packages, and an environment without settings.

# python_install: $PY/bin with today's pip, uv, poetry and twine; the system's own pip is the old one
python_install() {
	PY=${VK_CACHE:-$E}/python-clients
	export PY
	[ ! -e "$PY/installed" ] || return 0
	rm -rf "$PY"
	python3 -m venv "$PY" || return 1
	"$PY/bin/pip" install -q --disable-pip-version-check --upgrade pip uv poetry twine >"$E/pip.log" 2>&1 || {
		tail -n 10 "$E/pip.log" >&2
		return 1
	}
	touch "$PY/installed"
}

# python_index NAME TOP PACKAGE: in the files of server NAME an index TOP/simple, whose files lie beside it, with PACKAGE 1.0
python_index() {
	mkdir -p "$E/$1/$2/simple/$3" "$E/$1/$2/files"
	python3 - "$E/$1/$2/files" "$3" <<-'P'
		import base64, hashlib, sys, zipfile
		at, name = sys.argv[1:]
		info = f"{name}-1.0.dist-info"
		files = {f"{name}.py": "x = 1\n", f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
		         f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
		digest = lambda text: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
		record = "".join(f"{n},sha256={digest(t)},{len(t)}\n" for n, t in files.items()) + f"{info}/RECORD,,\n"
		with zipfile.ZipFile(f"{at}/{name}-1.0-py3-none-any.whl", "w") as z:
		    for n, t in (*files.items(), (f"{info}/RECORD", record)):
		        z.writestr(n, t)
	P
	echo "<a href='../../files/$3-1.0-py3-none-any.whl'>$3-1.0-py3-none-any.whl</a>" >"$E/$1/$2/simple/$3/index.html"
}

# python_begin: for setup_file; two indexes on one server, a program, and a directory with the link of an installation
python_begin() {
	e2e_begin
	python_install || return
	files_server index
	python_index index a greeting
	python_index index b parting
	files_rule index basic /a/ ci "$AWKWARD"
	files_rule index basic /b/ deploy t0ken-of-b
	files_rule index redirect /moved/ "https://localhost:${SERVER##*:}/a/"
	mkdir -p "$E/programs" "$E/libexec/bin"
	cp "$VALETKEY" "$E/programs/valetkey"
	ln -s ../../programs/valetkey "$E/libexec/bin/keyring"
}

# python_home: for setup
python_home() {
	local name

	e2e_home
	for name in $(compgen -e | grep -E '^(PIP|UV|POETRY|TWINE|PYTHON|VIRTUAL_ENV|NETRC)'); do
		unset "$name"
	done
	PATH=$E/programs:$e2e_path
	export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_RETRIES=0 UV_CACHE_DIR=$T/uv UV_PYTHON_DOWNLOADS=never UV_HTTP_RETRIES=0
	export SSL_CERT_FILE=$E/tls/ca.pem REQUESTS_CA_BUNDLE=$E/tls/ca.pem PIP_CERT=$E/tls/ca.pem UV_NO_PROGRESS=1
	export POETRY_CACHE_DIR=$T/poetry POETRY_VIRTUALENVS_IN_PROJECT=true PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring
	unset SSL_CERT_DIR CURL_CA_BUNDLE
	export LC_ALL=C.UTF-8 UV_PYTHON=$PY/bin/python
}

# given SINCE: requests that carried a credential after line SINCE of the server's log
given() {
	tail -n +$(($1 + 1)) "$E/index.log" | grep -c ' with$'
}

log_lines() {
	wc -l <"$E/index.log"
}
