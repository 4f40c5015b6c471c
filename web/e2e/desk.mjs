// Walks through the desk, where members see and decide who takes part and who may do what, against a node of a
// development network of four organizations (`hanse localnet`):
//
//   npm run e2e:desk -- --url http://localhost:8080 --shots DIR
//
// A fifth organization is admitted, so the network has one more afterwards, and the walk is for a fresh one. Ends like
// run.mjs.
import { parseArgs } from 'node:util';
import assert from 'node:assert/strict';
import { generatePrivateKey, mnemonicToAccount, privateKeyToAccount } from 'viem/accounts';
import { BROWSER_OPTIONS, Walk } from './browser.mjs';
import { certificate } from './certificates.mjs';

// `other`: the page of another node, where the result has to be seen too.
const { values: options } = parseArgs({ options: { ...BROWSER_OPTIONS, other: { type: 'string' } } });
const walk = await Walk.begin(options);
const { base, rpc, get, open, step, shot, heading, settle, accessible, fits } = walk;

const network = await get('/api/network');
assert.ok(network.members && network.policies, 'this network has no members');
const other = (options.other ?? network.nodes[2].web).replace(/\/$/, '');
const accountOf = (index) => mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: index });
const [BANK, BRAND, CARRIER, RETAILER, NEWCOMER, STRANGER, CLERK] = [0, 1, 2, 3, 4, 5, 6];
const now = Number((await rpc('eth_getBlockByNumber', ['latest', false])).timestamp);
const guest = `Guest${now % 100_000}`;

/** A wallet in the browser, with one account of its own (EIP-1193). */
async function wallet(at, account) {
  let isConnected = false;
  await at.exposeFunction('walletRequest', async (method, params) => {
    if (method === 'eth_requestAccounts') isConnected = true;
    if (/^eth_(requestA|a)ccounts$/.test(method)) return isConnected ? [account.address] : [];
    if (method === 'eth_chainId') return `0x${network.chainId.toString(16)}`;
    if (method === 'eth_signTypedData_v4') return account.signTypedData(JSON.parse(params[1]));
    assert.equal(method, 'eth_sendTransaction');
    const [{ to, data, gas }] = params;
    const nonce = Number(await rpc('eth_getTransactionCount', [account.address, 'pending']));
    return rpc('eth_sendRawTransaction', [await account.signTransaction({ type: 'eip1559', chainId: network.chainId, nonce, to, data, gas: BigInt(gas), maxFeePerGas: 0n, maxPriorityFeePerGas: 0n })]);
  });
  await at.addInitScript(() => {
    globalThis.ethereum = { request: ({ method, params }) => globalThis.walletRequest(method, params ?? []) };
  });
}

const page = await open({ height: 1000 });

/** Acts as a well-known account from now on. */
async function actAs(index, at = page) {
  await at.locator('[data-actor]').selectOption(String(index));
  await at.waitForSelector('[data-standing]');
}

async function press(name, at = page) {
  await at.locator(`button[data-act=${name}]`).first().click();
}

const refusal = async (name, at = page) => at.locator(`[data-refused=${name}]`).first().innerText();
const organization = (id) => page.locator(`[data-organization=${id}]`);

await step('organizations: who takes part, and how long certificates last', async () => {
  await page.goto(base);
  await page.locator('header nav a', { hasText: 'Desk' }).click();
  await page.waitForURL(`${base}/desk`);
  await page.waitForSelector('[data-organization=Bank]');
  await settle(page);
  assert.equal(await heading(page), 'Organizations');
  for (const id of ['Brand', 'Retailer', 'Carrier', 'Bank']) {
    const text = await organization(id).innerText();
    assert.match(text, /active[\s\S]*days left/);
  }
  assert.match(await organization('Bank').innerText(), /bank[\s\S]*regulator/);
  await shot(page, 'desk-en-light', true);
  await accessible(page);
});

