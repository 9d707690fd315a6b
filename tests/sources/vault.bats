#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# OpenBao as a source of secrets: a real server.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err and status come from split

bats_require_minimum_version 1.5.0
load ../cli/lib
load ../cli/run-lib
load vault-lib

policy='
path "team/kv/data/app" { capabilities = ["read"] }
path "team/kv/data/one" { capabilities = ["read"] }
path "team/kv/data/gone" { capabilities = ["read"] }
path "team/kv/data/odd/*" { capabilities = ["read"] }
path "old/*" { capabilities = ["read"] }
path "database/creds/*" { capabilities = ["read"] }
path "sys/leases/revoke" { capabilities = ["update"] }
'

setup_file() {
	bao_begin || return
	{
		bao secrets enable -path=team/kv -version=2 kv
		bao secrets enable -path=old -version=1 kv
		printf %s "$policy" | bao policy write reader -
		bao auth enable approle
		bao write auth/approle/role/builder token_policies=reader token_ttl=10m secret_id_num_uses=0
		bao write auth/approle/role/other token_policies=reader
		bao read -field=role_id auth/approle/role/builder/role-id >"$E/role-id"
		openssl genrsa -out "$E/jwt.key" 2048
		openssl rsa -in "$E/jwt.key" -pubout -out "$E/jwt.pub"
		bao auth enable -path=ci/jwt jwt
		bao write auth/ci/jwt/config jwt_validation_pubkeys=@"$E/jwt.pub"
		bao write auth/ci/jwt/role/ci role_type=jwt bound_audiences=https://bao.example user_claim=sub token_policies=reader token_ttl=10m
		bao auth enable cert
		bao write auth/cert/certs/machine certificate=@"$E/tls/client.pem" token_policies=reader
		bao auth enable userpass
		bao write auth/userpass/users/me password=wonderland token_policies=reader
	} >"$E/setup.log" 2>&1 || { cat "$E/setup.log" >&2; return 1; }
}

teardown_file() {
	bao_end
}

token_for() { # token_for OPTION...: of the policy "reader"
	bao token create -policy=reader -field=token "$@"
}

setup() {
	vault_home
	bao kv put -mount=team/kv app password="$secret" user=me >/dev/null
	token=$(token_for)
	printf %s "$token" >~/token
}

teardown() {
	vault_end
}

@test "key/value stores of both versions, in mounts of several segments; fields and versions" {
	server "token = file:$HOME/token"
	gets
	bao kv put -mount=team/kv one only=first >/dev/null
	bao kv put -mount=team/kv one only=second >/dev/null
	bao kv put -mount=team/kv "odd/a b%2Fü" "fie#l d=x" >/dev/null
	bao kv put -mount=old flat token=v1-value other=2 >/dev/null
	bao kv put -mount=old data/flat token=v1-data >/dev/null
	ref=vault:team/kv/one server "token = file:$HOME/token"
	gets second
	ref='vault:team/kv/one?version=1#only' server "token = file:$HOME/token"
	gets first
	ref='vault:old/flat#token' server "token = file:$HOME/token"
	gets v1-value
	ref='vault:old/data/flat' server "token = file:$HOME/token"
	gets v1-data
	bao kv put -mount=team/kv 'odd/a+b&c=d' value=y other=z >/dev/null
	ref='vault:team/kv/odd/a+b&c=d#value' server "token = file:$HOME/token"
	gets y
}

