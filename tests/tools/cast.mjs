// Foundry's cast: blocks, sending, calling, logs, proofs.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { artifact, devAddress, devKey, here, run } from './lib.mjs';

// The binary itself: its npm front ends with 0 even when cast fails.
const binary = join(here, 'node_modules', '@foundry-rs', 'cast-linux-amd64', 'bin', 'cast');

export async function cast(checks, node) {
  const call = (command, ...rest) => run(binary, [command, '--rpc-url', node.http, ...rest]);
  const to = '0x000000000000000000000000000000000000dEaD';

  await checks.check('cast chain-id, client, block', async () => {
    assert.equal(await call('chain-id'), '1337');
    assert.match(await call('client'), /^hanse\/v/);
    const block = JSON.parse(await call('block', 'latest', '--json'));
    assert.equal(block.hash.length, 66);
    assert.equal(await call('balance', devAddress, '--ether').then((text) => Number(text) > 9_999), true);
  });

  await checks.check('cast send moves ether and the receipt says so', async () => {
    const before = BigInt(await call('balance', to));
    const sent = JSON.parse(await call('send', '--private-key', devKey, '--value', '1ether', to, '--json'));
    assert.equal(sent.status, '0x1');
    assert.equal(BigInt(await call('balance', to)) - before, 10n ** 18n);
    const receipt = JSON.parse(await call('receipt', sent.transactionHash, '--json'));
    assert.equal(receipt.blockHash, sent.blockHash);
    const transaction = JSON.parse(await call('tx', sent.transactionHash, '--json'));
    assert.equal(transaction.from.toLowerCase(), devAddress.toLowerCase());
  });

  await checks.check('cast send uses an account of the node (--unlocked)', async () => {
    const sent = JSON.parse(await call('send', '--unlocked', '--from', devAddress, '--value', '1', to, '--json'));
    assert.equal(sent.status, '0x1');
  });

  await checks.check('cast deploys a contract, calls it, estimates, reads logs and storage', async () => {
    const constructor = await run(binary, ['abi-encode', 'f(string,string,uint8,address)', 'Test pound', 'GBP', '2', devAddress]);
    const code = artifact('Currency').bytecode + constructor.slice(2);
    const created = JSON.parse(await call('send', '--private-key', devKey, '--json', '--create', code));
    assert.equal(created.status, '0x1');
    const token = created.contractAddress;
    assert.ok((await call('code', token)).length > 100);
    assert.match(await call('call', token, 'name()(string)'), /Test pound/);
    const issued = JSON.parse(await call('send', '--private-key', devKey, token, 'issue(address,uint256)', to, '1234', '--json'));
    assert.equal(issued.status, '0x1');
    assert.match(await call('call', token, 'balanceOf(address)(uint256)', to), /^1234/);
    assert.ok(Number(await call('estimate', '--from', devAddress, token, 'issue(address,uint256)', to, '1')) > 21_000);
    const logs = JSON.parse(await call('logs', '--address', token, 'Transfer(address,address,uint256)', '--from-block', '0', '--json'));
    assert.equal(logs.length, 1);
    assert.equal(BigInt(logs[0].data), 1234n);
    await assert.rejects(call('call', token, 'issue(address,uint256)', to, '1', '--from', to), /revert|NotIssuer/i);
  });

  await checks.check('cast proof gives an account that matches the state', async () => {
    const proof = JSON.parse(await call('proof', devAddress));
    assert.equal(BigInt(proof.balance), BigInt(await call('balance', devAddress)));
    assert.ok(proof.accountProof.length > 0);
  });

  await checks.check('cast run replays a transaction and traces it', async () => {
    const sent = JSON.parse(await call('send', '--private-key', devKey, '--value', '1', to, '--json'));
    const trace = JSON.parse(await call('rpc', 'debug_traceTransaction', sent.transactionHash, '{"tracer":"callTracer"}'));
    assert.equal(trace.type, 'CALL');
    assert.equal(BigInt(trace.value), 1n);
  });
}
