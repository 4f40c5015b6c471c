// Walks through the pages about consensus, against a node of a development network of four validators with
// equal votes that let themselves be made to fail (`hanse localnet`):
//
//   npm run e2e:network -- --url http://localhost:8080 --shots DIR
//
// One validator is paused and one is made to lie: afterwards the network has three. Ends like run.mjs.
import { parseArgs } from 'node:util';
import assert from 'node:assert/strict';
import { BROWSER_OPTIONS, Walk } from './browser.mjs';

const { values: options } = parseArgs({ options: BROWSER_OPTIONS });
const walk = await Walk.begin(options);
const { base, rpc, get, open, step, shot, heading, settle, accessible, fits } = walk;

const status = await rpc('hanse_status');
const { nodes } = await get('/api/network');
assert.equal(status.engine, 'bft');
assert.ok(status.faults.includes('pause') && status.faults.includes('equivocateVotes'), 'faults cannot be caused here');
const others = nodes.filter(({ validator }) => validator.toLowerCase() !== status.validator.toLowerCase());
const [sleeper, liar] = others;
const PATIENCE = { timeout: 90_000 }; // blocks may be seconds apart

const page = await open({ height: 1000 });
const figure = (name) => page.locator(`[data-figure=${name}]`).innerText();

await step('network: who decides, and who signed the last blocks', async () => {
  await page.goto(base);
  await page.locator('header nav a', { hasText: 'Network' }).click();
  await page.waitForURL(`${base}/network`);
  await page.waitForSelector('tbody tr[data-block]');
  await settle(page);
  assert.equal(await heading(page), 'Network');
  assert.match(await page.locator('main').innerText(), /Equal votes/);
  assert.equal(await figure('signing'), '4 of 4');
  assert.equal(await figure('tolerated'), '1');
  assert.equal(await page.locator('tr[data-validator]').count(), 4);
  const newest = page.locator('tr[data-block]').first();
  const before = Number(await newest.getAttribute('data-block'));
  await page.waitForFunction((old) => Number(document.querySelector('tr[data-block]').dataset.block) > old, before, PATIENCE);
  // The picture is the certificate, cell by cell.
  const row = page.locator('tr[data-block]').nth(1);
  const number = Number(await row.getAttribute('data-block'));
  const certificate = await rpc('hanse_getCertificate', [`0x${number.toString(16)}`]);
  assert.equal(await row.locator('[data-mark=signed]').count(), certificate.signatures.length);
  assert.equal(await row.locator('.proposed').count(), 1);
  await page.waitForFunction(() => document.querySelectorAll('[aria-labelledby=peers-heading] tbody tr').length === 3);
  await shot(page, 'network-en-light', true);
  await accessible(page);
});

const signed = parseInt((await rpc('eth_getBlockByNumber', ['latest', false])).number, 16) - 1;

await step('block: its certificate, checked in the browser', async () => {
  await page.goto(`${base}/block/${signed}`);
  await page.waitForSelector('[data-final=true]');
  const certificate = await rpc('hanse_getCertificate', [`0x${signed.toString(16)}`]);
  assert.equal(await page.locator('[data-verdict=valid]').count(), certificate.signatures.length);
  assert.equal(await page.locator('[data-verdict=absent]').count(), certificate.absent.length);
  await settle(page);
  await shot(page, 'certificate-en-light', true);
  await accessible(page);
});

/** Lets the node lie about the answers of one method, as seen by this page. */
async function lie(at, method, change) {
  await at.route('**/rpc', async (route) => {
    if (route.request().postDataJSON().method !== method) return route.continue();
    const response = await route.fetch();
    const body = await response.json();
    change(body.result);
    await route.fulfill({ response, json: body });
  });
}

await step('block: a forged certificate is called one', async () => {
  const deceived = await open();
  await lie(deceived, 'hanse_getCertificate', (certificate) => {
    certificate.signatures[0].signature = certificate.signatures[1].signature;
  });
  await deceived.goto(`${base}/block/${signed}`);
  await deceived.waitForSelector('[data-final=false]');
  assert.equal(await deceived.locator('[data-verdict=invalid]').count(), 1);
  assert.match(await deceived.locator('.conclusion').innerText(), /Do not believe/);
  await shot(deceived, 'certificate-forged-en-light', true);
  await accessible(deceived);
  await deceived.context().close();
});

await step('evidence: none yet, and said so', async () => {
  await page.goto(`${base}/evidence`);
  await settle(page);
  assert.match(await page.locator('main').innerText(), /No evidence/);
  await shot(page, 'evidence-none-en-light');
  await accessible(page);
  await page.goto(`${base}/evidence/7`);
  await settle(page);
  assert.equal(await heading(page), 'No such evidence');
});

