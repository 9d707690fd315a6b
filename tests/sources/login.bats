#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# valetkey login, and what it stores being renewed: a real authorization server, and a fake one for what GitHub and GitLab do otherwise.
# shellcheck disable=SC2154  # out, err and status come from split

bats_require_minimum_version 1.5.0
load login-lib

setup_file() {
	login_servers
	# What takes its time goes on beside the other tests, and is looked at by the last ones.
	mkdir "$E/gh" "$E/hang"
	export BATS_TEST_TMPDIR=$E/gh
	login_home
	forge_device gh
	forge gh token.1 $'200 application/json\n{"error": "authorization_pending", "error_description": "..."}'
	forge gh token.2 $'200 application/json\n{"error": "slow_down", "interval": 6}'
	forge gh token.3 $'200 application/json\n{"error": "authorization_pending"}'
	forge_token gh token ghu_access ghr_refresh
	(forge_login gh github.test --name gh && touch done) >out 2>err 3>&- &
	BATS_TEST_TMPDIR=$E/hang
	login_home
	due hang 1
	sleep 1
	forge hang token hang
	date +%s >begun
	for i in $(seq 8); do
		(get hang.example >"out.$i" 2>"err.$i" || date +%s >"done.$i") 3>&- &
	done
}
teardown_file() { login_servers_end; }
setup() { login_home; }
teardown() {
	# Logins that nobody has agreed to would keep bats waiting.
	# shellcheck disable=SC2046
	kill $(jobs -p) 2>/dev/null || true
}

# ---- logging in -------------------------------------------------------------------------------------------------------------

@test "a person agrees, another does not, and a client has a secret: at a real server" {
	export CLIENT_SECRET='sec:ret/%+'
	echo 1 >"$E/issuer.log.ttl"
	: >"$E/issuer.log"
	"$VALETKEY" login git.example --issuer "$ISSUER" --client-id public --scope 'openid offline_access' --username alice >yes.out 2>yes.err &
	yes=$!
	"$VALETKEY" login no.example --issuer "$ISSUER/" --client-id public >no.out 2>no.err &
	no=$!
	"$VALETKEY" login https://api.example/v1 --issuer "$ISSUER" --client-id with+secret --client-secret env:CLIENT_SECRET --scope openid --json >api.out 2>api.err &
	api=$!
	agree yes
	agree no deny
	agree api
	wait $yes
	wait $api
	status=0
	wait $no || status=$?
	[ "$status" = 4 ]
	[[ $(cat no.err) == *"$ISSUER says that the login was denied"* ]]
	[[ $(cat yes.out) == "stored git.example: basic credential for https://git.example as alice, expires in"* ]]
	[ "$(jq -r '.kind + .username + .origin' api.out)" = beareryou ]
	[ "$(sort "$E/issuer.log" | uniq -c | tr -s ' ')" = $' 2 device 200\n 1 device 400' ]
	sleep 1.2

	# Renewed with each refresh token that came, each good for one use; by 64 at once once.
	for _ in 1 2; do
		old=$("$VALETKEY" export --clear | jq -r 'select(.name == "git.example") | .refresh' | tail -n 1)
		get git.example >token
		[ "$old" != "$("$VALETKEY" export --clear | jq -r 'select(.name == "git.example") | .refresh' | tail -n 1)" ]
		sleep 1.2
	done
	# One that lasts shortly is not renewed by each of them, either.
	echo 30 >"$E/issuer.log.ttl"
	: >"$E/issuer.log"
	for i in $(seq 64); do
		(printf 'protocol=https\nhost=git.example\n\n' | git credential fill >"fill.$i" 2>&1) &
	done
	wait
	[ "$(cat fill.* | sort | uniq -c | wc -l)" = 4 ]
	[ "$(cat fill.* | grep -c '^password=')" = 64 ]
	[ "$(sed -n 's/^password=//p' fill.1)" != "$(cat token)" ]
	[ "$(cat "$E/issuer.log")" = 'refresh_token 200' ]
	printf 'protocol=https\nhost=git.example\n\n' | git-credential-valetkey get >answer
	when=$(sed -n 's/^password_expiry_utc=//p' answer)
	[ "$when" -ge "$(($(date +%s) + 20))" ]
	[ "$when" -le "$(($(date +%s) + 30))" ]
	[ "$(grep -c refresh answer)" = 0 ]

	# With the client's secret, too; and when the login was revoked, nothing is lost but the login.
	printf '%s' "$(get api.example/v1)" >token
	[ "$(tail -n 1 "$E/issuer.log")" = 'refresh_token 200' ]
	echo 1 >"$E/issuer.log.ttl"
	"$VALETKEY" show git.example >shown
	[[ $(cat shown) == *"login     $ISSUER"*"client    public"* ]]
}

