// SPDX-License-Identifier: ISC
// What npm itself would send: node npm-auth.js NPMDIR URL... prints, for each URL, the credential that npm's own
// configuration loader and npm-registry-fetch come to in this directory and environment.
'use strict'
const path = require('path')
const [npm, ...urls] = process.argv.slice(2)
const from = (name) => require(path.join(npm, 'node_modules', name))
const Config = from('@npmcli/config')
const { definitions, shorthands, flatten } = from('@npmcli/config/lib/definitions')
const getAuth = from('npm-registry-fetch/lib/auth.js')

const config = new Config({ npmPath: npm, definitions, shorthands, flatten, argv: ['node', 'npm'], warn: false })
config.load().then(() => {
	for (const url of urls) {
		const auth = getAuth(url, config.flat)
		process.stdout.write(JSON.stringify(auth.token ? `Bearer ${auth.token}` : auth.auth ? `Basic ${auth.auth}` : '') + '\n')
	}
}).catch((e) => {
	process.stderr.write(`${e.stack}\n`)
	process.exit(1)
})