@test "what is not there is an error that names it" {
	bao kv put -mount=old flat token=v1-value other=2 >/dev/null
	while IFS='|' read -r ref wanted why; do
		server "token = file:$HOME/token"
		echo "$ref"
		fails "$wanted" vault $why
	done <<-'EOF'
		vault:team/kv/app#nosuch|6|no field nosuch|
		vault:team/kv/app|6|2 fields|
		vault:team/kv/app#|6|no field
		vault:team/kv/app?version=99#password|6|version 99
		vault:team/kv/app?version=x#password|6|version=
		vault:team/kv/app?color=red#password|6|version=
		vault:team/kv/odd/nosuch#x|6|has no team/kv/odd/nosuch
		vault:old/nosuch#x|6|has no old/nosuch
		vault:team/kv/other#x|4|refuses
		vault:nosuch/app#x|4|refuses
		vault:team/kv/../app#x|6|dots
		vault:team//app#x|6|empty
		vault:team#x|6|MOUNT/PATH
		vault:team/kv#x|6|is a mount
		vault:old/flat?version=1#token|6|keeps no versions
	EOF
	bao kv put -mount=team/kv gone x=y >/dev/null
	bao kv delete -mount=team/kv gone >/dev/null
	ref=vault:team/kv/gone#x server "token = file:$HOME/token"
	fails 6 deleted
	bao kv destroy -mount=team/kv -versions=1 gone >/dev/null
	fails 6 destroyed
	bao write old/number x=y - <<<'{"n": 5, "s": "two\nlines", "e": ""}' >/dev/null
	for one in n s e; do
		ref=vault:old/number#$one server "token = file:$HOME/token"
		fails 6
	done
}

@test "a token: of a reference, of a variable, or as the command leaves it" {
	server
	fails 4 'no token'
	BAO_TOKEN=$token bao login -no-print token="$token" >/dev/null
	mv "$E/.vault-token" ~/
	gets
	chmod 640 ~/.vault-token
	fails 4 chmod
	rm ~/.vault-token
	# Without a section, as the store's own command is told.
	printf '[corp]\nurl = https://git.example/team\nusername = me\nsecret = vault:team/kv/app#password\n' >"$VALETKEY_CONFIG"
	fails 6 BAO_ADDR
	export VAULT_ADDR=https://127.0.0.1:1 BAO_ADDR=$BAO_AT BAO_CACERT=$E/tls/ca.pem VAULT_TOKEN=$token
	gets
	unset BAO_ADDR
	VAULT_ADDR=$BAO_AT gets
	BAO_CACERT=ca.pem fails 2 BAO_CACERT
	export BAO_ADDR=$BAO_AT
	VAULT_TOKEN=nonsense hidden=nonsense fails 4 refuses
}

@test "a token that has expired, or is for something else" {
	short=$(token_for -ttl=1s -explicit-max-ttl=1s)
	sleep 2
	printf %s "$short" >~/token
	server "token = file:$HOME/token"
	fails 4 refuses
	bao token create -policy=default -field=token >~/token
	fails 4 refuses
}

# accessors: how many tokens there are
accessors() {
	bao list -format=json auth/token/accessors | jq length
}

@test "approle: secret-id, and one that is wrapped; tokens of ours are revoked" {
	bao write -f -field=secret_id auth/approle/role/builder/secret-id >~/id
	hidden=$(cat ~/id)
	server "auth = approle"$'\n'"role-id = file:$E/role-id"$'\n'"secret-id = file:$HOME/id"
	before=$(accessors)
	gets
	[ "$(accessors)" = "$before" ]
	ref=vault:team/kv/other#x server "auth = approle"$'\n'"role-id = file:$E/role-id"$'\n'"secret-id = file:$HOME/id"
	fails 4
	[ "$(accessors)" = "$before" ]
	server "auth = approle"$'\n'"role-id = file:$E/role-id"
	fails 4 'refuses the login'
	server "auth = approle"$'\n'"secret-id = file:$HOME/id"
	fails 6 role-id

	wrapped="auth = approle"$'\n'"role = builder"$'\n'"role-id = file:$E/role-id"$'\n'"wrapped-secret-id = file:$HOME/wrapped"
	bao write -f -wrap-ttl=60 -field=wrapping_token auth/approle/role/builder/secret-id >~/wrapped
	server "$wrapped"
	hidden=$(cat ~/wrapped) gets
	# Who comes second is told that there was a first.
	hidden=$(cat ~/wrapped) fails 4 ALARM
	# Somebody has opened it and wrapped what he likes.
	bao write -wrap-ttl=60 -field=wrapping_token sys/wrapping/wrap secret_id=mine >~/wrapped
	fails 4 ALARM sys/wrapping/wrap
	bao write -f -wrap-ttl=60 -field=wrapping_token auth/approle/role/other/secret-id >~/wrapped
	fails 4 ALARM role/other
	# It was looked at and not opened.
	bao unwrap -format=json "$(cat ~/wrapped)" | jq -e .data.secret_id >/dev/null
	bao write -f -wrap-ttl=1 -field=wrapping_token auth/approle/role/builder/secret-id >~/wrapped
	sleep 2
	fails 4 ALARM
}