@test "a login that was revoked at a real server" {
	echo 1 >"$E/issuer.log.ttl"
	"$VALETKEY" login git.example --issuer "$ISSUER" --client-id public --scope openid --username alice >x.out 2>x.err &
	agree x
	wait $!
	token=$("$VALETKEY" export --clear | jq -r .refresh | tail -n 1)
	printf 'token=%s&client_id=public' "$token" | curl -sS --fail --cacert "$E/tls.pem" --data @- "$ISSUER/token/revocation"
	sleep 1.2
	before=$(keystore_sum)
	split get git.example
	[ "$status" = 6 ]
	[ -z "$out" ]
	[[ $err == *"git.example expired at"*"$ISSUER does not renew it"*invalid_grant*"hint: valetkey login git.example"* ]]
	[[ $err != *"$token"* ]]
	# git does not go on to ask the person for a password.
	split sh -c 'printf "protocol=https\nhost=git.example\n\n" | git-credential-valetkey get'
	[ "$out" = $'quit=1\n' ]
	[ "$before" = "$(keystore_sum)" ]
}

@test "GitLab, by its own paths" {
	forge gl device $'200 application/json\n{"device_code": "d3v", "user_code": "0A44L90H", "verification_uri": "http://gl.example/oauth/device", "verification_uri_complete": "http://gl.example/oauth/device?user_code=0A44L90H", "expires_in": 300, "interval": 1}'
	forge gl token.1 $'400 application/json\n{"error": "authorization_pending"}'
	forge gl token $'200 application/json\n{"access_token": "glacc", "token_type": "Bearer", "expires_in": 7200, "refresh_token": "glref", "scope": "read_repository", "created_at": 1}'
	"$VALETKEY" login https://gl.example --issuer "$FORGE/gl" --forge gitlab --client-id app --client-secret file:"$VALETKEY_KEY_FILE" >out 2>err
	[[ $(cat err) == *"or open http://gl.example/oauth/device?user_code=0A44L90H"* ]]
	[ "$("$VALETKEY" get https://gl.example --field username)" = oauth2 ]
	[ "$(get gl.example)" = glacc ]
	cat "$E/forge/gl/log"
	grep -q '/gl/oauth/authorize_device application/json Basic_[A-Za-z0-9+/=]* client_id=app&scope=read_repository%20write_repository$' "$E/forge/gl/log"
	[ "$(asked gl token)" = 2 ]
}

