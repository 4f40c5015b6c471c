// Walks through the pages of a node that has let history go, by a rule about orders (tests/tools/retention.mjs):
//
//   node e2e/retention.mjs --url URL --order ID --transaction HASH --block NUMBER --shots DIR
//
// The transaction is one that is gone, of this order and in this block. Ends like run.mjs.
import { parseArgs } from 'node:util';
import assert from 'node:assert/strict';
import { BROWSER_OPTIONS, Walk } from './browser.mjs';

const { values: options } = parseArgs({ options: { ...BROWSER_OPTIONS, order: { type: 'string' }, transaction: { type: 'string' }, block: { type: 'string' } } });
const walk = await Walk.begin(options);
const { base, get, rpc, open, step, shot, settle, accessible, fits } = walk;
const network = await get('/api/network');
const page = await open({ height: 1000 });
const text = () => page.locator('main').innerText();

await step('a transaction that is gone: said so, with the way to the rules', async () => {
  await page.goto(`${base}/tx/${options.transaction}`);
  await page.waitForSelector('.notice');
  assert.match(await text(), /This node no longer keeps it[\s\S]*whoever kept it can prove it/);
  await shot(page, 'pruned-transaction');
  await accessible(page);
});

await step('its block stands, and so does its place in it', async () => {
  await page.goto(`${base}/block/${options.block}`);
  const row = page.locator('tr', { has: page.locator(`a[href="/tx/${options.transaction}"]`) });
  await row.waitFor();
  assert.match(await row.innerText(), /no longer kept here/);
  await settle(page);
  await shot(page, 'pruned-block', true);
  await accessible(page);
});

await step('an order whose history is gone is told from one that never was', async () => {
  await page.goto(`${base}/order/${options.order}`);
  await page.getByText('This node no longer keeps the history of this order').waitFor();
  assert.match(await text(), /The escrow knows the order[\s\S]*of all blocks before [\d,]+/);
  await shot(page, 'pruned-order');
  await accessible(page);
  await page.goto(`${base}/order/0x${'12'.repeat(32)}`);
  await page.getByText('No such order').waitFor();
  walk.expect(/404/); // the node's own way to say that it has no such order
});

await step('events of an account are shown as far back as they are there', async () => {
  await page.goto(`${base}/account/${network.escrow}`);
  await page.waitForSelector('[data-kept]');
  assert.match(await page.locator('[data-kept]').innerText(), /from block [\d,]+ on/);
  await accessible(page);
});

await step('the catalog has the rule, and the node says from where on it keeps all', async () => {
  const { contracts } = await rpc('hanse_getHistory');
  assert.equal(Object.keys(contracts).length, 1);
  await page.goto(`${base}/desk/data`);
  await page.waitForSelector('[data-entry=orders] [data-rule="2"]');
  await page.locator('[data-kept]:not([data-kept="0"])').waitFor();
  assert.match(await page.locator('[data-kept]').innerText(), /since block [\d,]+\s+Escrow\s+from block [\d,]+ on/);
  await settle(page);
  await shot(page, 'pruned-data', true);
  await accessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page);
});

await walk.end();