await step('policies: read from their bytes, tried out, and mistakes shown where they are', async () => {
  await page.locator('nav a', { hasText: 'Policies' }).click();
  await page.waitForSelector('[data-policy=membership]');
  assert.match(await page.locator('[data-policy=membership]').innerText(), /MAJORITY\(admin\)/);
  const text = page.locator('[data-policy-text]');
  await text.fill("AND('Bank.admin', 2 of ('Brand.admin', Retailer.admin, 'Carrier.admin'))");
  assert.equal(await page.locator('[data-finding]').getAttribute('data-finding'), 'false');
  await page.locator('[data-try=Bank]').check({ force: true });
  await page.locator('[data-try=Brand]').check({ force: true });
  assert.match(await page.locator('[data-finding]').innerText(), /2 of these 3/);
  assert.equal(await page.locator('[data-finding]').getAttribute('data-finding'), 'false');
  await shot(page, 'desk-policies-en-light', true);
  await accessible(page);
  await page.locator('[data-try=Carrier]').check({ force: true });
  await page.waitForSelector('[data-finding=true]');
  await text.fill("AND('Bank.admin', 'Brand.boss')");
  assert.match(await page.locator('[data-problem]').innerText(), /Column 26: expected a role .*found “boss'\)”/);
});

await step('a proposal: made by a form, shown in words', async () => {
  await page.goto(`${base}/desk/propose?what=admit`);
  await page.waitForSelector('[data-pem=root]');
  await page.locator('[data-pem=root]').fill(certificate({ organization: guest, kind: 'root', now, days: 20 }));
  await page.waitForFunction((id) => document.querySelector('[data-field=id]').value === id, guest);
  await page.locator('[data-field=name]').fill('Guest & Sons');
  await page.locator('[data-role=merchant]').check({ force: true });
  await page.locator('[data-field=admin]').fill(accountOf(NEWCOMER).address);
  await page.locator('[data-field=description]').fill('They want to sell here.');
  const words = await page.locator('[data-call=admit]').innerText();
  assert.ok(words.startsWith(`Admit ${guest} (Guest & Sons) as a new organization. Its accounts may be: merchant.`), words);
  await actAs(STRANGER);
  await press('propose');
  assert.match(await refusal('propose'), /is no admin of an active organization/);
  await shot(page, 'desk-propose-en-light', true);
  await accessible(page);
  await actAs(BRAND);
  await press('propose');
  await page.waitForURL(/\/desk\/proposal\/\d+$/);
  await page.waitForSelector('[data-call=admit]');
});

const proposal = page.url();

// Somebody of the carrier looks at something else meanwhile.
const watcher = await open();

await step('the header counts the proposals that wait for who acts, at the price of nothing', async () => {
  assert.equal(await page.locator('[data-waiting]').count(), 0, 'who has proposed has approved');
  await watcher.goto(`${base}/desk/proposals`);
  await actAs(CARRIER, watcher);
  await watcher.waitForSelector('[data-yours]');
  await settle(watcher);
  await shot(watcher, 'desk-waiting-en-light', true);
  await accessible(watcher);
  await watcher.goto(base);
  await watcher.waitForSelector('header [data-waiting="1"]');
  assert.equal(await watcher.locator('header nav a[href="/desk"]').innerText().then((text) => text.replace(/\s+/g, ' ')), 'Desk1 (1 proposal waits for your approval)');
  await settle(watcher);
  await shot(watcher, 'home-waiting-en-light');
  await accessible(watcher);
  await watcher.setViewportSize({ width: 390, height: 844 });
  await fits(watcher);
  await shot(watcher, 'home-waiting-en-phone');
  await watcher.setViewportSize({ width: 1280, height: 860 });
  // New blocks alone are no reason to ask the contracts again.
  const calls = [];
  watcher.on('request', (request) => {
    if (/eth_call/.test(request.postData() ?? '')) calls.push(request.postData());
  });
  const from = Number(await rpc('eth_blockNumber'));
  for (let look = 0; look < 120 && Number(await rpc('eth_blockNumber')) < from + 3; look += 1) await watcher.waitForTimeout(250);
  assert.ok(Number(await rpc('eth_blockNumber')) >= from + 3);
  assert.deepEqual(calls, []);
  watcher.removeAllListeners('request');
});

await step('what is missing is said, and a refusal says its reason', async () => {
  const verdict = page.locator('[data-missing=true]');
  assert.match(await verdict.innerText(), /role admin in 2 more of these organizations: (?!.*Brand)(?=.*Retailer)(?=.*Carrier)(?=.*Bank)/);
  await press('execute');
  assert.equal(await refusal('execute'), 'The approvals do not meet the policy membership yet: MAJORITY(admin).');
  await actAs(STRANGER);
  await press('approve');
  assert.match(await refusal('approve'), /is in no organization with a valid enrollment/);
  await settle(page);
  await shot(page, 'desk-proposal-open-en-light', true);
  await accessible(page);
});

await step('the others approve, and it is carried out', async () => {
  await actAs(CARRIER);
  await press('approve');
  await page.waitForFunction(() => document.querySelectorAll('[data-approver]').length === 2);
  assert.match(await page.locator('[data-missing=true]').innerText(), /in 1 more of these/);
  await actAs(BANK);
  // By keyboard, as everything here.
  await page.locator('button[data-act=approve]').focus();
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-missing=false]');
  assert.equal(await page.locator('[data-refused]').count(), 0, 'what is no longer so is still said');
  await shot(page, 'desk-proposal-ready-en-light', true);
  await press('execute');
  await page.waitForSelector('.title .chip.green');
  assert.match(await page.locator('.title').innerText(), /carried out/);
});

