// Walks through the page as a reader would, in a real browser, against a running node:
//
//   npm run e2e -- --url http://localhost:8080 --shots DIR
//
// Options: --chromium PATH (default /usr/bin/chromium), --require-orders (fail when the ledger holds no
// order), --expect-movement (somebody is trading: an order must move on the screen by itself). Ends with a line "N passed, N failed" and a non-zero exit when anything failed.
import { parseArgs } from 'node:util';
import assert from 'node:assert/strict';
import { BROWSER_OPTIONS, Walk } from './browser.mjs';

const { values: options } = parseArgs({
  options: {
    ...BROWSER_OPTIONS,
    'require-orders': { type: 'boolean', default: false },
    'expect-movement': { type: 'boolean', default: false },
  },
});
const walk = await Walk.begin(options);
const { base, rpc, get, open, step, shot, heading, settle, accessible, fits } = walk;
/** An order that does not exist is answered with 404, which the browser reports by itself. */
const expect404 = () => walk.expect(/status of 404/);

// --- what the ledger holds, asked before the browser looks at it ---
const network = await get('/api/network');
const list = network.escrow ? await get('/api/orders?limit=50') : { orders: [], counts: {} };
const order = list.orders.find(({ state }) => state === 'Captured') ?? list.orders[0];
const life = order ? await get(`/api/orders/${order.id}`) : null;
if (options['require-orders']) assert.ok(order, 'the ledger holds no order');
const block = life
  ? await rpc('eth_getBlockByNumber', [`0x${life.events[0].blockNumber.toString(16)}`, false])
  : await rpc('eth_getBlockByNumber', ['latest', false]);
const height = parseInt(block.number, 16);
const transactionHash = life?.events[0].transactionHash ?? block.transactions[0];
const account = life?.merchant ?? network.parties[0]?.address ?? block.miner;

const page = await open();

await step('explorer: live blocks arrive by WebSocket', async () => {
  await page.goto(base);
  assert.equal(await heading(page), 'Explorer');
  await page.waitForSelector('.status.live');
  const figure = page.locator('[data-figure=height]');
  await page.waitForFunction(() => /\d/.test(document.querySelector('[data-figure=height]').textContent));
  const before = await figure.innerText();
  await page.waitForFunction((old) => document.querySelector('[data-figure=height]').textContent !== old, before, { timeout: 30_000 });
  await page.waitForFunction(() => document.querySelectorAll('.ribbon a').length > 3);
  await page.waitForFunction(() => /\d/.test(document.querySelector('[data-figure=rate]').textContent));
  await settle(page);
  assert.ok((await page.locator('.rows li').count()) >= 4, 'the block list is short');
  if (order) await page.waitForSelector('.orders .chip');
  await shot(page, 'explorer-en-light');
  await accessible(page);
});

await step('explorer: a block link leads to its page and back', async () => {
  await page.locator('.rows a.main').first().click();
  await page.waitForURL(/\/block\/\d+$/);
  await settle(page);
  assert.match(await heading(page), /^Block [\d,]+$/);
  await page.goBack();
  await page.waitForURL(`${base}/`);
});

await step('block page', async () => {
  await page.goto(`${base}/block/${height}`);
  await settle(page);
  assert.equal(await heading(page), `Block ${height.toLocaleString('en-GB')}`);
  const text = await page.locator('main').innerText();
  for (const expected of [block.hash, block.parentHash, block.stateRoot]) assert.ok(text.includes(expected), `${expected} is missing`);
  await page.waitForFunction((count) => document.querySelectorAll('tbody tr').length === count, Math.min(50, block.transactions.length));
  await shot(page, 'block-en-light', true);
  await accessible(page);
  await page.locator('a[aria-label="Previous block"]').click();
  await page.waitForURL(`${base}/block/${height - 1}`);
  await page.goto(`${base}/block/${block.hash}`);
  await settle(page);
  assert.equal(await heading(page), `Block ${height.toLocaleString('en-GB')}`);
});

await step('block list and transaction list page back', async () => {
  for (const path of ['/blocks', '/transactions']) {
    await page.goto(base + path);
    await settle(page);
    if (path === '/blocks') assert.ok((await page.locator('tbody tr').count()) > 1);
    await shot(page, `${path.slice(1)}-en-light`);
    const older = page.locator('.pager a', { hasText: 'Older' });
    if ((await older.count()) > 0) {
      await older.click();
      await page.waitForURL(/before=\d+/);
      await settle(page);
    }
  }
  await accessible(page);
});

if (transactionHash) {
  await step('transaction page', async () => {
    await page.goto(`${base}/tx/${transactionHash}`);
    await settle(page);
    assert.equal(await heading(page), 'Transaction');
    await page.waitForSelector('.status.success');
    const text = await page.locator('main').innerText();
    assert.ok(text.includes(transactionHash));
    if (life) {
      assert.match(text, /\.authorize(WithPermit)?/);
      assert.ok((await page.locator('.event strong', { hasText: 'Authorized' }).count()) === 1, 'the event is decoded');
      assert.ok(text.includes('shippingFee'), 'the terms are decoded');
    }
    await shot(page, 'transaction-en-light', true);
    await accessible(page);
  });
}

