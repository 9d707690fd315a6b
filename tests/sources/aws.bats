#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# AWS: STS and Secrets Manager against moto's server, which checks signatures and policies; CodeArtifact, the metadata service and a
# container's agent against a stand-in that recomputes signatures with botocore.
# shellcheck disable=SC2016,SC2154  # what is in single quotes is for the command's shell; out, err and status come from split

bats_require_minimum_version 1.5.0
load ../cli/lib
load cloud

setup_file() {
	cloud_begin
	background "$MOTO/bin/moto_server" -H 127.0.0.1 -p "$(free_port)"
	for i in $(seq 100); do
		curl -fs "$(cat "$F/moto")/moto-api/data.json" >/dev/null && break
		sleep 0.2
	done
	fill
}

teardown_file() {
	cloud_end
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' | tee "$F/moto.port"
	echo "http://127.0.0.1:$(cat "$F/moto.port")" >"$F/moto"
}

# A person who may read secrets, one who may not, and a role for who has an identity token.
fill() {
	"$MOTO/bin/python" - "$(cat "$F/moto")" "$F" <<-'P'
		import json, sys
		import boto3
		url, where = sys.argv[1:]
		def client(name):
		    return boto3.client(name, endpoint_url=url, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
		iam, secrets = client("iam"), client("secretsmanager")
		may = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}]})
		for name in ("reader", "nobody"):
		    iam.create_user(UserName=name)
		    if name == "reader":
		        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=may)
		    key = iam.create_access_key(UserName=name)["AccessKey"]
		    with open(f"{where}/{name}", "w") as f:
		        print(f"export AWS_ACCESS_KEY_ID={key['AccessKeyId']} AWS_SECRET_ACCESS_KEY={key['SecretAccessKey']}", file=f)
		role = iam.create_role(RoleName="ci", AssumeRolePolicyDocument=may)["Role"]["Arn"]
		iam.put_role_policy(RoleName="ci", PolicyName="p", PolicyDocument=may)
		arn = secrets.create_secret(Name="team/token", SecretString="secret of the team")["ARN"]
		secrets.create_secret(Name="json", SecretString=json.dumps({"password": "a field", "n": 1}))
		secrets.create_secret(Name="binary", SecretBinary=b"bytes it was")
		with open(f"{where}/arns", "w") as f:
		    print(f"role={role} arn={arn}", file=f)
	P
}

# checked N: from the Nth request on moto wants signatures and permissions
checked() {
	curl -fs -H 'Content-Type: text/plain' -d "$1" "$(cat "$F/moto")/moto-api/reset-auth" >/dev/null
}

setup() {
	cloud_home
	eval "$(cat "$F/arns")"
	AWS_ENDPOINT_URL=$(cat "$F/moto")
	export AWS_ENDPOINT_URL AWS_REGION=eu-west-1 AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1
}

@test "Secrets Manager: a key that lasts signs, by name, by ARN and by field" {
	. "$F/reader"
	checked 0
	config aws-sm:team/token
	gives "secret of the team"
	config "aws-sm:$arn"
	AWS_REGION=us-east-2 gives "secret of the team"
	config aws-sm:json#password
	gives "a field"
	config aws-sm:binary
	gives "bytes it was"
	config aws-sm:json#n
	fails 6 "is no text"
	config aws-sm:json#none
	fails 6 "no field of that name"
	config aws-sm:team/token#x
	fails 6 "no JSON"
}

@test "Secrets Manager: what it refuses and what it has not" {
	. "$F/reader"
	checked 0
	config aws-sm:none
	fails 6 "AWS Secrets Manager has no such thing (40?, ResourceNotFoundException)"
	config aws-sm:team/token
	AWS_SECRET_ACCESS_KEY=wrong fails 4 "AWS Secrets Manager refuses"
	AWS_ACCESS_KEY_ID=AKIANOBODY fails 4 "AWS Secrets Manager refuses"
	. "$F/nobody"
	fails 4 "AWS Secrets Manager refuses"
	. "$F/reader"
	AWS_ACCESS_KEY_ID=$'AKIA\tX' fails 2 "control characters"
	unset AWS_SECRET_ACCESS_KEY
	fails 6 "access-key and secret-key go together"
	unset AWS_REGION
	fails 6 "no region"
	for what in 'a b' 'a"b' 'x#' '#x'; do
		config "aws-sm:$what"
		fails 6 aws-sm
	done
}

