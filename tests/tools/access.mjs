// A node that asks who calls: TLS with an organization's certificate, tokens with roles and rates, certificates of clients
// that members issue, and the record of what was done to it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { freePort, hanse, run, until } from './lib.mjs';
import { within } from './network.mjs';

/** One call over TLS. Gives status, headers and body. */
function call(port, { method = 'eth_blockNumber', params = [], token, agent, path = '/', verb = 'POST', body }) {
  const headers = { 'content-type': 'application/json', host: 'localhost' };
  if (token) headers.authorization = token;
  const text = body ?? JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  return new Promise((done, failed) => {
    const asked = request({ host: 'localhost', port, path, method: verb, headers, agent }, (response) => {
      let read = '';
      response.on('data', (data) => (read += data));
      response.on('end', () => done({ status: response.statusCode, headers: response.headers, body: read ? parsed(read) : undefined }));
    });
    asked.on('error', failed);
    asked.end(verb === 'POST' ? text : undefined);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export async function access(checks) {
  await checks.check('access: TLS, tokens, roles, rates, certificates of members, and the audit log', () =>
    within('bft', async (network) => {
      const home = mkdtempSync(join(tmpdir(), 'hanse-access-'));
      try {
        await asked(network, home);
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
    }),
  );
}

async function asked(network, home) {
  const org = join(network.folder, 'brand/org');
  const issue = (...args) => run(hanse, ['org', 'enroll', ...args, '--directory', org]);
  await issue('server', 'rpc', '--hosts', 'localhost,127.0.0.1');
  await issue('admin', 'ada');
  await issue('client', 'till', '--roles', 'merchant');
  await run(hanse, ['org', 'create', '--name', 'Brand', '--directory', join(home, 'false')]);
  await run(hanse, ['org', 'enroll', 'admin', 'eve', '--directory', join(home, 'false')]);
  const keyFile = (folder) => join(folder, 'keystore', readdirSync(join(folder, 'keystore'))[0]);
  const keyOf = (folder) => readFileSync(keyFile(folder));
  const certOf = (folder) => readFileSync(join(folder, 'signcerts', 'cert.pem'));
  const ca = readFileSync(join(org, 'ca/ca-cert.pem'));
  const agent = (folder) => new Agent({ ca, ...(folder && { cert: certOf(folder), key: keyOf(folder) }) });

  // Settings of the brand's node, which is started anew with them.
  const tokens = join(home, 'tokens.toml');
  const grant = (...args) => run(hanse, ['access', '--tokens', tokens, 'grant', ...args]).then((text) => text.trim());
  const [ops, reader] = [await grant('ops', '--role', 'operator'), await grant('reader', '--role', 'reader')];
  const slow = await grant('slow', '--role', 'slow', '--days', '1');
  const server = join(org, 'servers/rpc/msp');
  const port = await freePort();
  const written = readFileSync(join(network.folder, 'brand/config.toml'), 'utf8');
  const ws = /\[ws\]\nport = (\d+)/.exec(written)[1];
  const settings = written.replace(/\[http\]\nport = \d+/, `[http]\nport = ${port}`);
  const config = `${settings}
[tls]
certificate = "${join(server, 'signcerts/cert.pem')}"
key = "${keyFile(server)}"
clients = "optional"

[access]
enabled = true
tokens = "${tokens}"

[[access.certificates]]
policy = "'Brand.admin'"
role = "operator"

[[access.certificates]]
policy = "'Brand.merchant'"
role = "reader"

[access.roles.slow]
methods = ["eth_chainId"]
rate = 2
`;
  writeFileSync(join(network.folder, 'brand/config.toml'), config);
  await network.kill('brand');
  network.start('brand');
  const plain = agent();
  const bearer = (token) => `Bearer ${token}`;
  await until('an answer', () => call(port, { token: bearer(ops), agent: plain }).then(({ status }) => status === 200));

  const nobody = await call(port, { agent: plain });
  assert.equal(nobody.status, 401);
  assert.match(nobody.headers['www-authenticate'], /Basic.*Bearer/);
  assert.equal((await call(port, { agent: plain, token: bearer('hanse_00') })).status, 401);
  await assert.rejects(fetch(`http://localhost:${port}`, { method: 'POST', body: '{}' }), 'no plain HTTP');
  assert.equal((await call(port, { agent: plain, verb: 'GET' })).status, 200, 'signs of life are for everybody');

  // Roles.
  const as = (token, method, params) => call(port, { agent: plain, token: bearer(token), method, params });
  assert.equal((await as(reader, 'eth_chainId')).body.result, '0x539');
  const refused = (await as(reader, 'eth_sendRawTransaction', ['0x00'])).body.error;
  assert.equal(refused.code, -32004);
  assert.match(refused.message, /the role reader may not call eth_sendRawTransaction/);
  const batch = JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'eth_sendRawTransaction', params: ['0x00'] }, { jsonrpc: '2.0', id: 2, method: 'eth_chainId', params: [] }]);
  const mixed = (await call(port, { agent: plain, token: bearer(reader), body: batch })).body;
  assert.deepEqual(mixed.map(({ error, result }) => error?.code ?? result), [-32004, '0x539']);
  const basic = `Basic ${Buffer.from(`anybody:${reader}`).toString('base64')}`;
  assert.equal((await call(port, { agent: plain, token: basic, method: 'eth_chainId' })).body.result, '0x539', 'as a browser shows it');

  // Rates: four at once, then two a second.
  const many = await Promise.all(Array.from({ length: 12 }, () => as(slow, 'eth_chainId')));
  const limited = many.filter(({ body }) => body.error?.code === -32005);
  assert.ok(limited.length >= 6 && limited.length <= 8, `${limited.length} of 12 were too many`);
  assert.match(limited[0].body.error.message, /slow has used up its calls; try again in \d+ ms/);

  // A token is taken back while the node runs: also a connection that lasts ends then.
  const socket = new WebSocket(`wss://localhost:${ws}`, { ca, headers: { authorization: bearer(reader) } });
  await once(socket, 'open');
  const heard = [];
  socket.on('message', (message) => heard.push(JSON.parse(message)));
  const ask = (id) => socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'eth_chainId', params: [] }));
  ask(1);
  await until('an answer on the connection', () => Promise.resolve(heard.some(({ id, result }) => id === 1 && result === '0x539')));
  const closed = once(socket, 'close');
  await run(hanse, ['access', '--tokens', tokens, 'revoke', 'reader']);
  await until('the token has no use', async () => (await as(reader, 'eth_chainId')).status === 401, 15);
  ask(2);
  const [code, why] = await closed;
  assert.deepEqual([code, String(why)], [1008, 'what you have shown counts no longer']);
  assert.ok(!heard.some(({ id }) => id === 2), 'it is not answered');

  // Certificates of people.
  const person = (folder, method) => call(port, { agent: agent(folder), method, params: [] });
  assert.equal((await person(join(org, 'users/till/msp'), 'eth_chainId')).body.result, '0x539');
  assert.equal((await person(join(org, 'users/till/msp'), 'hanse_setFault')).body.error.code, -32004);
  const ada = (await person(join(org, 'users/ada/msp'), 'hanse_setFault')).body;
  assert.notEqual(ada.error?.code, -32004, 'an admin may');
  const eve = await person(join(home, 'false/users/eve/msp'), 'eth_chainId');
  assert.equal(eve.status, 401, 'an authority of the same name is another one');

  // What was done is on record, and nobody changes it unnoticed.
  const data = join(network.folder, 'brand/data');
  const shown = await run(hanse, ['audit', '--datadir', data]);
  assert.match(shown, /ada@Brand \(operator\) from 127\.0\.0\.1:\d+: hanse_setFault/);
  assert.match(shown, /till@Brand \(reader\) from 127\.0\.0\.1:\d+: hanse_setFault.*not permitted/, 'what somebody tried');
  assert.doesNotMatch(shown, /eve@|: eth_/, 'neither strangers nor what is no administration');
  assert.match(shown, /operator \(machine\) from here: node started/);
  const log = join(data, 'audit.log');
  const whole = readFileSync(log, 'utf8');
  writeFileSync(log, whole.replace('ada@Brand', 'eve@Brand'));
  await assert.rejects(run(hanse, ['audit', '--datadir', data]), /does not have the hash that it says|Somebody has changed this file/);
  writeFileSync(log, whole);
}