@test "jwt, and kubernetes by the same request (its own needs a cluster); audience and time" {
	now=$(date +%s)
	common="auth = jwt"$'\n'"mount = ci/jwt"$'\n'"role = ci"$'\n'"jwt = file:$HOME/jwt"
	jwt '"sub":"me"' '"aud":"https://bao.example"' "\"iat\":$now,\"exp\":$((now + 60))" >~/jwt
	hidden=$(cat ~/jwt)
	before=$(accessors)
	for auth in jwt kubernetes; do
		server "${common/auth = jwt/auth = $auth}"
		gets
	done
	server "$common"$'\n'"audience = https://bao.example"
	gets
	[ "$(accessors)" = "$before" ]
	# For somebody else: the server refuses it, and does not see it where the config says for whom it has to be.
	jwt '"sub":"me"' '"aud":["https://a.example","https://b.example"]' "\"iat\":$now,\"exp\":$((now + 60))" >~/jwt
	fails 4 'was not sent'
	server "$common"
	fails 4 'refuses the login' aud
	jwt '"sub":"me"' '"aud":"https://bao.example"' "\"iat\":$((now - 7200)),\"exp\":$((now - 3600))" >~/jwt
	fails 4 'refuses the login' expired
	# A clock that is an hour ahead of the server's.
	jwt '"sub":"me"' '"aud":"https://bao.example"' "\"nbf\":$((now + 3600)),\"iat\":$((now + 3600)),\"exp\":$((now + 7200))" >~/jwt
	fails 4 'refuses the login'
	printf 'nonsense' >~/jwt
	server "$common"$'\n'"audience = x"
	fails 6 'no JSON Web Token'
	server "auth = kubernetes"$'\n'"role = ci"
	fails 6 serviceaccount/token
}

@test "jwt of a job of GitHub Actions, whose service is one of the test's own: it is asked for the audience" {
	now=$(date +%s)
	jwt '"sub":"repo:o/r"' '"aud":"https://bao.example"' "\"iat\":$now,\"exp\":$((now + 60))" >~/jwt
	hidden=$(cat ~/jwt)
	python3 "$BATS_TEST_DIRNAME/fake-github-oidc.py" ~/port job-token https://bao.example ~/jwt 3>&- &
	service=$!
	await ~/port
	export ACTIONS_ID_TOKEN_REQUEST_URL="http://127.0.0.1:$(cat ~/port)/token?api-version=2.0" ACTIONS_ID_TOKEN_REQUEST_TOKEN=job-token
	common="auth = jwt"$'\n'"mount = ci/jwt"$'\n'"role = ci"
	server "$common"$'\n'"audience = https://bao.example"
	gets
	# With another login its variables are no concern of anybody's.
	server "token = file:$HOME/token"
	gets
	server "$common"$'\n'"audience = https://other.example"
	fails 4
	server "$common"$'\n'"audience = https://bao.example"
	ACTIONS_ID_TOKEN_REQUEST_TOKEN=stranger fails 4
	unset ACTIONS_ID_TOKEN_REQUEST_URL
	fails 6 'id-token: write'
	kill "$service"
}

