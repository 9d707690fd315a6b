// SPDX-License-Identifier: ISC
// A real authorization server (oidc-provider, certified) on a free port of 127.0.0.1, with device flow and refresh tokens of one use.
//
//     node issuer.mjs MODULES READY CERT KEY LOG
//
// MODULES: where oidc-provider is installed; READY: gets the port; LOG: a line for each request to the token endpoint.  How long
// access tokens last is in LOG.ttl, in seconds, read each time.
import fs from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, ready, cert, key, log] = process.argv.slice(2);
const { default: Provider } = await import(
	pathToFileURL(createRequire(`${modules}/package.json`).resolve('oidc-provider')).href);
const device = 'urn:ietf:params:oauth:grant-type:device_code';
const ttl = () => Number(fs.readFileSync(`${log}.ttl`, 'utf8'));
const server = https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) });

server.listen(0, '127.0.0.1', () => {
	const { port } = server.address();
	const provider = new Provider(`https://127.0.0.1:${port}`, {
		clients: [
			{ client_id: 'public', token_endpoint_auth_method: 'none' },
			{ client_id: 'with+secret', client_secret: 'sec:ret/%+' },
		].map((c) => ({ ...c, grant_types: [device, 'refresh_token'], response_types: [], redirect_uris: [] })),
		features: { deviceFlow: { enabled: true }, revocation: { enabled: true } },
		issueRefreshToken: async () => true,
		rotateRefreshToken: true,
		ttl: { AccessToken: ttl, DeviceCode: () => 300, Grant: 3600, Interaction: 300, RefreshToken: 3600, Session: 3600 },
	});
	provider.use(async (ctx, next) => {
		await next();
		if (ctx.path === '/token')
			fs.appendFileSync(log, `${ctx.oidc?.params?.grant_type === device ? 'device' : ctx.oidc?.params?.grant_type} ${ctx.status}\n`);
	});
	server.on('request', provider.callback());
	fs.writeFileSync(`${ready}.new`, String(port));
	fs.renameSync(`${ready}.new`, ready);
});