await step('what waits no more is counted no more, wherever one is', async () => {
  await watcher.locator('header [data-waiting]').waitFor({ state: 'detached' });
  await page.goto(`${base}/desk/propose?what=roles&subject=Brand`);
  await actAs(RETAILER);
  await page.waitForSelector('[data-call=setRoles]');
  await press('propose');
  await page.waitForURL(/\/desk\/proposal\/\d+$/);
  await watcher.waitForSelector('header [data-waiting="1"]');
  await page.locator('button[data-act=withdraw]').click();
  await page.locator('[data-sure]').click();
  await watcher.locator('header [data-waiting]').waitFor({ state: 'detached' });
  await watcher.context().close();
});

await step('the result is seen on another node', async () => {
  const elsewhere = await open();
  await elsewhere.goto(`${other}/desk`);
  await elsewhere.waitForSelector(`[data-organization=${guest}]`);
  assert.match(await elsewhere.locator(`[data-organization=${guest}]`).innerText(), /Guest & Sons[\s\S]*active[\s\S]*merchant[\s\S]*root[\s\S]*(19|20) days left/);
  assert.match(await elsewhere.locator('[data-warning=amber]').first().innerText(), new RegExp(`root certificate of ${guest} ends in`));
  await elsewhere.context().close();
});

await step('other code for a contract: the form says which code takes the place of which, or that there is none', async () => {
  await page.goto(`${base}/desk/propose?what=upgrade`);
  await page.waitForSelector('[data-field=source]');
  await page.locator('[data-field=target]').fill(network.anchors);
  await page.locator('[data-field=source]').fill(accountOf(STRANGER).address);
  await page.waitForSelector('[data-field=source][aria-invalid=true]');
  assert.match(await page.locator('form.form').innerText(), /There is no code at this address/);
  assert.equal(await page.locator('[data-call]').count(), 0);
  await page.locator('[data-field=source]').fill(network.escrow);
  await page.waitForSelector('[data-call=schedule]');
  assert.match(await page.locator('[data-call=schedule]').innerText(), new RegExp(`Replace the code of Anchors \\(0x\\w{64}\\) by the code at ${network.escrow} \\(0x\\w{64}\\), from the next block on`, 'i'));
  await page.locator('[data-field=fromBlock]').fill('1000000');
  await page.locator('[data-field=migration]').fill('0x01');
  assert.match(await page.locator('[data-call=schedule]').innerText(), /from block 1,000,000 on, and call it once with 0x01/);
  await shot(page, 'desk-upgrade-en-light', true);
  await accessible(page);
});