@test "userpass, a client's certificate, and other authorities" {
	printf wonderland >~/password
	server "auth = userpass"$'\n'"username = me"$'\n'"password = file:$HOME/password"
	hidden=wonderland gets
	printf looking-glass >~/password
	hidden=looking-glass fails 4 'refuses the login'
	machine="auth = cert"$'\n'"certificate = $E/tls/client.pem"$'\n'"key = $E/tls/client.key"
	before=$(accessors)
	server "$machine"
	gets
	[ "$(accessors)" = "$before" ]
	server "${machine//client/stranger}"
	fails 4 'refuses the login'
	server "auth = cert"
	fails 6 certificate
	# A listener that speaks to nobody without.
	BAO_AT=$BAO_TLS_AT server "token = file:$HOME/token"$'\n'"timeout = 2"
	fails 6 "$BAO_TLS_AT"
	BAO_AT=$BAO_TLS_AT server "token = file:$HOME/token"$'\n'"certificate = $E/tls/client.pem"$'\n'"key = $E/tls/client.key"
	gets
	cat "$E/tls/client.pem" "$E/tls/client.key" >~/both.pem
	BAO_AT=$BAO_TLS_AT server "token = file:$HOME/token"$'\n'"certificate = $HOME/both.pem"
	gets
	server "token = file:$HOME/token"
	sed -i "s|^ca = .*|ca = $E/tls/other-ca.pem|" "$VALETKEY_CONFIG"
	fails 6 "$BAO_AT" certificate
	sed -i "/^ca = /d" "$VALETKEY_CONFIG"
	fails 6 certificate
}

@test "namespaces" {
	bao namespace create "ns$BATS_TEST_NUMBER" >/dev/null
	ns=ns$BATS_TEST_NUMBER
	bao secrets enable -ns="$ns" -path=kv -version=2 kv >/dev/null
	bao kv put -ns="$ns" -mount=kv app password="in $ns" >/dev/null
	printf 'path "kv/*" { capabilities = ["read"] }' | bao policy write -ns="$ns" reader - >/dev/null
	bao token create -ns="$ns" -policy=reader -field=token >~/token
	ref=vault:kv/app#password
	server "token = file:$HOME/token"$'\n'"namespace = $ns"
	gets "in $ns"
	server "token = file:$HOME/token"
	fails 4
	sed -i '/^\[server/,/^$/{/address\|ca =\|token\|server/d}' "$VALETKEY_CONFIG"
	BAO_ADDR=$BAO_AT BAO_CACERT=$E/tls/ca.pem BAO_TOKEN=$(cat ~/token) BAO_NAMESPACE=$ns gets "in $ns"
	# A role in a namespace, with a secret-id that was wrapped there.
	bao auth enable -ns="$ns" approle >/dev/null
	bao write -ns="$ns" auth/approle/role/builder token_policies=reader >/dev/null
	bao read -ns="$ns" -field=role_id auth/approle/role/builder/role-id >~/role
	bao write -ns="$ns" -f -wrap-ttl=60 -field=wrapping_token auth/approle/role/builder/secret-id >~/wrapped
	server "auth = approle"$'\n'"namespace = $ns"$'\n'"role-id = file:$HOME/role"$'\n'"wrapped-secret-id = file:$HOME/wrapped"
	gets "in $ns"
}

