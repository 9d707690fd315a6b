#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Google Cloud, Azure and GitHub Apps: tests of the protocols, against stand-ins (tests/servers/fake-*) and not against what they are named after.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err and status come from split

bats_require_minimum_version 1.5.0
load ../cli/lib
load cloud

setup_file() {
	cloud_begin
	python3 - "$F" <<-'P'
		import json, sys
		where = sys.argv[1]
		with open(where + "/account.pem") as pem, open(where + "/account.json", "w") as out:
		    json.dump({"type": "service_account", "client_email": "ci@p.iam.gserviceaccount.com", "private_key_id": "k1",
		               "private_key": pem.read(), "token_uri": "https://oauth2.googleapis.com/token"}, out)
		with open(where + "/external.json", "w") as out:
		    json.dump({"type": "external_account"}, out)
	P
}

teardown_file() {
	cloud_end
}

setup() {
	cloud_home
	github_job
}

provider=projects/7/locations/global/workloadIdentityPools/ci/providers/github

# gcp SECRET [LINE...]: from the stand-in, in its own section of the config
gcp() {
	local what=$1

	shift
	config "gcp-sm:projects/p/$what" '[server gcp-sm]' "endpoint = $(at gcp)" "sts-endpoint = $(at gcp)" "iam-endpoint = $(at gcp)" \
		"token-endpoint = $(at gcp)/token" 'timeout = 5' "$@"
}

azure() {
	local what=$1

	shift
	config "azure-kv:corp/$what" '[server azure-kv]' "endpoint = $(at azure)" "metadata-endpoint = $(at azure)" "authority = $(at azure)" \
		'timeout = 5' "$@"
}

github() {
	local what=$1

	shift
	config "github-app:$what" '[server github-app]' "endpoint = $(at github)" 'app-id = Iv1.app' 'timeout = 5' "$@"
}