await step('account page', async () => {
  await page.goto(`${base}/account/${account}`);
  await settle(page);
  const text = await page.locator('main').innerText();
  assert.ok(text.toLowerCase().includes(account.toLowerCase()));
  for (const expected of ['Balance', 'Nonce', 'Money']) assert.ok(text.includes(expected), `${expected} is missing`);
  if (life) await page.waitForSelector('tbody tr');
  await page.waitForTimeout(500);
  await shot(page, 'account-en-light', true);
  await accessible(page);
  if (network.escrow) {
    await page.goto(`${base}/account/${network.escrow}`);
    await settle(page);
    assert.match(await page.locator('main').innerText(), /The escrow contract/);
  }
});

await step('search leads to everything there is, and says what there is not', async () => {
  const look = async (text) => {
    await page.goto(base);
    await page.keyboard.press('/');
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
  };
  await look(String(height));
  await page.waitForURL(`${base}/block/${height}`);
  await look(block.hash);
  await page.waitForURL(`${base}/block/${block.hash}`);
  await look(account);
  await page.waitForURL(`${base}/account/${account.toLowerCase()}`);
  if (transactionHash) {
    await look(transactionHash);
    await page.waitForURL(`${base}/tx/${transactionHash}`);
  }
  if (order) {
    await look(order.id);
    await page.waitForURL(`${base}/order/${order.id}`);
  }
  const party = network.parties.find(({ role }) => role === 'merchant') ?? network.parties[0];
  if (party) {
    await look(party.name);
    await page.waitForURL(`${base}/account/${party.address.toLowerCase()}`);
  }
  for (const [text, expected] of [['99999999999', /There is no block 99,999,999,999 yet/], [`0x${'00'.repeat(31)}07`, /No transaction, block or order/], ['what is this', /This is not a block number/]]) {
    await look(text);
    await page.waitForSelector('.notice');
    assert.match(await page.locator('.notice').innerText(), expected);
  }
  expect404();
  await shot(page, 'search-nothing-en-light');
  await accessible(page);
});

await step('addresses that lead nowhere say so', async () => {
  for (const [path, expected] of [[`/tx/0x${'00'.repeat(31)}07`, 'No such transaction'], ['/block/99999999999', 'No such block'], [`/order/0x${'00'.repeat(31)}07`, 'No such order'], ['/nowhere/at/all', 'There is no such page']]) {
    await page.goto(base + path);
    await settle(page);
    assert.equal(await heading(page), expected);
  }
  expect404();
});

await step('orders: list, filter, search', async () => {
  await page.goto(`${base}/orders`);
  await settle(page);
  assert.equal(await heading(page), 'Orders');
  if (!order) {
    assert.match(await page.locator('main').innerText(), /No orders here|takes no orders/);
    return;
  }
  assert.ok((await page.locator('.list li').count()) > 0);
  await shot(page, 'orders-en-light');
  await accessible(page);
  await page.locator('.filters a', { hasText: 'Completed' }).or(page.locator('.filters a').nth(1)).first().click();
  await page.waitForURL(/state=/);
  await settle(page);
  assert.equal(new Set(await page.locator('.list .chip').allInnerTexts()).size, 1, 'the filter lets other states through');
  const number = `${order.id.slice(2, 6)}-${order.id.slice(6, 10)}`.toUpperCase();
  await page.goto(`${base}/orders`);
  await settle(page);
  await page.locator('main input[type=search]').fill(number);
  await page.waitForURL(/q=/);
  await page.waitForFunction((wanted) => [...document.querySelectorAll('.list .id')].map((cell) => cell.textContent).join() === wanted, number);
  await page.locator('main input[type=search]').fill('no such thing');
  await page.waitForSelector('.notice');
  await shot(page, 'orders-nothing-en-light');
  await page.locator('.notice a').click();
  await page.waitForSelector('.list li');
});

/** The digits of a money text, as minor units; what a reader would add up with a pencil. */
const minor = (text) => BigInt(text.replace(/[^\d-]/g, '').replace(/(?!^)-/g, '') || '0') * (/^\s*[-−]/.test(text) ? 1n : 1n);

if (life) {
  await step('one order: its life and where the money is', async () => {
    await page.goto(`${base}/order/${life.id}`);
    await settle(page);
    assert.match(await heading(page), /^Order [0-9A-F]{4}-[0-9A-F]{4}$/);
    const done = await page.locator('.timeline .done').evaluateAll((items) => items.map((item) => item.dataset.step));
    assert.deepEqual(done, life.events.map(({ name }) => name));
    assert.ok((await page.locator(`.timeline a[href="/tx/${life.events[0].transactionHash}"]`).count()) >= 1);
    const parts = await page.locator('[data-part] dd').allInnerTexts();
    const paidIn = minor(parts.pop());
    assert.equal(parts.reduce((sum, text) => sum + minor(text), 0n), paidIn, 'the parts on the screen do not add up');
    assert.equal(paidIn, BigInt(life.amount));
    await page.waitForSelector('.verdict.correct');
    await shot(page, 'order-en-light', true);
    await accessible(page);
  });

  for (const state of ['Authorized', 'Shipped', 'Delivered', 'Cancelled', 'Expired', 'Refunded']) {
    const other = list.orders.find((known) => known.state === state);
    if (!other) continue;
    await step(`an order that is ${state}`, async () => {
      await page.goto(`${base}/order/${other.id}`);
      await settle(page);
      await page.waitForSelector('.verdict.correct');
      const parts = (await page.locator('[data-part] dd').allInnerTexts()).map(minor);
      assert.equal(parts.slice(0, -1).reduce((sum, part) => sum + part, 0n), parts.at(-1));
      await shot(page, `order-${state.toLowerCase()}-en-light`, true);
    });
  }
}