await step('another engine: the form begins with what holds now, and says the whole change', async () => {
  await page.goto(`${base}/desk/propose?what=engine`);
  await page.waitForSelector('[data-field=from]');
  const field = (name) => page.locator(`[data-field=${name}]`);
  const kind = await field('kind').inputValue();
  const contract = await field('contract').inputValue();
  assert.match(contract, /^0x[0-9a-f]{40}$/);
  assert.equal(await page.locator('[data-call]').count(), 0, 'it does not say from when');
  const earliest = Number(/([\d,]+) at the earliest/.exec(await page.locator('form.form').innerText())[1].replaceAll(',', ''));
  await field('from').fill(String(earliest + 100_000));
  await field('emptyBlockTimeMs').fill('7500');
  const said = page.locator('[data-call=change]');
  await said.waitFor();
  assert.match(await said.innerText(), new RegExp(`From block ${(earliest + 100_000).toLocaleString('en')} on, blocks are decided by validators with ${kind === 'bft' ? 'equal votes' : 'votes by stake'}.*an empty one after 7,500`, 's'));
  await field('emptyBlockTimeMs').fill('soon');
  assert.equal(await page.locator('[data-call]').count(), 0, 'that is no time');
  await field('emptyBlockTimeMs').fill('7500');
  await shot(page, 'desk-engine-en-light', true);
  await accessible(page);
  // Others know nothing of the votes that the present contract knows.
  await field('kind').selectOption(kind === 'bft' ? 'pos' : 'bft');
  assert.equal(await field('contract').inputValue(), '');
  assert.equal(await page.locator('[data-call]').count(), 0);
  await field('kind').selectOption('keep');
  assert.match(await page.locator('form.form').innerText(), /No change of the engine waits/);
});

await step('an organization looks after its own: nodes, accounts with their consent, revocation', async () => {
  await page.goto(`${base}/desk/organization/${guest}`);
  await page.waitForSelector('[data-account]');
  await actAs(NEWCOMER);
  await page.locator('[data-task=node]').click();
  await page.locator('[data-pem=node]').fill(certificate({ organization: guest, kind: 'node', now, days: 5 }));
  await press('addNode');
  await page.waitForSelector('[data-certificate] [data-urgency=red]');
  await page.locator('[data-task=enroll]').click();
  await page.locator('[data-field=account]').fill(accountOf(CLERK).address);
  await page.locator('[data-role=merchant]').check({ force: true });
  assert.ok(await page.locator('button[data-act=enroll]').isDisabled(), 'without consent');
  await page.locator('[data-obtain]').click();
  await page.waitForFunction(() => document.querySelector('[data-field=consent]').value.length === 132);
  await page.locator('[data-role=merchant]').uncheck({ force: true }); // that is not what was agreed to
  await press('enroll');
  assert.match(await refusal('enroll'), /has not signed this enrollment/);
  await page.locator('[data-role=merchant]').check({ force: true });
  await press('enroll');
  const clerk = page.locator(`[data-account="${accountOf(CLERK).address.toLowerCase()}"]`);
  await clerk.waitFor();
  assert.match(await clerk.innerText(), /merchant[\s\S]*valid/);
  await settle(page);
  await shot(page, 'desk-organization-en-light', true);
  await accessible(page);
  await clerk.locator('[data-act=revokeAccount]').click();
  await clerk.locator('[data-sure]').click();
  await clerk.locator('.chip', { hasText: 'revoked' }).waitFor();
  const own = page.locator('[data-certificate]', { has: page.locator('[data-urgency=red]') });
  await own.locator('[data-act=revokeCertificate]').click();
  await own.locator('[data-sure]').click();
  await page.waitForSelector('[data-certificate] [data-urgency=revoked]');
  await page.waitForSelector('[data-event=AccountRevoked]');
});

await step('a further root certificate is made known before the present one ends', async () => {
  await page.goto(`${base}/desk/organization/${guest}`);
  await actAs(NEWCOMER);
  await page.locator('[data-task=root]').click();
  await page.locator('[data-pem=root]').fill(certificate({ organization: 'Brand', kind: 'root', now, days: 400 }));
  await page.getByText(`This certificate is of Brand, not of ${guest}.`).waitFor();
  assert.ok(await page.locator('button[data-act=addRoot]').isDisabled(), 'the root of another organization');
  await page.locator('[data-pem=root]').fill(certificate({ organization: guest, kind: 'node', now, days: 400 }));
  await page.getByText('This is a node certificate; a root certificate is needed here.').waitFor();
  const before = await page.locator('[data-certificate]', { hasText: 'root' }).count();
  await page.locator('[data-pem=root]').fill(certificate({ organization: guest, kind: 'root', now, days: 400 }));
  await press('addRoot');
  await page.waitForFunction((count) => [...document.querySelectorAll('[data-certificate] .what')].filter((what) => what.textContent.startsWith('root')).length === count, before + 1);
  assert.match(await page.locator('[data-certificate]', { hasText: /(399|400) days left/ }).innerText(), /^root/);
  await page.waitForSelector('[data-done=addRoot]');
  await press('addRoot');
  assert.match(await refusal('addRoot'), /The certificate 0x\S+ is known already\./);
  await settle(page);
  await shot(page, 'desk-root-en-light', true);
  await accessible(page);
});

