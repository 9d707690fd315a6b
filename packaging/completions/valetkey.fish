# SPDX-License-Identifier: ISC
# Written by packaging/completions/generate; change that, or the command's table.
# fish completion for valetkey

complete -c valetkey -f
complete -c valetkey -n __fish_use_subcommand -l help -d 'list the commands'
complete -c valetkey -n __fish_use_subcommand -l version -d 'print the version'

complete -c valetkey -n __fish_use_subcommand -a init -d 'make a new, empty keystore'
complete -c valetkey -n '__fish_seen_subcommand_from init' -l key-file -d 'open it with the raw key in FILE, made if it is missing' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from init' -l passphrase-stdin -d 'read the passphrase from standard input'
complete -c valetkey -n '__fish_seen_subcommand_from init' -l recipient -d 'who has the identity of this recipient (vkr1-...) opens it' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from init' -l kdf -d 'what a guess costs: interactive (64 MiB), moderate (256 MiB); default: half a second here' -r -f -a 'interactive moderate'
complete -c valetkey -n '__fish_seen_subcommand_from init' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a add -d 'store a credential for a URL'
complete -c valetkey -n '__fish_seen_subcommand_from add' -l username -d 'the account'\''s user name' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from add' -l name -d 'a name of your own (default: the host and path)' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from add' -l scope -d 'an npm registry entry: the packages it is for' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from add' -l kind -d 'basic (default with a user name), bearer or header' -r -f -a 'basic bearer header'
complete -c valetkey -n '__fish_seen_subcommand_from add' -l header -d 'kind header: the field that carries the secret' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from add' -l expires -d '+30d, +12h, 2030-01-31, RFC 3339, or seconds since 1970' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from add' -l from -d 'copy the secret from env:NAME or file:/PATH' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from add' -l to -d 'secret-service: the desktop'\''s keyring keeps the secret, not the keystore' -r -f -a 'secret-service'
complete -c valetkey -n '__fish_seen_subcommand_from add' -l default -d 'use this account where a client names none'
complete -c valetkey -n '__fish_seen_subcommand_from add' -l replace -d 'replace the entry that is there'
complete -c valetkey -n '__fish_seen_subcommand_from add' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a login -d 'have a token issued for a host, and renewed before it expires'
complete -c valetkey -n '__fish_seen_subcommand_from login' -l client-id -d 'the application that you registered at the server' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from login' -l client-secret -d 'its secret, if it has one: env:NAME, file:/PATH ...' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from login' -l forge -d 'what the server is, where that cannot be seen from its name' -r -f -a 'github gitlab'
complete -c valetkey -n '__fish_seen_subcommand_from login' -l issuer -d 'the server that issues tokens (default: the one of the URL)' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from login' -l scope -d 'what the token is to be good for' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from login' -l username -d 'the user name that goes with the token; '\'''\'' for a bearer token' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from login' -l name -d 'a name of your own (default: the host and path)' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from login' -l default -d 'use this account where a client names none'
complete -c valetkey -n '__fish_seen_subcommand_from login' -l replace -d 'replace an entry that no login made'
complete -c valetkey -n '__fish_seen_subcommand_from login' -l json -d 'print the entry as a JSON object'
complete -c valetkey -n '__fish_seen_subcommand_from login' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a list -d 'show the entries of the keystore, never their secrets'
complete -c valetkey -n '__fish_seen_subcommand_from list' -l json -d 'print a JSON array'
complete -c valetkey -n '__fish_seen_subcommand_from list' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a show -d 'show one entry in detail, without its secret'
complete -c valetkey -n '__fish_seen_subcommand_from show' -l username -d 'which account, where the URL has several' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from show' -l json -d 'print a JSON object'
complete -c valetkey -n '__fish_seen_subcommand_from show' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a remove -d 'remove an entry from the keystore'
complete -c valetkey -n '__fish_seen_subcommand_from remove' -l username -d 'which account, where the URL has several' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from remove' -l all -d 'every account of the URL'
complete -c valetkey -n '__fish_seen_subcommand_from remove' -l from -d 'secret-service: from the desktop'\''s keyring, not from the keystore' -r -f -a 'secret-service'
complete -c valetkey -n '__fish_seen_subcommand_from remove' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a get -d 'print the credential that a client would get for a URL'
complete -c valetkey -n '__fish_seen_subcommand_from get' -l username -d 'which account' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from get' -l field -d 'secret (the default), username or all' -r -f -a 'secret username all'
complete -c valetkey -n '__fish_seen_subcommand_from get' -l reveal -d 'print a secret even to a terminal'
complete -c valetkey -n '__fish_seen_subcommand_from get' -l json -d 'print a JSON object with all fields'
complete -c valetkey -n '__fish_seen_subcommand_from get' -l config -d 'use this config file' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from get' -l profile -d 'answer for this profile' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from get' -l offline -d 'ask no server and no keyring: say what cannot be had then'
complete -c valetkey -n '__fish_seen_subcommand_from get' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a fetch -d 'download a file with the credential for its URL'
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l output -d 'where to; "-": standard output (default: the URL'\''s last part)' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l input -d 'what to fetch, as a JSON document ("-": standard input)' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l sha256 -d 'what its SHA-256 must be' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l continue -d 'keep what came when it breaks off, and go on with it'
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l retries -d 'try again so often (default: 5)' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l timeout -d 'for all tries together (default: 3600)' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l connect-timeout -d 'for each connection (default: 30)' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l max-size -d 'refuse what is larger' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l max-redirs -d 'follow so many redirects (default: 10)' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l allow-http-redirect -d 'follow a redirect from https to http, too'
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l proxy -d 'go by this proxy, "" by none (default: as https_proxy etc. say)' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l accept -d 'ask for this media type' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l cacert -d 'trust these authorities, and no others' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l cert -d 'present this client certificate' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l key -d 'its private key, when it is in another file' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l ssl-reqd -d 'ftp: demand TLS on the connection'
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l username -d 'which account' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l no-credential -d 'present none'
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l config -d 'use this config file' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l profile -d 'answer for this profile' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l quiet -d 'say nothing but errors'
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l json -d 'print the result as a JSON object'
complete -c valetkey -n '__fish_seen_subcommand_from fetch' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a import -d 'take the credentials of another program'\''s file'
complete -c valetkey -n '__fish_seen_subcommand_from import' -l dry-run -d 'say what would be taken, and change nothing'
complete -c valetkey -n '__fish_seen_subcommand_from import' -l replace -d 'take also what the keystore has with another secret'
complete -c valetkey -n '__fish_seen_subcommand_from import' -l wipe-source -d 'afterwards overwrite FILE and remove it, or its credentials'
complete -c valetkey -n '__fish_seen_subcommand_from import' -l progress -d 'show the progress although stderr is no terminal'
complete -c valetkey -n '__fish_seen_subcommand_from import' -l json -d 'print the report as a JSON object'
complete -c valetkey -n '__fish_seen_subcommand_from import' -l help -d 'explain the command'
complete -c valetkey -n '__fish_seen_subcommand_from import' -F -a 'netrc git-credentials npmrc docker pypirc'

complete -c valetkey -n __fish_use_subcommand -a export -d 'copy entries into another keystore, or print them in clear'
complete -c valetkey -n '__fish_seen_subcommand_from export' -l clear -d 'secrets in clear: one JSON object per line'
complete -c valetkey -n '__fish_seen_subcommand_from export' -l to-store -d 'into the keystore PATH' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from export' -l key-file -d 'the raw key that opens it' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from export' -l to-recipient -d 'into a new keystore for this recipient (vkr1-...)' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from export' -l output -d 'write to FILE, which must not exist' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from export' -l replace -d 'take also what that keystore has with another secret'
complete -c valetkey -n '__fish_seen_subcommand_from export' -l reveal -d 'print secrets even to a terminal'
complete -c valetkey -n '__fish_seen_subcommand_from export' -l progress -d 'show the progress although stderr is no terminal'
complete -c valetkey -n '__fish_seen_subcommand_from export' -l json -d 'print the report as a JSON object'
complete -c valetkey -n '__fish_seen_subcommand_from export' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a unlock -d 'open the keystore for this login session'
complete -c valetkey -n '__fish_seen_subcommand_from unlock' -l for -d 'how long: 30m, 8h, 2d, at most 30d (default 12h)' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from unlock' -l scope -d 'login (the default) or user: see above' -r -f -a 'login user'
complete -c valetkey -n '__fish_seen_subcommand_from unlock' -l key-file -d 'open it with the raw key in FILE' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from unlock' -l identity -d 'open it with the identity in FILE' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from unlock' -l passphrase-stdin -d 'read the passphrase from standard input'
complete -c valetkey -n '__fish_seen_subcommand_from unlock' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a lock -d 'end every session: forget the keystore'\''s key'
complete -c valetkey -n '__fish_seen_subcommand_from lock' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a status -d 'say where the keystore is and whether it is unlocked'
complete -c valetkey -n '__fish_seen_subcommand_from status' -l json -d 'print a JSON object'
complete -c valetkey -n '__fish_seen_subcommand_from status' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a slot -d 'say who can open the keystore'
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l passphrase -d 'add: a passphrase, asked for on the terminal'
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l passphrase-stdin -d 'add, change: read the new passphrase from standard input'
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l key-file -d 'add: the raw key in FILE, made if it is missing' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l recipient -d 'add: who has the identity of this recipient (vkr1-...)' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l external -d 'add: a key that the program valetkey-PROGRAM keeps' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l label -d 'add, change: a name for it, which only those who open it see' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l kdf -d 'what a guess costs: interactive (64 MiB), moderate (256 MiB); default: half a second here' -r -f -a 'interactive moderate'
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l keep-key -d 'remove: do not rotate the keys'
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l json -d 'list: print a JSON array'
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l current-passphrase-stdin -d 'open the keystore with a passphrase from standard input'
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l current-key-file -d 'open the keystore with the raw key in FILE' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l current-identity -d 'open the keystore with the identity in FILE' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from slot' -l help -d 'explain the command'
complete -c valetkey -n '__fish_seen_subcommand_from slot' -F -a 'add list change remove rotate keygen'

complete -c valetkey -n __fish_use_subcommand -a verify -d 'read and authenticate the whole keystore'
complete -c valetkey -n '__fish_seen_subcommand_from verify' -l json -d 'print a JSON object'
complete -c valetkey -n '__fish_seen_subcommand_from verify' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a compact -d 'write the keystore anew, without the pages that are free'
complete -c valetkey -n '__fish_seen_subcommand_from compact' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a backup -d 'copy the keystore to FILE, as it is between two changes'
complete -c valetkey -n '__fish_seen_subcommand_from backup' -l help -d 'explain the command'
complete -c valetkey -n '__fish_seen_subcommand_from backup' -F

complete -c valetkey -n __fish_use_subcommand -a repair -d 'save what can be read of a damaged keystore'
complete -c valetkey -n '__fish_seen_subcommand_from repair' -l help -d 'explain the command'

complete -c valetkey -n __fish_use_subcommand -a run -d 'run a command with credentials that end with it'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l profile -d 'only what this profile names' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from run' -l config -d 'use this config file' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from run' -l offline -d 'ask no server and no keyring: say what cannot be had then'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l credential -d 'only these credentials' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from run' -l with -d 'give them to these tools: auto, git, go, npm ...' -r -f -a 'git docker go cargo npm pnpm yarn yarn-berry bun deno deno-modules pip uv poetry twine conda containers maven gradle coursier helm composer bundler nuget terraform gem swift auto get'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l env -d 'set a variable to the secret of a reference' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from run' -l template -d 'FILE with ${valetkey:NAME} filled in, its path in VAR' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from run' -l build-secret -d 'a file for {secrets}: npm, netrc, or a reference' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from run' -l rung -d 'run with this isolation or not at all' -r -f -a 'R1 R2 R3'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l require-rung -d 'do not run with a weaker isolation' -r -f -a 'R1 R2 R3'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l max-rung -d 'do not try a stronger one' -r -f -a 'R1 R2 R3'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l allow-daemons -d 'what the command leaves running lives on: no R1'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l keep-own-credentials -d 'leave other tokens in .npmrc and netrc'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l no-confine -d 'hide nothing of the user'\''s from the command'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l gate -d 'hand the files to the command itself, the first reader, or all' -r -f -a 'own first all'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l once -d 'each file for its first reader only, and no tool that asks'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l two-phase -d 'fetch with the credentials, then run what was fetched without'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l ttl -d 'withdraw the credentials after this time: 30s, 10m, 1h' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from run' -l scan -d 'when it has ended, look for the secrets in what it left there' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from run' -l mask -d 'hide the secrets in what the command writes (in CI they are)'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l no-mask -d 'pass on what the command writes as it is'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l verbose -d 'say what is placed and what is in force'
complete -c valetkey -n '__fish_seen_subcommand_from run' -l help -d 'explain the command'
complete -c valetkey -n '__fish_seen_subcommand_from run' -x -a '(__fish_complete_subcommand --fcs-skip=2)'

complete -c valetkey -n __fish_use_subcommand -a render -d 'print the file that a recipe would inject'
complete -c valetkey -n '__fish_seen_subcommand_from render' -l profile -d 'only what this profile names' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from render' -l config -d 'use this config file' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from render' -l credential -d 'only this credential' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from render' -l keep-own-credentials -d 'leave other tokens in .npmrc and netrc'
complete -c valetkey -n '__fish_seen_subcommand_from render' -l reveal -d 'print even to a terminal'
complete -c valetkey -n '__fish_seen_subcommand_from render' -l help -d 'explain the command'
complete -c valetkey -n '__fish_seen_subcommand_from render' -a 'npm netrc containers maven coursier'

complete -c valetkey -n __fish_use_subcommand -a scan -d 'look for the secrets themselves in trees, archives and images'
complete -c valetkey -n '__fish_seen_subcommand_from scan' -l profile -d 'only what this profile names' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from scan' -l config -d 'use this config file' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from scan' -l credential -d 'only this credential' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from scan' -l one-file-system -d 'do not enter other file systems of a tree'
complete -c valetkey -n '__fish_seen_subcommand_from scan' -l json -d 'print one JSON object'
complete -c valetkey -n '__fish_seen_subcommand_from scan' -l help -d 'explain the command'
complete -c valetkey -n '__fish_seen_subcommand_from scan' -F

complete -c valetkey -n __fish_use_subcommand -a setup -d 'make tools ask valetkey'
complete -c valetkey -n '__fish_seen_subcommand_from setup' -l undo -d 'take out what setup put in; the rest stays byte for byte'
complete -c valetkey -n '__fish_seen_subcommand_from setup' -l print -d 'print what would be put in, and change nothing'
complete -c valetkey -n '__fish_seen_subcommand_from setup' -l host -d 'git, docker, bazel, pnpm: this host too; without a keystore, only this one' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from setup' -l force -d 'docker: replace another program'\''s entry; pip, uv: come before it'
complete -c valetkey -n '__fish_seen_subcommand_from setup' -l list -d 'the tools that are known, how each gets its credential, what was verified'
complete -c valetkey -n '__fish_seen_subcommand_from setup' -l json -d '--list as JSON'
complete -c valetkey -n '__fish_seen_subcommand_from setup' -l help -d 'explain the command'
complete -c valetkey -n '__fish_seen_subcommand_from setup' -a 'git docker go cargo pnpm pip uv nuget bazel terraform aws'

complete -c valetkey -n __fish_use_subcommand -a log -d 'show which credential was given to whom'
complete -c valetkey -n '__fish_seen_subcommand_from log' -l json -d 'print the lines themselves, one JSON object each'
complete -c valetkey -n '__fish_seen_subcommand_from log' -l since -d 'not older: 90m, 7d, 2030-01-31, 2030-01-31T12:00:00Z' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from log' -l host -d 'about this host, or HOST:PORT' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from log' -l credential -d 'about this credential' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from log' -l event -d 'answer, inject, export, refuse, store, erase or end' -r -f -a 'answer inject export refuse store erase end'
complete -c valetkey -n '__fish_seen_subcommand_from log' -l last -d 'only the last N of these' -r -f
complete -c valetkey -n '__fish_seen_subcommand_from log' -l config -d 'use this config file' -r -F
complete -c valetkey -n '__fish_seen_subcommand_from log' -l help -d 'explain the command'
complete -c valetkey -n '__fish_seen_subcommand_from log' -F

complete -c valetkey -n __fish_use_subcommand -a doctor -d 'say what is protected here, and what lies around in clear'
complete -c valetkey -n '__fish_seen_subcommand_from doctor' -l json -d 'print a JSON object'
complete -c valetkey -n '__fish_seen_subcommand_from doctor' -l help -d 'explain the command'
complete -c valetkey -n '__fish_seen_subcommand_from doctor' -F

complete -c valetkey -n __fish_use_subcommand -a helper -d 'answer a tool'\''s credential protocol (started by the tool)'
complete -c valetkey -n '__fish_seen_subcommand_from helper' -l help -d 'explain the command'
complete -c valetkey -n '__fish_seen_subcommand_from helper' -a 'git-credential docker-credential goauth bazel-credential terraform-credentials nuget-plugin aws-credential keyring cargo-credential pnpm-token yarn-header'