@test "any issuer that describes itself, and none that does not" {
	forge_device own
	forge_token own token accé refr
	forge_token own token acc refr
	forge own metadata.openid-configuration $'200 application/json\n{"issuer": "HERE/own", "token_endpoint": "HERE/own/token"}'
	forge own metadata.oauth-authorization-server $'200 application/json\n{"issuer": "HERE/own", "token_endpoint": "HERE/own/token", "device_authorization_endpoint": "HERE/own/device"}'
	"$VALETKEY" login https://own.example/x --issuer "$FORGE/own/" --client-id c >out 2>err
	[ "$(get own.example/x)" = acc ]
	grep -q "/.well-known/oauth-authorization-server/own " "$E/forge/own/log"
	while IFS='|' read -r text why; do
		forge bad metadata "200 application/json
$text"
		split "$VALETKEY" login https://bad.example --issuer "$FORGE/bad" --client-id c
		echo "$text: $status $err"
		[ "$status" != 0 ]
		[[ $err == *"$why"* ]]
	done <<-'EOT'
		{"issuer": "https://other.example", "token_endpoint": "HERE/bad/token", "device_authorization_endpoint": "HERE/bad/device"}|of another issuer
		{"issuer": "HERE/bad", "token_endpoint": "HERE/bad/token"}|offers no device flow
		{"issuer": "HERE/bad", "token_endpoint": "HERE/bad/token", "device_authorization_endpoint": "http://192.0.2.1/device"}|goes by https
		{"issuer": "HERE/bad", "token_endpoint": "x\ny", "device_authorization_endpoint": "HERE/bad/device"}|no URL
		[]|not understood
	EOT
	[ "$("$VALETKEY" list --json | jq length)" = 1 ]
}

