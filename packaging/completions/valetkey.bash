# SPDX-License-Identifier: ISC
# Written by packaging/completions/generate; change that, or the command's table.
# shellcheck shell=bash
# bash completion for valetkey

_valetkey()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]-} i

	COMPREPLY=()
	# bash cuts --option=value into three words.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W 'init add login list show remove get fetch import export unlock lock status slot verify compact backup repair run render scan setup log doctor helper --help --version' -- "$cur")
		return
	fi
	# After --, the words are another command's own.
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			elif ((i + 1 == COMP_CWORD)); then
				mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			fi
			return
		fi
	done
	case $command:$prev in
	init:--key-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	init:--recipient)
		return ;;
	init:--kdf)
		mapfile -t COMPREPLY < <(compgen -W 'interactive moderate' -- "$cur")
		return ;;
	add:--username)
		return ;;
	add:--name)
		return ;;
	add:--scope)
		return ;;
	add:--kind)
		mapfile -t COMPREPLY < <(compgen -W 'basic bearer header' -- "$cur")
		return ;;
	add:--header)
		return ;;
	add:--expires)
		return ;;
	add:--from)
		return ;;
	add:--to)
		mapfile -t COMPREPLY < <(compgen -W 'secret-service' -- "$cur")
		return ;;
	login:--client-id)
		return ;;
	login:--client-secret)
		return ;;
	login:--forge)
		mapfile -t COMPREPLY < <(compgen -W 'github gitlab' -- "$cur")
		return ;;
	login:--issuer)
		return ;;
	login:--scope)
		return ;;
	login:--username)
		return ;;
	login:--name)
		return ;;
	show:--username)
		return ;;
	remove:--username)
		return ;;
	remove:--from)
		mapfile -t COMPREPLY < <(compgen -W 'secret-service' -- "$cur")
		return ;;
	get:--username)
		return ;;
	get:--field)
		mapfile -t COMPREPLY < <(compgen -W 'secret username all' -- "$cur")
		return ;;
	get:--config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	get:--profile)
		return ;;
	fetch:--output)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	fetch:--input)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	fetch:--sha256)
		return ;;
	fetch:--retries)
		return ;;
	fetch:--timeout)
		return ;;
	fetch:--connect-timeout)
		return ;;
	fetch:--max-size)
		return ;;
	fetch:--max-redirs)
		return ;;
	fetch:--proxy)
		return ;;
	fetch:--accept)
		return ;;
	fetch:--cacert)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	fetch:--cert)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	fetch:--key)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	fetch:--username)
		return ;;
	fetch:--config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	fetch:--profile)
		return ;;
	export:--to-store)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	export:--key-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	export:--to-recipient)
		return ;;
	export:--output)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	unlock:--for)
		return ;;
	unlock:--scope)
		mapfile -t COMPREPLY < <(compgen -W 'login user' -- "$cur")
		return ;;
	unlock:--key-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	unlock:--identity)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	slot:--key-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	slot:--recipient)
		return ;;
	slot:--external)
		return ;;
	slot:--label)
		return ;;
	slot:--kdf)
		mapfile -t COMPREPLY < <(compgen -W 'interactive moderate' -- "$cur")
		return ;;
	slot:--current-key-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	slot:--current-identity)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	run:--profile)
		return ;;
	run:--config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	run:--credential)
		return ;;
	run:--with)
		mapfile -t COMPREPLY < <(compgen -W 'git docker go cargo npm pnpm yarn yarn-berry bun deno deno-modules pip uv poetry twine conda containers maven gradle coursier helm composer bundler nuget terraform gem swift auto get' -- "$cur")
		return ;;
	run:--env)
		return ;;
	run:--template)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	run:--build-secret)
		return ;;
	run:--rung)
		mapfile -t COMPREPLY < <(compgen -W 'R1 R2 R3' -- "$cur")
		return ;;
	run:--require-rung)
		mapfile -t COMPREPLY < <(compgen -W 'R1 R2 R3' -- "$cur")
		return ;;
	run:--max-rung)
		mapfile -t COMPREPLY < <(compgen -W 'R1 R2 R3' -- "$cur")
		return ;;
	run:--gate)
		mapfile -t COMPREPLY < <(compgen -W 'own first all' -- "$cur")
		return ;;
	run:--ttl)
		return ;;
	run:--scan)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	render:--profile)
		return ;;
	render:--config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	render:--credential)
		return ;;
	scan:--profile)
		return ;;
	scan:--config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	scan:--credential)
		return ;;
	setup:--host)
		return ;;
	log:--since)
		return ;;
	log:--host)
		return ;;
	log:--credential)
		return ;;
	log:--event)
		mapfile -t COMPREPLY < <(compgen -W 'answer inject export refuse store erase end' -- "$cur")
		return ;;
	log:--last)
		return ;;
	log:--config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	esac
	case $command in
	init)
		mapfile -t COMPREPLY < <(compgen -W '--key-file --passphrase-stdin --recipient --kdf --help' -- "$cur") ;;
	add)
		mapfile -t COMPREPLY < <(compgen -W '--username --name --scope --kind --header --expires --from --to --default --replace --help' -- "$cur") ;;
	login)
		mapfile -t COMPREPLY < <(compgen -W '--client-id --client-secret --forge --issuer --scope --username --name --default --replace --json --help' -- "$cur") ;;
	list)
		mapfile -t COMPREPLY < <(compgen -W '--json --help' -- "$cur") ;;
	show)
		mapfile -t COMPREPLY < <(compgen -W '--username --json --help' -- "$cur") ;;
	remove)
		mapfile -t COMPREPLY < <(compgen -W '--username --all --from --help' -- "$cur") ;;
	get)
		mapfile -t COMPREPLY < <(compgen -W '--username --field --reveal --json --config --profile --offline --help' -- "$cur") ;;
	fetch)
		mapfile -t COMPREPLY < <(compgen -W '--output --input --sha256 --continue --retries --timeout --connect-timeout --max-size --max-redirs --allow-http-redirect --proxy --accept --cacert --cert --key --ssl-reqd --username --no-credential --config --profile --quiet --json --help' -- "$cur") ;;
	import)
		mapfile -t COMPREPLY < <(compgen -W '--dry-run --replace --wipe-source --progress --json --help netrc git-credentials npmrc docker pypirc' -- "$cur")
		[[ $cur == -* ]] || mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$cur") ;;
	export)
		mapfile -t COMPREPLY < <(compgen -W '--clear --to-store --key-file --to-recipient --output --replace --reveal --progress --json --help' -- "$cur") ;;
	unlock)
		mapfile -t COMPREPLY < <(compgen -W '--for --scope --key-file --identity --passphrase-stdin --help' -- "$cur") ;;
	lock)
		mapfile -t COMPREPLY < <(compgen -W '--help' -- "$cur") ;;
	status)
		mapfile -t COMPREPLY < <(compgen -W '--json --help' -- "$cur") ;;
	slot)
		mapfile -t COMPREPLY < <(compgen -W '--passphrase --passphrase-stdin --key-file --recipient --external --label --kdf --keep-key --json --current-passphrase-stdin --current-key-file --current-identity --help add list change remove rotate keygen' -- "$cur")
		[[ $cur == -* ]] || mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$cur") ;;
	verify)
		mapfile -t COMPREPLY < <(compgen -W '--json --help' -- "$cur") ;;
	compact)
		mapfile -t COMPREPLY < <(compgen -W '--help' -- "$cur") ;;
	backup)
		mapfile -t COMPREPLY < <(compgen -W '--help' -- "$cur")
		[[ $cur == -* ]] || mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$cur") ;;
	repair)
		mapfile -t COMPREPLY < <(compgen -W '--help' -- "$cur") ;;
	run)
		mapfile -t COMPREPLY < <(compgen -W '--profile --config --offline --credential --with --env --template --build-secret --rung --require-rung --max-rung --allow-daemons --keep-own-credentials --no-confine --gate --once --two-phase --ttl --scan --mask --no-mask --verbose --help --' -- "$cur") ;;
	render)
		mapfile -t COMPREPLY < <(compgen -W '--profile --config --credential --keep-own-credentials --reveal --help npm netrc containers maven coursier' -- "$cur") ;;
	scan)
		mapfile -t COMPREPLY < <(compgen -W '--profile --config --credential --one-file-system --json --help' -- "$cur")
		[[ $cur == -* ]] || mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$cur") ;;
	setup)
		mapfile -t COMPREPLY < <(compgen -W '--undo --print --host --force --list --json --help git docker go cargo pnpm pip uv nuget bazel terraform aws' -- "$cur") ;;
	log)
		mapfile -t COMPREPLY < <(compgen -W '--json --since --host --credential --event --last --config --help' -- "$cur")
		[[ $cur == -* ]] || mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$cur") ;;
	doctor)
		mapfile -t COMPREPLY < <(compgen -W '--json --help' -- "$cur")
		[[ $cur == -* ]] || mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$cur") ;;
	helper)
		mapfile -t COMPREPLY < <(compgen -W '--help git-credential docker-credential goauth bazel-credential terraform-credentials nuget-plugin aws-credential keyring cargo-credential pnpm-token yarn-header' -- "$cur") ;;
	esac
}

complete -F _valetkey valetkey