await step('a paused validator: foretold, seen to be missing, and back', async () => {
  await page.goto(`${base}/network`);
  const row = page.locator(`[data-node=${sleeper.name}]`);
  // By keyboard, as everything here.
  await row.locator('[data-fault=pause]').focus();
  await page.keyboard.press('Enter');
  const about = row.locator('.about');
  await about.waitFor();
  assert.match(await about.innerText(), /3 of 4 votes, and 3 are enough/);
  await shot(page, 'fault-foretold-en-light', true);
  await accessible(page);
  await about.locator('label', { hasText: '2 minutes' }).click();
  await about.locator('.go').click();
  await row.locator('.now', { hasText: 'paused' }).waitFor();
  await page.waitForSelector('[data-mark=away]', PATIENCE);
  await page.waitForSelector('[data-happened=away]');
  assert.equal(await figure('signing'), '3 of 4');
  assert.match(await page.locator('[data-now]').innerText(), new RegExp(`Not signing: ${sleeper.name}\\.`));
  await shot(page, 'network-missing-en-light', true);
  await accessible(page);
  await row.locator('button', { hasText: 'End it now' }).click();
  await page.waitForSelector('[data-happened=back]', PATIENCE);
  await page.waitForFunction(() => document.querySelector('[data-now]').dataset.now === 'green', undefined, PATIENCE);
});

await step('a lying validator: removed by evidence', async () => {
  const row = page.locator(`[data-node=${liar.name}]`);
  await row.locator('[data-fault=equivocateVotes]').click();
  assert.match(await row.locator('.about').innerText(), /removed for ever[\s\S]*3 validators are left, of whom 0 may fail/);
  await row.locator('.go').click();
  await page.waitForSelector('[data-happened=evidence]', PATIENCE);
  await page.waitForSelector('[data-happened=removed]', PATIENCE);
  await page.waitForFunction(() => document.querySelector('[data-figure=signing]').textContent === '3 of 3', undefined, PATIENCE);
  assert.equal(await figure('tolerated'), '0');
  assert.match(await page.locator(`li[data-validator="${liar.validator.toLowerCase()}"]`).innerText(), /signed two things/);
  await shot(page, 'network-removed-en-light', true);
  await accessible(page);
});

await step('evidence: both messages, and who signed them, computed here', async () => {
  // A liar may be caught more than once; what happened first stands last.
  await page.locator('[data-happened=evidence] a').last().click();
  await page.waitForURL(`${base}/evidence/0`);
  await page.waitForSelector('[data-proven=true]');
  await settle(page);
  const [proof] = await rpc('hanse_getEvidence');
  assert.equal(proof.accused.toLowerCase(), liar.validator.toLowerCase());
  const text = await page.locator('main').innerText();
  for (const { digest, signature } of proof.messages) for (const expected of [digest, signature]) assert.ok(text.includes(expected), `${expected} is missing`);
  assert.equal(await page.locator('.signer.correct').count(), 2);
  assert.ok((await page.locator(`a[href="/tx/${proof.transactionHash}"]`).count()) === 1);
  await shot(page, 'evidence-item-en-light', true);
  await accessible(page);
  await page.locator('a', { hasText: 'All evidence' }).click();
  await page.waitForURL(`${base}/evidence`);
  await settle(page);
  assert.equal(await page.locator('main li').count(), (await rpc('hanse_getEvidence')).length);
  await shot(page, 'evidence-en-light');
  await accessible(page);
});

await step('evidence: what proves nothing is called that', async () => {
  const deceived = await open();
  await lie(deceived, 'hanse_getEvidence', (list) => {
    list[0].accused = sleeper.validator; // an innocent one
  });
  await deceived.goto(`${base}/evidence/0`);
  await deceived.waitForSelector('[data-proven=false]');
  assert.match(await deceived.locator('.check').innerText(), /proves nothing/);
  assert.equal(await deceived.locator('.signer.wrong').count(), 2);
  await accessible(deceived);
  await deceived.context().close();
});

const pages = [['network', '/network'], ['evidence', '/evidence'], ['evidence-item', '/evidence/0'], ['certificate', `/block/${signed}`]];

await step('every page in Chinese, in the dark, and on a phone', async () => {
  for (const [name, path] of pages) {
    for (const [how, look] of [['zh-light', { language: 'zh-CN' }], ['en-dark', { scheme: 'dark' }], ['en-phone', { width: 390, height: 844 }], ['zh-phone', { width: 390, height: 844, language: 'zh-CN', scheme: 'dark' }]]) {
      const other = await open(look);
      await other.goto(base + path);
      await settle(other);
      await other.waitForTimeout(600);
      await fits(other);
      if (look.language) assert.match(await other.title(), /\p{Script=Han}/u);
      await shot(other, `${name}-${how}`, true);
      await accessible(other);
      await other.context().close();
    }
  }
});

await step('a node that goes away is said to be, and what was known stays', async () => {
  const lost = await open();
  await lost.goto(`${base}/network`);
  await lost.waitForSelector('tr[data-block]');
  await lost.route('**/rpc', (route) => route.abort());
  await lost.waitForSelector('.stale');
  assert.ok((await lost.locator('tr[data-block]').count()) > 0);
  await shot(lost, 'network-stale-en-light');
  await lost.unroute('**/rpc');
  await lost.waitForSelector('.stale', { state: 'detached' });
  await lost.context().close();

  const never = await open();
  await never.route('**/rpc', (route) => route.abort());
  await never.goto(`${base}/network`);
  await never.waitForSelector('.notice');
  assert.match(await never.locator('main').innerText(), /cannot be reached/);
  await shot(never, 'network-unreachable-en-light');
  await never.unroute('**/rpc');
  await never.waitForSelector('tr[data-block]');
  await never.context().close();
  walk.expect(/ERR_FAILED/);
});

await walk.end();