@test "sealed, unsealed, killed and started again" {
	server "token = file:$HOME/token"
	# A run has what it was given.
	"$VALETKEY" run --with git -- sh -c "$await"' touch "$HOME/runs"; await "$HOME/sealed"
		printf "protocol=https\nhost=git.example\npath=team\n\n" | git credential fill >"$HOME/got"' 3>&- &
	running=$!
	await ~/runs
	bao operator seal >/dev/null
	touch ~/sealed
	wait $running
	grep -qx "password=$secret" ~/got
	server "token = file:$HOME/token"$'\n'"timeout = 1"
	fails 3 "$BAO_AT is sealed"
	split "$VALETKEY" run --with git -- true
	[ "$status" = 125 ]
	[[ $err == *sealed* ]]
	# While somebody asks it is unsealed, and the answer comes.
	server "token = file:$HOME/token"
	"$VALETKEY" get https://git.example/team --field secret >~/answer &
	asking=$!
	sleep 0.5
	bao_unseal
	wait $asking
	[ "$(cat ~/answer)" = "$secret" ]
	bao_kill
	BAO_AT=$BAO_AT server "token = file:$HOME/token"$'\n'"timeout = 1"
	fails 6 "$BAO_AT"
	printf 'protocol=https\nhost=git.example\npath=team\n\n' | "$VALETKEY_BIN/git-credential-valetkey" get >~/answer || true
	[ "$(cat ~/answer)" = quit=1 ]
	server "token = file:$HOME/token"
	"$VALETKEY" get https://git.example/team --field secret >~/answer &
	asking=$!
	sleep 0.3
	bao_start
	bao_unseal
	wait $asking
	[ "$(cat ~/answer)" = "$secret" ]
}

@test "200 helpers at once; and a run asks once" {
	server "token = file:$HOME/token"
	"$VALETKEY" run --with git -- sh -c '
		i=0
		while [ $i -lt 200 ]; do
			printf "protocol=https\nhost=git.example\npath=team\n\n" | git credential fill >"$HOME/got.$i" &
			i=$((i + 1))
		done
		wait'
	[ "$(cat ~/got.* | grep -c "^password=$secret$")" = 200 ]
	# Without a run each asks for itself.
	for i in $(seq 200); do
		"$VALETKEY" get https://git.example/team --field secret >~/each.$i &
	done
	wait $(jobs -p | grep -v "$(cat "$E/bao.pid")") || true
	[ "$(cat ~/each.* | grep -c "^$secret$")" = 200 ]
}

@test "what has changed is seen by the next run at once; and offline nobody is asked" {
	server "token = file:$HOME/token"
	[ "$("$VALETKEY" run --no-mask --env TOKEN=vault:team/kv/app#password -- sh -c 'echo $TOKEN')" = "$secret" ]
	bao kv put -mount=team/kv app password="new-$secret" user=me >/dev/null
	[ "$("$VALETKEY" run --no-mask --env TOKEN=vault:team/kv/app#password -- sh -c 'echo $TOKEN')" = "new-$secret" ]
	gets "new-$secret"
	on_fake secret x
	VALETKEY_OFFLINE=1 fails 6 offline
	VALETKEY_OFFLINE=1 split "$VALETKEY" run --with git -- true
	[ "$status" = 125 ]
	[[ $err == *offline* ]]
	[ ! -s "$asked" ]
}

@test "the token and the secret are in no argument, environment, trace or log" {
	server
	export VALETKEY_LOG=$HOME/log BAO_TOKEN=$token
	split strace -f -q -v -s 100000 -e trace=execve,execveat -o ~/trace "$VALETKEY" run --with git -- \
		sh -c 'printf "protocol=https\nhost=git.example\npath=team\n\n" | git credential fill >"$HOME/got"'
	echo "$err"
	grep -qx "password=$secret" ~/got
	grep -q valetkey-http ~/trace
	grep -q vault: ~/log || grep -q corp ~/log
	grep valetkey-http ~/trace >~/helper
	[ "$(cat ~/helper ~/log "$E/bao.log" | grep -cF -e "$token" -e "$secret")" = 0 ]
	# The command of a run does not get the variable either.
	"$VALETKEY" run --with git -- env >~/env
	[ "$(grep -cF -e "$token" ~/env)" = 0 ]
	# While it is asked, what others can see of it.
	fake silent
	BAO_AT=$FAKE server "timeout = 4"
	"$VALETKEY" get https://git.example/team >/dev/null 2>&1 3>&- &
	asking=$!
	until [ -s "$asked" ]; do sleep 0.05; done
	helper=$(pgrep -P $asking -f valetkey-http)
	[ "$(tr '\0' '\n' <"/proc/$helper/cmdline" | wc -l)" = 1 ]
	[ "$(tr '\0' '\n' <"/proc/$helper/environ" | grep -cF "$token")" = 0 ]
	grep -q '^Max core file size  *0 ' "/proc/$helper/limits"
	# Its memory is for root alone.
	[ "$(stat -c %U "/proc/$helper/mem")" = root ]
	wait $asking || true
}