await step('an account is enrolled with the certificate of a client, which says who it is, as what, and until when', async () => {
  const client = privateKeyToAccount(generatePrivateKey());
  await page.goto(`${base}/desk/organization/${guest}`);
  await actAs(NEWCOMER);
  await page.locator('[data-task=enroll]').click();
  const given = certificate({ organization: guest, kind: 'client', now, days: 45, roles: ['merchant'], account: client.address });
  await page.locator('[data-pem=client]').fill(given);
  await page.waitForFunction((address) => document.querySelector('[data-field=account]').value === address, client.address.toLowerCase());
  assert.ok(await page.locator('[data-role=merchant]').isChecked());
  assert.equal(await page.locator('[data-field=end]').count(), 0, 'the certificate says until when');
  await settle(page);
  await shot(page, 'desk-client-en-light', true);
  await accessible(page);
  // The key is elsewhere: who has it signs there, over this certificate.
  await page.locator('[data-obtain]').click();
  const address = await page.locator('.asked a').getAttribute('href');
  assert.match(address, /certificate=0x[0-9a-f]{64}/);
  const theirs = await open();
  await wallet(theirs, client);
  await theirs.goto(address.replace(new URL(address).origin, base));
  await theirs.locator('button', { hasText: 'Connect wallet' }).click();
  await theirs.locator('[data-agree]:enabled').click();
  const signature = await theirs.locator('[data-signed]').getAttribute('data-signed');
  await theirs.context().close();
  await page.locator('[data-field=consent]').fill(signature);
  await press('enroll');
  const enrolled = page.locator(`[data-account="${client.address.toLowerCase()}"]`);
  await enrolled.waitFor();
  assert.match(await enrolled.innerText(), /merchant[\s\S]*until [\s\S]*valid/);
  const kept = page.locator('[data-certificate]', { hasText: 'client' });
  assert.match(await kept.innerText(), /4[45] days left/);
  // Its certificate and its enrollment end together.
  await kept.locator('[data-act=revokeCertificate]').click();
  await kept.locator('[data-sure]').click();
  await enrolled.locator('.chip', { hasText: 'revoked' }).waitFor();
});

await step('the catalog of data: registered, changed, retired', async () => {
  await page.goto(`${base}/desk/data`);
  await actAs(BRAND);
  await page.locator('[data-register]').click();
  const id = `orders${now % 100_000}`;
  for (const [field, value] of [['id', id], ['name', 'Orders'], ['purpose', 'To deliver what was bought'], ['basis', 'GDPR Art. 6(1)(b)'], ['days', '730']]) await page.locator(`[data-field=${field}]`).fill(value);
  await page.locator('[data-field=personal]').check();
  await press('register');
  await page.locator('[data-field=days]').waitFor({ state: 'detached' });
  const row = page.locator(`[data-entry=${id}]`);
  await row.waitFor();
  assert.match(await row.innerText(), /Orders[\s\S]*personal[\s\S]*Brand[\s\S]*730 days[\s\S]*revision 1/);
  await row.locator('[data-change]').click();
  await page.locator('[data-field=days]').fill('365');
  await press('change');
  await page.waitForFunction((key) => /365 days[\s\S]*revision 2/.test(document.querySelector(`[data-entry=${key}]`).innerText), id);
  await settle(page);
  await shot(page, 'desk-data-en-light', true);
  await accessible(page);
  await row.locator('[data-act=retire]').click();
  await row.locator('[data-sure]').click();
  await row.locator('.chip', { hasText: 'retired' }).waitFor();
});

