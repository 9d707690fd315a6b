# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What tests of tools that run on Java share.

# artifacts PLACE: a POM and a jar below $E/PLACE, as a Maven repository has them
artifacts() {
	local at=$E/$1/corp name

	mkdir -p "$at/parent/1" "$at/tool/1"
	for name in parent tool; do
		printf '<project><modelVersion>4.0.0</modelVersion><groupId>corp</groupId><artifactId>%s</artifactId><version>1</version>%s</project>' \
			"$name" "$([ $name = tool ] || echo '<packaging>pom</packaging>')" >"$at/$name/1/$name-1.pom"
	done
	python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1], "w").writestr("x", "x")' "$at/tool/1/tool-1.jar"
	for name in "$at"/*/1/*.*; do
		sha1sum <"$name" | cut -d' ' -f1 | tr -d '\n' >"$name.sha1"
	done
}

# java_trust: Java's own authorities and that of the tests
java_trust() {
	cp "$(dirname "$(realpath "$(command -v keytool)")")/../lib/security/cacerts" "$E/tls/trust.p12"
	chmod 644 "$E/tls/trust.p12"
	keytool -importcert -noprompt -alias tests -keystore "$E/tls/trust.p12" -storepass changeit -file "$E/tls/ca.pem" >/dev/null 2>&1
}

# java_options: that store, the home of the test (Java takes it from passwd), and a start that is quick
java_options() {
	echo "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.home=$HOME -Djavax.net.ssl.trustStore=$E/tls/trust.p12 -Djavax.net.ssl.trustStorePassword=changeit"
}