@test "Secrets Manager: a role for an identity token out of a file, a variable, and GitHub Actions" {
	export AWS_ROLE_ARN=$role
	checked 1
	config aws-sm:team/token
	identity sts.amazonaws.com >"$T/token"
	AWS_WEB_IDENTITY_TOKEN_FILE=$T/token gives "secret of the team"
	checked 1
	TOKEN=$(identity sts.amazonaws.com)
	export TOKEN
	config aws-sm@corp:team/token '[server corp]' 'store = aws-sm' 'region = eu-west-1' "role-arn = $role" "endpoint = $AWS_ENDPOINT_URL" \
		"sts-endpoint = $AWS_ENDPOINT_URL" 'jwt = env:TOKEN'
	gives "secret of the team"
	checked 1
	config aws-sm:team/token
	github_job
	gives "secret of the team"
	[ "$(asked github)" = "GET /identity 200" ]
	printf 'no token\n' >"$T/token"
	AWS_WEB_IDENTITY_TOKEN_FILE=$T/token fails 6 "no JSON Web Token"
	printf 'only.two' >"$T/token"
	AWS_WEB_IDENTITY_TOKEN_FILE=$T/token fails 6 "no JSON Web Token"
	AWS_WEB_IDENTITY_TOKEN_FILE=$T/none fails 6 "cannot read the file $T/none"
	ACTIONS_ID_TOKEN_REQUEST_TOKEN=other fails 4 "GitHub's service of identity tokens refuses (401"
}

@test "keys of a container's agent and of the machine" {
	AWS_ENDPOINT_URL_CODEARTIFACT=$(at aws)
	export AWS_ENDPOINT_URL_CODEARTIFACT
	config aws-codeartifact:corp
	AWS_EC2_METADATA_SERVICE_ENDPOINT=$(at aws) gives artifact-own
	[ "$(asked aws | head -n 1)" = "PUT /latest/api/token 200" ]
	printf 'token-of-box\n' >"$T/box"
	AWS_CONTAINER_CREDENTIALS_FULL_URI=$(at aws)/box AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$T/box gives artifact-own
	AWS_CONTAINER_CREDENTIALS_FULL_URI=$(at aws)/box AWS_CONTAINER_AUTHORIZATION_TOKEN=token-of-box gives artifact-own
	AWS_CONTAINER_CREDENTIALS_FULL_URI=http://example.com/box fails 4 "is not asked"
	before=$(asked aws | wc -l)
	AWS_EC2_METADATA_DISABLED=True AWS_EC2_METADATA_SERVICE_ENDPOINT=$(at aws) fails 6 "the metadata service of EC2 is not asked"
	[ "$(asked aws | wc -l)" = "$before" ]
	fails 6 "no keys: no access-key, no role-arn with an identity token, no container"
}

@test "CodeArtifact: with and without an owner, until it ends" {
	AWS_ENDPOINT_URL=$(at aws)
	export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID=AKIACLOUD AWS_SECRET_ACCESS_KEY=secret/of+cloud
	config aws-codeartifact:corp/123456789012
	gives artifact-123456789012
	out=$(printf 'protocol=https\nhost=git.example\npath=team\n\n' | "$VALETKEY_BIN/git-credential-valetkey" get)
	[[ $out == *"password_expiry_utc=4102444800"* ]]
	config aws-codeartifact:none
	fails 6 "AWS CodeArtifact has no such thing (404, ResourceNotFoundException)"
	config aws-codeartifact:corp
	AWS_SECRET_ACCESS_KEY=wrong fails 4 "AWS CodeArtifact refuses (403, InvalidSignatureException)"
	# A server that wants a session's token is not content with the key alone.
	AWS_ACCESS_KEY_ID=ASIABOX AWS_SECRET_ACCESS_KEY=secret/of+box AWS_SESSION_TOKEN=session-of-box== gives artifact-own
	echo "authorization-token expired" >"$F/aws.fault"
	fails 1 expired
	config 'aws-codeartifact:corp?x=y'
	fails 6 "not DOMAIN"
}

@test "a run inherits no key that it was resolved with" {
	. "$F/reader"
	checked 0
	config env:HOME
	github_job
	run "$VALETKEY" run --env TOKEN=aws-sm:team/token -- sh -c 'echo "$TOKEN"; env'
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"secret of the team"* ]]
	[[ $output == *AWS_ACCESS_KEY_ID=* ]]
	[[ $output != *AWS_SECRET_ACCESS_KEY* ]]
	[[ $output != *ACTIONS_ID_TOKEN* ]]
}

@test "a server that is down, busy, or answers nonsense never gives an empty credential" {
	AWS_ENDPOINT_URL=$(at aws)
	export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID=AKIACLOUD AWS_SECRET_ACCESS_KEY=secret/of+cloud
	printf '[server aws-codeartifact]\ntimeout = 5\n' >"$T/more"
	config aws-codeartifact:corp "$(cat "$T/more")"
	for fault in once busy drop; do
		rm -f "$F/aws.fault"
		gives artifact-own
		echo "authorization-token $fault" >"$F/aws.fault"
		gives artifact-own
	done
	for fault in malformed list empty bare redirect huge echo; do
		echo "authorization-token $fault" >"$F/aws.fault"
		fails 6 "aws-codeartifact: "
	done
	for fault in down slow; do
		echo "authorization-token $fault" >"$F/aws.fault"
		fails 6 "aws-codeartifact: "
	done
	echo "authorization-token forbidden" >"$F/aws.fault"
	fails 4 "refuses (403, Forbidden)"
}