@test "beginnings that lead nowhere" {
	before=$(keystore_sum)
	while IFS='|' read -r text code why; do
		forge start device "$(printf '%b' "$text")"
		split forge_login start host.example
		echo "$text: $status $err"
		[ "$status" = "$code" ]
		[[ $err == *"$why"* ]]
	done <<-'EOT'
		404 text/html\n<p>no|6|status 404
		200 text/html\n<p>welcome|6|not understood
		200 application/json\n{"device_code": "x"|6|not understood
		200 application/json\n{"device_code": "x"}|6|not understood
		200 application/json\n{"device_code": "x", "user_code": "a\\nb", "verification_uri": "https://x"}|6|not understood
		200 application/json\n{"device_code": "x", "user_code": "ab", "verification_uri": "javascript:x"}|6|not understood
		200 application/json\n{"device_code": "x", "user_code": "ab", "verification_uri": "https://x", "interval": -5}|6|not understood
		200 application/json\n{"error": "device_flow_disabled"}|4|device_flow_disabled
		401 application/json\n{"error": "invalid_client", "error_description": "leaks-what-was-sent"}|4|invalid_client
		400 application/json\n{"error": "\\u001b[2J"}|4|an error of its own
		302 text/plain\n|6|status 302
		huge|6|answers too much
		cut|6|127.0.0.1
	EOT
	[[ $err != *leaks* ]]
	split "$VALETKEY" login github.com
	[ "$status" = 2 ]
	[[ $err == *"--client-id"* ]]
	split "$VALETKEY" login host.example --issuer http://192.0.2.1 --client-id x
	[ "$status" = 4 ]
	[ "$before" = "$(keystore_sum)" ]
}

# one case each, at the same time: a poll takes a second
try_end() { # try_end NAME TEXT CODE WHY
	forge_device "$1"
	forge "$1" token "$(printf '%b' "$2")"
	local status=0

	forge_login "$1" "$1.example" >"$1.out" 2>"$1.err" || status=$?
	if [ "$status" != "$3" ] || [[ $(cat "$1.err") != *"$4"* ]]; then
		echo "$1: $2: $status $(cat "$1.err")"
		touch "$1.wrong"
	fi
}

@test "ends that are none" {
	before=$(keystore_sum)
	n=0
	while IFS='|' read -r text code why; do
		n=$((n + 1))
		try_end "end$n" "$text" "$code" "$why" &
	done <<-'EOT'
		200 application/json\n{"error": "access_denied"}|4|was denied
		400 application/json\n{"error": "expired_token"}|4|has expired
		400 application/json\n{"error": "invalid_client"}|4|refuses: invalid_client
		200 text/html\n<html>|6|not understood
		200 application/json\n{"access_token": "a|6|not understood
		200 application/json\n{"access_token": ""}|6|not understood
		200 application/json\n{"access_token": "a\\nb"}|6|not understood
		200 application/json\n{"access_token": ["a"]}|6|not understood
		200 application/json\n{"access_token": "a", "access_token": "b"}|6|not understood
		200 application/json\n{"access_token": "a", "token_type": "DPoP"}|6|no bearer token
		200 application/json\n{"access_token": "a", "expires_in": 0}|6|already expired
		200 application/json\n{"access_token": "a", "expires_in": -1}|6|not understood
		200 application/json\n{"access_token": "a", "expires_in": "soon"}|6|not understood
		200 application/json\n{"access_token": "a", "refresh_token": "b\\u0000"}|6|not understood
		201 application/json\n{"access_token": "a"}|6|not understood
		302 text/html\n|6|status 302
	EOT
	wait
	! ls ./*.wrong || false
	[ "$n" = 16 ]
	[ "$before" = "$(keystore_sum)" ]
}

@test "how long a token lasts is counted by our clock" {
	n=0
	for life in 3600 '"3600"' 3600.5 1e300 null; do
		n=$((n + 1))
		forge_device "life$n"
		forge_token "life$n" token "acc$n" "ref$n" "$life"
		forge_login "life$n" "life$n.example" >"life$n.out" 2>&1 &
	done
	wait
	"$VALETKEY" list --json | jq -c 'sort_by(.name) | map(if .expires == null then null else .expires - now | round end)' >lives
	cat lives
	jq -e '(.[0:3] | all(. > 3500 and . <= 3600)) and .[3] > 3e8 and .[4] == null' lives
}

@test "the server is out of reach for a while, then another code expires" {
	forge_device away
	forge away token.1 $'503 text/plain\n'
	forge_token away token acc ref
	forge_login away away.example >out 2>err &
	forge late device $'200 application/json\n{"device_code": "d", "user_code": "u", "verification_uri": "https://x", "expires_in": 2, "interval": 1}'
	forge late token $'400 application/json\n{"error": "authorization_pending"}'
	split forge_login late late.example
	[ "$status" = 6 ]
	[[ $err == *"in time"* ]]
	wait $!
	[ "$(get away.example)" = acc ]
	[[ $(cat err) == *"cannot be reached just now"* ]]
}

@test "Ctrl-C ends it at once while it waits, and when a question that was asked is over; and no terminal is needed" {
	before=$(keystore_sum)
	forge_device slow 60
	forge_device mute 1
	forge mute token hang
	for case in slow:5 mute:15; do
		most=${case#*:}
		case=${case%:*}
		start=$(date +%s)
		status=0
		timeout --foreground --preserve-status -s INT 2 "$VALETKEY" login "$case.example" --issuer "$FORGE/$case" --forge github --client-id c \
			</dev/null >out 2>err || status=$?
		[ "$status" = 130 ]
		[ $(($(date +%s) - start)) -lt "$most" ]
		[[ $(cat err) == *WDJB-MJHT* ]]
	done
	[ "$before" = "$(keystore_sum)" ]
}

@test "what is there is not replaced by accident, and no server is asked then" {
	vk_add https://mine.example x-access-token old
	forge_device mine
	forge_token mine token new ref
	split forge_login mine mine.example
	[ "$status" = 2 ]
	[[ $err == *--replace* ]]
	[ "$(asked mine code)" = 0 ]
	vk_add https://mine.example bob old
	forge_login mine mine.example --replace --default >/dev/null 2>&1
	[ "$(get mine.example)" = new ]
	# Another time it needs no options.
	forge_token mine token newer ref
	"$VALETKEY" login mine.example >/dev/null 2>&1
	[ "$(get mine.example)" = newer ]
	[ "$("$VALETKEY" list --json | jq -c 'map(.username) | sort')" = '["bob","x-access-token"]' ]
	# Nor is the issuer that was named then forgotten because the place is called like a forge; what else the entry says stays.
	printf x | "$VALETKEY" add https://github.com/corp --username '' --kind bearer --scope @corp >/dev/null
	forge own metadata $'200 application/json\n{"issuer": "HERE/own", "token_endpoint": "HERE/own/token", "device_authorization_endpoint": "HERE/own/device"}'
	forge_device own
	forge_token own token first ref
	"$VALETKEY" login https://github.com/corp --issuer "$FORGE/own" --client-id c --username '' --replace >/dev/null 2>&1
	forge_token own token second ref
	"$VALETKEY" login https://github.com/corp >out 2>&1 || { cat out; false; }
	[ "$(get github.com/corp)" = second ]
	[ "$(grep -c /own/login/ "$E/forge/own/log")" = 0 ]
	[ "$("$VALETKEY" show https://github.com/corp --json | jq -r .scope)" = @corp ]
	"$VALETKEY" remove https://github.com/corp >/dev/null
	# Who puts in another secret ends what renews the old one.
	vk_add https://mine.example x-access-token typed --replace
	[ "$("$VALETKEY" show https://mine.example --username x-access-token | grep -c Iv1.0123)" = 0 ]
	split "$VALETKEY" login mine.example --username x-access-token
	[ "$status" = 2 ]
	forge_login mine mine.example --replace >/dev/null 2>&1
	VALETKEY_OFFLINE=1 split forge_login mine mine.example
	[ "$status" = 6 ]
	[[ $err == *offline* ]]
	VALETKEY_KEY_FILE='' split forge_login mine mine.example
	[ "$status" = 3 ]
	[ "$(asked mine code)" = 3 ]
}

# ---- being renewed ----------------------------------------------------------------------------------------------------------

@test "a renewal that fails changes nothing: what is good is given, what is not is an error that names the server" {
	due good 50 &
	due dead 1
	wait
	sleep 1
	while IFS='|' read -r text why; do
		for case in good dead; do
			forge $case token "$(printf '%b' "$text")"
		done
		before=$(keystore_sum)
		[ "$(get good.example)" = old-good ]
		[ "$(asked good access_token)" -ge 1 ]
		split get dead.example
		echo "$text: $status $err"
		[ "$status" = 6 ]
		[ -z "$out" ]
		[[ $err == *"dead.example expired at"*"$FORGE/dead does not renew it: "*"$why"*"hint: valetkey login dead.example"* ]]
		[[ $err != *ref-dead* ]]
		[ "$before" = "$(keystore_sum)" ]
	done <<-'EOT'
		503 text/html\n<p>down|status 503
		200 text/html\n<p>welcome|not understood
		200 application/json\n{"access_token": "a|not understood
		200 application/json\n{"access_token": "a", "expires_in": -1}|not understood
		200 application/json\n{"error": "bad_refresh_token", "error_description": "ref-dead"}|login has ended: bad_refresh_token
		400 application/json\n{"error": "invalid_grant"}|login has ended: invalid_grant
		huge|answers too much
		cut|127.0.0.1
	EOT
	rm -f "$E/forge/good/log" "$E/forge/dead/log"
	VALETKEY_OFFLINE=1 get good.example
	VALETKEY_OFFLINE=1 split get dead.example
	[ "$status" = 6 ]
	[[ $err == *offline* ]]
	# It cannot be kept, so it is not asked for.
	if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
		# shellcheck disable=SC2016
		split unshare -m sh -c 'mount --bind "$VALETKEY_KEYSTORE" "$VALETKEY_KEYSTORE" && mount -o remount,ro,bind "$VALETKEY_KEYSTORE" && for h in good dead; do "$VALETKEY" get https://$h.example; done'
		[ "$out" = $'old-good\n' ]
		[[ $err == *"for writing"* ]]
	fi
	[ ! -e "$E/forge/good/log" ]
	[ ! -e "$E/forge/dead/log" ]
	# Once the server is itself again, without any login.
	forge_token dead token fresh ref2
	[ "$(get dead.example)" = fresh ]
	grep -q 'grant_type=refresh_token&refresh_token=ref-dead&client_id=Iv1.0123$' "$E/forge/dead/log"
}

@test "the refresh token stays where the server gives no other; a run and a config's section see what is new" {
	due keep 62
	printf '[narrow]\nurl = https://keep.example/team\nsecret = keystore:keep.example\n' >config.ini
	chmod 600 config.ini
	forge keep token.1 $'200 application/json\n{"access_token": "second", "token_type": "bearer", "expires_in": 2}'
	forge keep token.2 $'200 application/json\n{"access_token": "third", "token_type": "bearer", "expires_in": 3600}'
	# shellcheck disable=SC2016
	"$VALETKEY" run --with git -- sh -c 'for i in 1 2 3 4; do
		printf "protocol=https\nhost=keep.example\n\n" | git credential fill | sed -n s/^password=//p
		[ $i -gt 2 ] || sleep 3
	done' >out 2>err
	cat err
	[ "$(cat out)" = $'old-keep\nsecond\nthird\nthird' ]
	[ "$(grep -c refresh_token=ref-keep "$E/forge/keep/log")" = 2 ]
	[ "$(VALETKEY_CONFIG=$PWD/config.ini get keep.example/team/x)" = third ]
}

@test "no token in arguments, environments and logs" {
	due quiet 1
	sleep 1
	forge_token quiet token very-fresh very-next
	export VALETKEY_LOG=$T/log
	strace -f -v -s 65536 -e trace=execve -o trace "$VALETKEY" get https://quiet.example >got
	[ "$(cat got)" = very-fresh ]
	grep -q valetkey-http trace
	forge_device quiet2
	forge_token quiet2 token tok-access tok-refresh
	strace -f -v -s 65536 -e trace=execve -o trace2 "$VALETKEY" login quiet2.example --issuer "$FORGE/quiet2" --forge github --client-id c >>got2 2>&1
	get quiet2.example >/dev/null
	[ -s "$VALETKEY_LOG" ]
	# What looks for secrets knows the refresh token, too.
	printf 'x very-next y' >leak
	split "$VALETKEY" scan leak
	[ "$status" = 1 ]
	for word in old-quiet ref-quiet very-fresh very-next tok-access tok-refresh d3vic3; do
		! grep -r "$word" trace trace2 got2 "$VALETKEY_LOG" "$HOME" || false
	done
}

@test "a server that hangs is waited for by one" {
	cd "$E/hang"
	for i in $(seq 8); do
		await "done.$i"
		[ $(($(cat "done.$i") - $(cat begun))) -lt 20 ]
	done
	cat err.*
	[ "$(asked hang access_token)" = 1 ]
	[ "$(cat err.* | grep -c 'another process has just tried')" = 7 ]
	[ "$(cat err.* | grep -c "$FORGE/hang does not renew it")" = 8 ]
}

@test "GitHub answers errors with status 200, and slow_down is for good" {
	cd "$E/gh"
	await done
	export VALETKEY_KEYSTORE=$PWD/keystore VALETKEY_KEY_FILE=$PWD/key
	[[ $(cat err) == *"open https://forge.example/login/device and enter the code WDJB-MJHT"* ]]
	[ "$("$VALETKEY" get https://github.test --field all | grep -E '^(username|secret)')" = $'username=x-access-token\nsecret=ghu_access' ]
	cat "$E/forge/gh/log"
	awk '/access_token/ { if (last && $1 - last < (n >= 2 ? 5.9 : 0.9)) exit 1; last = $1; n++ } END { exit n != 4 }' "$E/forge/gh/log"
	grep -q '/gh/login/device/code application/json - client_id=Iv1.0123&scope=repo$' "$E/forge/gh/log"
	grep -q 'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d3vic3-gh&client_id=Iv1.0123$' "$E/forge/gh/log"
}