if (options['expect-movement']) {
  await step('an order moves on the screen without a reload', async () => {
    const end = Date.now() + 90_000;
    const tried = new Set();
    let moved = false;
    while (!moved && Date.now() < end) {
      const { orders } = await get('/api/orders?limit=20');
      const fresh = orders.find(({ id, state }) => !tried.has(id) && (state === 'Authorized' || state === 'Shipped'));
      if (fresh) {
        tried.add(fresh.id);
        await page.goto(`${base}/order/${fresh.id}`);
        await page.waitForSelector('.timeline .done');
        const before = await page.locator('.timeline .done').count();
        moved = await page.waitForFunction((count) => document.querySelectorAll('.timeline .done').length > count, before, { timeout: 12_000 }).then(() => true, () => false);
      } else await page.waitForTimeout(500);
    }
    assert.ok(moved, 'no order moved');
    await page.waitForSelector('.verdict.correct');
  });
}

const pages = [
  ['explorer', '/'],
  ['blocks', '/blocks'],
  ['block', `/block/${height}`],
  ...(transactionHash ? [['transaction', `/tx/${transactionHash}`]] : []),
  ['account', `/account/${account}`],
  ['orders', '/orders'],
  ...(life ? [['order', `/order/${life.id}`]] : []),
  ['network', '/network'],
  ['evidence', '/evidence'],
];

await step('language: switched, remembered, and spoken by every page', async () => {
  await page.goto(base);
  await page.locator('button.language').click();
  await page.waitForFunction(() => document.documentElement.lang === 'zh-CN');
  assert.equal(await heading(page), '区块浏览器');
  await page.reload();
  assert.equal(await heading(page), '区块浏览器');
  for (const [name, path] of pages) {
    await page.goto(base + path);
    await settle(page);
    assert.match(await page.locator('main').innerText(), /\p{Script=Han}/u);
    if (name !== 'account') assert.match(await page.title(), /\p{Script=Han}/u); // an account is titled by its name
    await shot(page, `${name}-zh-light`, true);
  }
  await page.locator('button.language').click();
  await page.waitForFunction(() => document.documentElement.lang === 'en');
});

await step('theme: dark by the system, light by choice, remembered', async () => {
  const dark = await open({ scheme: 'dark' });
  const brightness = () => dark.evaluate(() => getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0));
  for (const [name, path] of pages) {
    await dark.goto(base + path);
    await settle(dark);
    assert.ok((await brightness()) < 200, 'the page is not dark');
    await shot(dark, `${name}-en-dark`, true);
    await accessible(dark);
  }
  await dark.locator('button.theme').click();
  assert.ok((await brightness()) > 600, 'the page is not light');
  await dark.reload();
  assert.ok((await brightness()) > 600, 'the choice is forgotten');
  await dark.context().close();
});

await step('phone: every page fits 390 px, in both languages', async () => {
  for (const language of ['en', 'zh-CN']) {
    const phone = await open({ width: 390, height: 844, language });
    for (const [name, path] of pages) {
      await phone.goto(base + path);
      await settle(phone);
      await fits(phone);
      await shot(phone, `${name}-${language === 'en' ? 'en' : 'zh'}-phone`, true);
    }
    assert.equal(await phone.evaluate(() => document.documentElement.lang), language);
    await phone.context().close();
  }
});

await step('keyboard: skip link first, then navigation; focus is visible', async () => {
  await page.goto(base);
  await settle(page);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), '#content');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), '/orders');
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${base}/orders`);
  await settle(page);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'content');
});

await step('connection: a dropped socket is said and comes back by itself', async () => {
  const flaky = await open({ motion: 'no-preference' });
  const sockets = [];
  let refuse = false;
  await flaky.routeWebSocket(/\/ws$/, (socket) => {
    if (refuse) return void socket.close();
    sockets.push(socket);
    socket.connectToServer();
  });
  await flaky.goto(base);
  await flaky.waitForSelector('.status.live');
  refuse = true;
  for (const socket of sockets) await socket.close();
  await flaky.waitForSelector('.status.waiting');
  await shot(flaky, 'reconnecting-en-light');
  const height = await flaky.locator('[data-figure=height]').innerText();
  await flaky.waitForFunction((old) => document.querySelector('[data-figure=height]').textContent !== old, height, { timeout: 30_000 }); // by polling
  refuse = false;
  await flaky.waitForSelector('.status.live', { timeout: 20_000 });
  await flaky.context().close();
});

await walk.end();