@test "gcp: the machine's account, and another one" {
	GCE_METADATA_HOST=$(at gcp)
	export GCE_METADATA_HOST=${GCE_METADATA_HOST#http://}
	gcp secrets/machine
	gives "secret of machine"
	gcp secrets/machine/versions/3#password
	gives "field of machine"
	gcp locations/europe-west1/secrets/machine
	gives "secret of machine"
	gcp secrets/impersonated "service-account = ci@p.iam.gserviceaccount.com"
	gives "secret of impersonated"
	gcp secrets/none
	fails 6 "Google Secret Manager has no such thing (404, NOT_FOUND)"
	gcp secrets/other
	fails 4 "Google Secret Manager refuses (403, PERMISSION_DENIED)"
	echo "computeMetadata unflavored" >"$F/gcp.fault"
	fails 6 "the metadata service of Google Cloud answers what is not understood"
	rm "$F/gcp.fault"
	for what in secrets secrets/ secrets/a/b secrets/a/versions secrets/a/versions/1/x secrets/../x 'secrets/a?x' locations/a.b/secrets/x; do
		gcp "$what"
		fails 6 "not projects/P/secrets/S"
	done
	gcp secrets/machine
	GCE_METADATA_HOST=metadata.example fails 4 "is not asked"
}

@test "gcp: an identity token for the provider of a pool" {
	gcp secrets/federated "provider = $provider"
	gives "secret of federated"
	[ "$(asked github)" = "GET /identity 200" ]
	gcp secrets/impersonated "provider = $provider" "service-account = ci@p.iam.gserviceaccount.com"
	gives "secret of impersonated"
	gcp secrets/federated "provider = $provider" "audience = https://other.example"
	fails 4 "Google's token exchange refuses (403, invalid_grant)"
	identity "https://iam.googleapis.com/$provider" >"$T/token"
	unset ACTIONS_ID_TOKEN_REQUEST_URL ACTIONS_ID_TOKEN_REQUEST_TOKEN
	gcp secrets/federated "provider = $provider"
	fails 6 "provider needs an identity token"
	gcp secrets/federated "provider = $provider" "token-file = $T/token"
	gives "secret of federated"
	identity "https://iam.googleapis.com/$provider" -30 >"$T/token"
	fails 4 "Google's token exchange refuses (400, invalid_grant)"
	gcp secrets/federated "provider = nothing" "token-file = $T/token"
	fails 6 "provider is projects/NUMBER"
}

@test "gcp: the key of a service account signs" {
	gcp secrets/account "credentials = $F/account.json"
	gives "secret of account"
	sed "s/\"ci@/\"zi@/" "$F/account.json" >"$T/other.json"
	gcp secrets/account "credentials = $T/other.json"
	fails 6 "Google's token service answers with an error (400"
	grep -q BAD "$F/gcp.log"
	gcp secrets/account "credentials = $F/external.json"
	fails 6 "no key of a service account"
	gcp secrets/account "credentials = $F/app.pem"
	fails 6 "is no JSON"
	gcp secrets/account "credentials = $T/none.json"
	fails 6 "cannot read the file"
	GOOGLE_APPLICATION_CREDENTIALS=$F/external.json
	export GOOGLE_APPLICATION_CREDENTIALS
	gcp secrets/account
	fails 6 "no key of a service account"
}

@test "azure: managed identities of a machine and of App Service" {
	azure system
	gives "secret of system"
	azure system/0123456789abcdef0123456789abcdef
	gives "secret of system"
	out=$(printf 'protocol=https\nhost=git.example\npath=team\n\n' | "$VALETKEY_BIN/git-credential-valetkey" get)
	[[ $out == *"password_expiry_utc=4102444800"* ]]
	AZURE_CLIENT_ID=66666666-7777-8888-9999-000000000000
	export AZURE_CLIENT_ID
	azure user
	gives "secret of user"
	unset AZURE_CLIENT_ID
	IDENTITY_ENDPOINT=$(at azure)/msi/token
	export IDENTITY_ENDPOINT IDENTITY_HEADER=secret-of-the-site
	azure system
	gives "secret of system"
	grep -q "GET /msi/token 200" "$F/azure.log"
	azure none
	fails 6 "Azure Key Vault has no such thing (404, SecretNotFound)"
	azure other
	fails 4 "Azure Key Vault refuses (403, Forbidden)"
	echo "/secrets/ expired" >"$F/azure.fault"
	azure system
	fails 1 expired
	for what in '' / a/b/c 'a?b' a.b ../a; do
		azure "$what"
		fails 6 "not VAULT/NAME"
	done
}

@test "azure: an identity token, or a client's secret" {
	AZURE_TENANT_ID=11111111-2222-3333-4444-555555555555
	export AZURE_TENANT_ID AZURE_CLIENT_ID=66666666-7777-8888-9999-000000000000
	azure federated
	gives "secret of federated"
	[ "$(asked github)" = "GET /identity 200" ]
	echo "/identity stale" >"$F/github.fault"
	fails 4 "Microsoft Entra refuses (401, invalid_client)"
	rm "$F/github.fault"
	azure federated "audience = https://other.example"
	fails 4 "Microsoft Entra refuses (401, invalid_client)"
	identity api://AzureADTokenExchange >"$T/token"
	azure federated
	AZURE_FEDERATED_TOKEN_FILE=$T/token gives "secret of federated"
	azure client
	AZURE_CLIENT_SECRET='a secret & more' gives "secret of client"
	AZURE_CLIENT_SECRET=wrong fails 4 "Microsoft Entra refuses (401, invalid_client)"
	azure federated "tenant = a/b"
	fails 6 "tenant is the id"
}

@test "github: an App's token, for what was asked for alone" {
	github corp/app "private-key = $F/app.pem"
	gives ghs_41_app
	[ "$(asked github)" = "GET /repos/corp/app/installation 200"$'\n'"POST /app/installations/41/access_tokens 201" ]
	out=$(printf 'protocol=https\nhost=git.example\npath=team\n\n' | "$VALETKEY_BIN/git-credential-valetkey" get)
	[[ $out == *"password_expiry_utc=4070908800"* ]]
	github corp "private-key = $F/app.pem"
	gives ghs_41_all
	github me "private-key = $F/app.pem" 'permissions = contents=read, packages=write'
	gives ghs_42_contents.read-packages.write
	github corp/app "private-key = $F/app.pem" 'installation = 42' 'permissions = contents=read'
	gives ghs_42_app-contents.read
	github corp/other "private-key = $F/app.pem"
	fails 4 "GitHub says that the app is not installed there"
	github corp/other "private-key = $F/app.pem" 'installation = 41'
	fails 4 "GitHub refuses (422"
	github nobody "private-key = $F/app.pem"
	fails 4 "GitHub says that the app is not installed there"
	for what in a/b/c 'a b' ../x a/.. a/b#c; do
		github "$what" "private-key = $F/app.pem"
		fails 6 "not OWNER"
	done
}

@test "the command of a run sees neither the App's key nor the file of an identity token" {
	config env:HOME
	"$VALETKEY" run --require-rung R1 -- true 2>/dev/null || { [ "${CI-}" = true ] && return 1 || skip "R1 cannot be reached here"; }
	cp "$F/app.pem" "$T/app.pem"
	github corp/app "private-key = $T/app.pem" '[server other]' 'store = gcp-sm' "credentials = $T/account.json"
	cp "$F/account.json" "$T/account.json"
	identity api://AzureADTokenExchange >"$T/token"
	run "$VALETKEY" run --require-rung R1 --env TOKEN=github-app:corp/app -- sh -c '
		echo "$TOKEN"; cat "$1" "$2" 2>/dev/null | wc -c; test -s "$3" && echo seen' sh "$T/app.pem" "$T/account.json" "$T/token"
	echo "$output"
	[ "$status" = 0 ]
	[ "$output" = "ghs_41_app"$'\n'"0"$'\n'"seen" ]
	export AZURE_TENANT_ID=11111111-2222-3333-4444-555555555555 AZURE_CLIENT_ID=66666666-7777-8888-9999-000000000000
	export AZURE_FEDERATED_TOKEN_FILE=$T/token
	azure federated
	run "$VALETKEY" run --require-rung R1 --env TOKEN=azure-kv:corp/federated -- sh -c 'echo "$TOKEN"; cat "$1" 2>/dev/null | wc -c' sh "$T/token"
	echo "$output"
	[ "$output" = "secret of federated"$'\n'"0" ]
}

@test "github: keys, and clocks that differ" {
	github corp/app "private-key = $F/issuer.pem"
	fails 4 "GitHub refuses (401"
	openssl genrsa -aes128 -passout pass:x -out "$T/locked.pem" 2048 2>"$T/log"
	openssl genrsa -out "$T/short.pem" 1024 2>"$T/log"
	openssl ecparam -name prime256v1 -genkey -noout -out "$T/ec.pem"
	for key in "$T/locked.pem" "$T/short.pem" "$T/ec.pem" "$F/account.json"; do
		github corp/app "private-key = $key"
		fails 6 "the private key is not RSA"
	done
	github corp/app
	fails 6 "say app-id and private-key"
	github corp/app "private-key = $F/app.pem" 'permissions = contents'
	fails 6 "permissions are written as"
	github corp/app "private-key = $F/app.pem" 'installation = x'
	fails 6 "installation is a number"
	for case in drift:0 late:4 early:4; do
		github corp/app "private-key = $F/app.pem"
		echo "/ ${case%:*}" >"$F/github.fault"
		if [ "${case#*:}" = 0 ]; then
			gives ghs_41_app
		else
			fails 4 "GitHub refuses (401"
		fi
	done
	echo "access_tokens expired" >"$F/github.fault"
	fails 1 expired
}

@test "wrong answers on each step are an error that names the source, and never an empty credential" {
	export AZURE_TENANT_ID=11111111-2222-3333-4444-555555555555 AZURE_CLIENT_ID=66666666-7777-8888-9999-000000000000
	for step in "gcp /v1/token" "gcp generateAccessToken" "gcp :access" "azure oauth2" "azure /secrets/" "github /identity" "github /installation" \
		"github access_tokens"; do
		for fault in malformed list empty bare redirect huge echo once busy drop; do
			rm -f "$F"/*.fault
			case $step in
			gcp*) gcp secrets/impersonated "provider = $provider" "service-account = ci@p.iam.gserviceaccount.com" ;;
			azure*) azure federated ;;
			*identity) azure federated ;;
			*) github corp/app "private-key = $F/app.pem" ;;
			esac
			echo "${step#* } $fault" >"$F/${step%% *}.fault"
			echo "$step: $fault"
			case $fault in
			once | busy | drop) gives "$(expected "$step")" ;;
			*) fails 6 "$(sed -n 's/^secret = \([a-z-]*:\).*/\1/p' "$VALETKEY_CONFIG")" ;;
			esac
		done
	done
}

expected() {
	case $1 in
	gcp*) echo "secret of impersonated" ;;
	azure* | *identity) echo "secret of federated" ;;
	*) echo ghs_41_app ;;
	esac
}

@test "a checksum that does not fit, a server that is down or slow, and one that shows what it was sent" {
	gcp secrets/federated "provider = $provider"
	echo ":access checksum" >"$F/gcp.fault"
	fails 6 "does not fit its checksum"
	echo ":access forbidden" >"$F/gcp.fault"
	fails 4 "refuses (403, Forbidden)"
	for fault in down slow; do
		echo ":access $fault" >"$F/gcp.fault"
		fails 6 "gcp-sm: "
	done
}