@test "git clones and npm installs with what lies in OpenBao" {
	bao kv put -mount=team/kv one token="npm-$secret" >/dev/null
	git init -q -b main "$T/source"
	git -C "$T/source" -c user.name=x -c user.email=x@example commit -q --allow-empty -m 'from a private place'
	git clone -q --bare "$T/source" "$T/site/team/x.git"
	git -C "$T/site/team/x.git" update-server-info
	mkdir -p "$T/site/npm/@corp/greeting/-" "$T/package"
	printf '{"name":"@corp/greeting","version":"1.0.0"}' >"$T/package/package.json"
	tar -C "$T" -czf "$T/site/npm/@corp/greeting/-/greeting-1.0.0.tgz" package
	private site "basic /team/ me $secret" "bearer /npm/ npm-$secret"
	jq -n --arg tarball "$PRIVATE/npm/@corp/greeting/-/greeting-1.0.0.tgz" '{name: "@corp/greeting", "dist-tags": {latest: "1.0.0"},
		versions: {"1.0.0": {name: "@corp/greeting", version: "1.0.0", dist: {tarball: $tarball}}}}' >"$T/site/npm/@corp/greeting/index.json"
	cat >"$VALETKEY_CONFIG" <<-C
		[server vault]
		address = $BAO_AT
		ca = $E/tls/ca.pem
		token = file:$HOME/token
		[repos]
		url = $PRIVATE/team
		username = me
		secret = vault:team/kv/app#password
		[npm]
		url = $PRIVATE/npm
		scope = @corp
		secret = vault:team/kv/one#token
	C
	for name in $(compgen -e | grep -iE '^(npm_config_|node_)'); do unset "$name"; done
	export GIT_SSL_CAINFO=$E/tls/ca.pem NPM_CONFIG_CAFILE=$E/tls/ca.pem NPM_CONFIG_FETCH_RETRIES=0 NPM_CONFIG_UPDATE_NOTIFIER=false
	export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
	mkdir ~/project
	cd ~/project
	echo '{"dependencies":{"@corp/greeting":"1.0.0"}}' >package.json
	"$VALETKEY" run --with git --with npm -- sh -ec "git clone -q $PRIVATE/team/x.git; npm install --no-audit --no-fund --loglevel=error" >&2
	[ "$(git -C x log --format=%s)" = 'from a private place' ]
	[ -e node_modules/@corp/greeting/package.json ]
	[ "$(grep -rcF -e "$secret" package-lock.json x/.git/config | grep -cv ':0$')" = 0 ]
	# Without a run, as the helper that git knows.
	asks=(-c credential.helper= -c credential.helper="$VALETKEY_BIN/git-credential-valetkey" -c credential.useHttpPath=true)
	git "${asks[@]}" clone -q "$PRIVATE/team/x.git" y
	# A store that is down is an error for git, and nothing is asked of a person.
	sed -i "s|^address = .*|address = https://127.0.0.1:1|; /^token/a timeout = 1" "$VALETKEY_CONFIG"
	GIT_TERMINAL_PROMPT=1 split git "${asks[@]}" clone -q "$PRIVATE/team/x.git" z
	[ "$status" != 0 ]
	[[ $err == *https://127.0.0.1:1* ]]
	[[ $err == *"told us to quit"* ]]
}

@test "what is given for a time: held and renewed while a run lasts, and given back at its end" {
	redis_begin 3s 1h
	bao write -f -field=secret_id auth/approle/role/builder/secret-id >~/id
	login="auth = approle"$'\n'"role-id = file:$E/role-id"$'\n'"secret-id = file:$HOME/id"
	ref=vault:database/creds/app#password server "$login"
	before=$(accessors)
	# By itself it lives as long as the server says, and who asks is told.
	printf 'protocol=https\nhost=git.example\npath=team\n\n' | "$VALETKEY_BIN/git-credential-valetkey" get >~/answer
	end=$(sed -n 's/^password_expiry_utc=//p' ~/answer)
	[ "$end" -le $(($(date +%s) + 3)) ]
	[ "$end" -ge $(date +%s) ]
	sleep 3 && accounts_end
	# A run that lasts more than twice as long.
	export PORT=${redis[2]}
	split "$VALETKEY" run --with git --env PASSWORD=vault:database/creds/app#password -- sh -c '
		for i in 1 2 3 4 5 6 7; do
			printf "protocol=https\nhost=git.example\npath=team\n\n" | git credential fill >"$HOME/got.$i"
			sleep 1
		done
		user=$(redis-cli -p "$PORT" -a admin --no-auth-warning acl users | grep -v default)
		echo "$user" | wc -l
		redis-cli -p "$PORT" --user "$user" -a "$PASSWORD" --no-auth-warning ping'
	echo "$out$err"
	[[ $out == *PONG* ]]
	[ "$(cat ~/got.* | grep '^password=' | sort -u | wc -l)" = 1 ]
	[ "$(cat ~/got.* | grep -c '^password=')" = 7 ]
	[ "$(accounts)" = 0 ]
	[ "$(accessors)" = "$((before + 1))" ]
	bao list -format=json sys/leases/lookup/database/creds/app | jq -e '. == {} or . == []'
}

@test "a run that is killed gives back what it held" {
	redis_begin 10m 1h
	bao write -f -field=secret_id auth/approle/role/builder/secret-id >~/id
	login="auth = approle"$'\n'"role-id = file:$E/role-id"$'\n'"secret-id = file:$HOME/id"
	# By a token of ours, which goes too, and by one that is somebody's and stays.
	for settings in "$login" "token = file:$HOME/token"; do
		ref=vault:database/creds/app#password server "$settings"
		"$VALETKEY" run --env PASSWORD=vault:database/creds/app#password -- sh -c 'touch "$HOME/runs"; exec sleep 60' >/dev/null 2>&1 3>&- &
		run=$!
		await ~/runs
		rm ~/runs
		# What it was told it forgets, and what it has given too; the address shows that it can be searched.
		helper=$(pgrep -P $run -f valetkey-http)
		password=$(tr '\0' '\n' <"/proc/$(pgrep -P $run -x sleep)/environ" | sed -n 's/^PASSWORD=//p')
		[ ${#password} -ge 20 ]
		[ "$("$BATS_TEST_DIRNAME/in-memory.py" "$helper" "$password" "$(cat ~/id)" "$(base64 -w 0 ~/id)" "$BAO_AT" | paste -s)" = $'0\t0\t0\t1' ]
		[ "$(accounts)" = 1 ]
		kill -9 $run
		accounts_end
	done
	BAO_AS=$token bao token lookup >/dev/null
	# One that is refused is followed by another, and both are given back.
	"$VALETKEY" run --with git -- sh -c 'ask="protocol=https\nhost=git.example\npath=team\n"
		printf "$ask\n" | git credential fill >"$HOME/first"
		printf "$ask$(grep -e ^username -e ^password "$HOME/first")\n\n" | git credential reject
		printf "$ask\n" | git credential fill >"$HOME/second"'
	[ "$(grep -h '^password=' ~/first ~/second | sort -u | wc -l)" = 2 ]
	accounts_end
}