/** Approves what is shown as each of these accounts, and carries it out. */
async function carry(...accounts) {
  for (const [index, account] of accounts.entries()) {
    await actAs(account);
    await press('approve');
    await page.waitForFunction((count) => document.querySelectorAll('[data-approver]').length === count, index + 2);
  }
  await page.waitForSelector('[data-missing=false]');
  await press('execute');
  await page.waitForSelector('.title .chip.green');
}

const ruled = `trades${now % 100_000}`;
let retention;

await step('retention: what an organization says becomes a rule for all nodes by a proposal', async () => {
  await page.goto(`${base}/desk/data`);
  await actAs(BRAND);
  await page.locator('[data-register]').click();
  await page.locator('[data-field=where]').selectOption('chain');
  const fields = [['id', ruled], ['name', 'Trades'], ['purpose', 'To settle disputes'], ['basis', 'HGB § 257'], ['days', '0'], ['contracts', network.escrow]];
  for (const [field, value] of fields) await page.locator(`[data-field=${field}]`).fill(value);
  await press('register');
  const row = page.locator(`[data-entry=${ruled}]`);
  await row.waitFor();
  assert.match(await row.innerText(), /nothing for nodes to let go/);
  assert.equal(await row.locator('[data-adopt]').count(), 0, 'what is kept for ever cannot be a rule');
  await row.locator('[data-change]').click();
  await page.locator('[data-field=days]').fill('90');
  await press('change');
  await row.locator('[data-adopt]').waitFor();
  assert.match(await row.innerText(), /90 days[\s\S]*said only: binds nobody/);
  await row.locator('[data-adopt]').click();
  await page.waitForURL(/what=adopt/);
  await page.waitForSelector('[data-rule-means]');
  assert.equal(await page.locator('[data-field=entry]').inputValue(), `Brand.${ruled}`);
  assert.equal(await page.locator('[data-call=adopt] > p').first().innerText(), `Make it a rule for all nodes how long ${ruled} of Brand (revision 2) says that its data are kept.`);
  assert.equal(await page.locator('[data-rule-means]').innerText(), 'Every node lets go what is older than 90 days and concerns Escrow. What is gone does not come back.');
  await settle(page);
  await shot(page, 'desk-propose-retention-en-light', true);
  await accessible(page);
  await press('propose');
  await page.waitForURL(/\/desk\/proposal\/\d+$/);
  retention = page.url();
  await page.waitForSelector('[data-rule-means]');
  await carry(CARRIER, RETAILER);
  await settle(page);
  await shot(page, 'desk-proposal-retention-en-light', true);
  await accessible(page);
  const seen = await open();
  await seen.goto(`${other}/desk/data`);
  await seen.waitForSelector(`[data-entry=${ruled}] [data-rule="2"]`);
  assert.match(await seen.locator(`[data-entry=${ruled}] [data-rule]`).innerText(), /rule for all nodes\s+let go after 90 days\s+since block [\d,]+, of revision 2$/);
  await seen.context().close();
});

await step('retention: the entry may change, the rule stays, until another proposal lifts it', async () => {
  await page.goto(`${base}/desk/data`);
  await actAs(BRAND);
  const row = page.locator(`[data-entry=${ruled}]`);
  await row.locator('[data-change]').click();
  await page.locator('[data-field=days]').fill('30');
  await press('change');
  await row.locator('.changed').waitFor();
  assert.match(await row.innerText(), /30 days\s+revision 3[\s\S]*let go after 90 days[\s\S]*of revision 2[\s\S]*The entry has changed since\.[\s\S]*Propose revision 3/);
  assert.match(await page.locator('[data-kept="0"]').innerText(), /everything, since genesis/i);
  await settle(page);
  await shot(page, 'desk-retention-en-light', true);
  await accessible(page);
  await page.goto(retention);
  await page.waitForSelector('[data-rule-means]');
  assert.match(await page.locator('[data-rule-means]').innerText(), /90 days/, 'what was decided');
  await page.goto(`${base}/desk/data`);
  await row.locator('[data-lift]').click();
  await page.waitForURL(/what=lift/);
  await page.waitForSelector('[data-call=lift]');
  await press('propose');
  await page.waitForURL(/\/desk\/proposal\/\d+$/);
  await carry(CARRIER, RETAILER);
  await page.goto(`${base}/desk/data`);
  await page.waitForSelector(`[data-entry=${ruled}] [data-rule=""]`);
  await page.goto(`${base}/desk/trail?contract=catalog`);
  await page.waitForSelector('[data-event=RuleLifted]');
  assert.equal(await page.locator('[data-event=RuleAdopted] p').first().innerText(), `${ruled} of Brand (revision 2) is a rule now: nodes let go after 90 days what concerns Escrow.`);
});

