# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# A certificate authority for one run and for loopback only.  Its key is thrown away as soon as it has signed.

# tls_make DIR [NAME]: DIR/ca.pem to trust, DIR/cert.pem and DIR/key.pem for the servers; NAME is a host name more.
tls_make() {
	(
		cd "$1" || exit 1
		umask 077
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=throw-away CA' \
			-addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign' \
			-keyout ca.key -out ca.pem &&
			openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=127.0.0.1' \
				-keyout key.pem -out cert.csr &&
			printf 'subjectAltName=IP:127.0.0.1,DNS:%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' \
				"${2:-localhost}" >cert.ext &&
			openssl x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile cert.ext -out cert.pem
	) >"$1/openssl.log" 2>&1 || {
		cat "$1/openssl.log" >&2
		return 1
	}
	rm -f "$1/ca.key" "$1/ca.srl" "$1/cert.csr" "$1/cert.ext" "$1/openssl.log"
	chmod 644 "$1/ca.pem"
}