await step('what a node has let go: said so, wherever somebody asks for it', async () => {
  // A network of today has nothing that is old enough. What such a node answers is put in place of what this one does;
  // nodes that have let go in earnest are in tests/tools/retention.mjs.
  const hash = (await rpc('eth_getLogs', [{ address: network.members, fromBlock: '0x1', toBlock: 'latest' }]))[0].transactionHash;
  const tip = Number(await rpc('eth_blockNumber'));
  const gone = { eth_getTransactionByHash: true, eth_getTransactionReceipt: true, eth_getLogs: ([{ fromBlock }]) => Number(fromBlock) < tip };
  const told = { hanse_getHistory: { below: '0x0', contracts: { [network.escrow]: `0x${tip.toString(16)}` } }, eth_capabilities: { tx: { oldestBlock: `0x${tip.toString(16)}` } } };
  const old = await open({ height: 1000 });
  await old.route('**/rpc', async (route) => {
    const asked = route.request().postDataJSON();
    const response = await route.fetch();
    const answers = [await response.json()].flat();
    for (const { id, method, params } of [asked].flat()) {
      const answer = answers.find((one) => one.id === id);
      if (gone[method] === true || gone[method]?.(params)) Object.assign(answer, { result: undefined, error: { code: 4444, message: 'pruned history unavailable: block 7 has been pruned' } });
      if (told[method]) answer.result = told[method];
    }
    await route.fulfill({ response, json: Array.isArray(asked) ? answers : answers[0] });
  });
  await old.goto(`${base}/tx/${hash}`);
  await old.waitForSelector('.notice');
  assert.match(await old.locator('main').innerText(), /This node no longer keeps it[\s\S]*whoever kept it can prove it[\s\S]*How long data are kept/);
  await shot(old, 'pruned-transaction-en-light');
  await accessible(old);
  await old.locator('main a', { hasText: 'How long data are kept' }).click();
  await old.waitForSelector(`[data-kept="${tip}"]`);
  assert.match(await old.locator('[data-kept]').innerText(), /everything, since block [\d,]+\s+Escrow\s+from block [\d,]+ on/i);
  await settle(old);
  await shot(old, 'desk-data-pruned-en-light', true);
  await accessible(old);
  await old.goto(`${base}/desk/trail`);
  await old.locator('main', { hasText: 'That is all that this node keeps' }).waitFor();
  const { blockNumber } = await rpc('eth_getTransactionReceipt', [hash]);
  await old.goto(`${base}/block/${Number(blockNumber)}`);
  await old.locator('main td', { hasText: 'no longer kept here' }).first().waitFor();
  await old.goto(`${base}/account/${network.escrow}`);
  await old.waitForSelector('[data-kept]');
  await shot(old, 'pruned-account-en-light', true);
  await old.context().close();
});

await step('the audit trail: everything, filtered, with the way to the transaction', async () => {
  await page.goto(`${base}/desk/trail`);
  await page.waitForSelector('[data-event=EntryRetired]');
  assert.ok((await page.locator('[data-event]').count()) >= 10);
  await page.locator('[data-filter=organization]').selectOption(guest);
  await page.waitForURL(/organization=Guest/);
  await page.waitForFunction((id) => [...document.querySelectorAll('[data-event] p:first-child')].length >= 5 && [...document.querySelectorAll('[data-event] p:first-child')].every((item) => item.textContent.includes(id)), guest);
  await shot(page, 'desk-trail-en-light', true);
  await accessible(page);
  await page.locator('[data-filter=kind]').selectOption('OrganizationAdmitted');
  assert.equal(await page.locator('[data-event]').count(), 1);
  const link = await page.locator('[data-event] a').first().getAttribute('href');
  assert.equal((await rpc('eth_getTransactionReceipt', [link.replace('/tx/', '')])).status, '0x1');
});

await step('a wallet in the browser acts as the well-known accounts do', async () => {
  const own = await open({ height: 1000 });
  await wallet(own, accountOf(RETAILER));
  await own.goto(`${base}/desk/propose?what=policy&subject=upgrades`);
  await own.locator('button', { hasText: 'Connect wallet' }).click();
  await own.waitForFunction(() => document.querySelector('[data-standing]')?.textContent === 'admin');
  await own.locator('[data-policy-text]').fill("AND('Nowhere.admin', MAJORITY(admin))");
  await press('propose', own);
  await own.waitForURL(/\/desk\/proposal\/\d+$/);
  await own.waitForSelector('[data-call=setPolicy]');
  await own.reload(); // what the wallet has shown the page once, it shows again
  await own.waitForFunction(() => document.querySelector('[data-standing]')?.textContent === 'admin');
  await own.waitForSelector('[data-call=setPolicy]');
  assert.match(await own.locator('[data-call=setPolicy]').innerText(), /The policy upgrades becomes AND\('Nowhere.admin', MAJORITY\(admin\)\)\./);
  await own.locator('button[data-act=withdraw]').click();
  await own.locator('[data-sure]').click();
  await own.locator('.title .chip', { hasText: 'withdrawn' }).waitFor();
  await own.context().close();
});

await step('somebody with a wallet of their own agrees to be enrolled', async () => {
  const person = privateKeyToAccount(generatePrivateKey());
  await page.goto(`${base}/desk/organization/Brand`);
  await actAs(BRAND);
  await page.locator('[data-task=enroll]').click();
  await page.locator('[data-field=account]').fill(person.address);
  await page.locator('[data-role=shopper]').check({ force: true });
  await page.locator('[data-obtain]').click();
  const address = await page.locator('.asked a').getAttribute('href');
  const theirs = await open();
  await wallet(theirs, person);
  await theirs.goto(address.replace(new URL(address).origin, base));
  await theirs.locator('button', { hasText: 'Connect wallet' }).click();
  await theirs.locator('[data-agree]:enabled').click();
  const signature = await theirs.locator('[data-signed]').getAttribute('data-signed');
  await shot(theirs, 'desk-consent-en-light');
  await accessible(theirs);
  await theirs.context().close();
  await page.locator('[data-field=consent]').fill(signature);
  await press('enroll');
  const enrolled = page.locator(`[data-account="${person.address.toLowerCase()}"]`);
  await enrolled.waitFor();
  assert.match(await enrolled.innerText(), /shopper[\s\S]*valid/);
});

const pages = [['desk', '/desk'], ['desk-organization', `/desk/organization/${guest}`], ['desk-proposals', '/desk/proposals'], ['desk-proposal', new URL(proposal).pathname], ['desk-policies', '/desk/policies'], ['desk-propose', '/desk/propose?what=guard'], ['desk-propose-retention', '/desk/propose?what=adopt'], ['desk-data', '/desk/data'], ['desk-trail', '/desk/trail']];
const LOOKS = [['zh-dark', { language: 'zh-CN', scheme: 'dark' }], ['en-phone', { width: 390, height: 844 }]];

await step('every page in Chinese, in the dark, and on a phone', async () => {
  const ways = LOOKS.map(async ([how, look]) => {
    const at = await open(look);
    for (const [name, path] of pages) {
      await at.goto(base + path);
      await at.waitForSelector('main h1');
      await settle(at);
      await fits(at);
      if (look.language) assert.match(await at.locator('main').innerText(), /\p{Script=Han}/u);
      await shot(at, `${name}-${how}`, true);
      await accessible(at);
    }
    await at.context().close();
  });
  await Promise.all(ways);
});

await step('addresses of the desk that lead nowhere say so', async () => {
  for (const [path, expected] of [['/desk/organization/Nowhere', /No such organization/], ['/desk/proposal/999999', /No such proposal/], ['/desk/nowhere', /There is no such page/]]) {
    await page.goto(base + path);
    await settle(page);
    await page.waitForSelector('.notice');
    assert.match(await page.locator('main').innerText(), expected);
  }
});

await walk.end();
