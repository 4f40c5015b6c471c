import { readFileSync } from 'node:fs';
import { encodeAbiParameters, encodeErrorResult, encodeEventTopics, encodeFunctionData, hashTypedData, parseAbiParameters } from 'viem';
import { afterEach, describe, expect, it } from 'vitest';
import { currencyAbi } from '../abi/currency';
import { dataCatalogAbi } from '../abi/dataCatalog';
import { membersAbi } from '../abi/members';
import { policiesAbi } from '../abi/policies';
import { upgradesAbi } from '../abi/upgrades';
import { setLanguage } from '../i18n/i18n.svelte';
import { Refused } from '../rpc/http';
import { daysLeft, NoCertificate, readDer, readPem, urgency } from './certificate';
import { describeCall, describeEvent, describeRefusal, type ContractAt } from './describe';
import { parsePolicy, toForm } from './policy';
import * as prepare from './prepare';
import { consentData } from './typed';
import { callText, eventText, failure, refusal } from './wording';
import { toWord, type Hex } from './words';

const at = (digit: string): Hex => `0x${digit.repeat(40)}`;
const law = { members: at('a'), policies: at('b'), anchors: at('c'), catalog: at('d'), upgrades: at('f'), engines: at('8') };
const REGISTRY = at('e');
const ENGINES = at('8');
const contractAt: ContractAt = (address) =>
  (({ [law.members]: 'members', [law.policies]: 'policies', [law.anchors]: 'anchors', [law.catalog]: 'catalog', [law.upgrades]: 'upgrades', [REGISTRY]: 'validators', [ENGINES]: 'engines' }) as const)[address] ?? null;
const said = ({ target, data }: { target: Hex; data: Hex }): string => callText(describeCall(target, data, contractAt), target, data);
const majority = toForm(parsePolicy('MAJORITY(admin)'));

// Node 20 has no document for the language to be noted in.
const page = globalThis as { document?: unknown };
afterEach(async () => {
  page.document = { documentElement: { lang: '' } };
  await setLanguage('en');
});

const fixture = (name: string): Uint8Array => readFileSync(new URL(`../../../../crates/identity/src/fixtures/${name}.der`, import.meta.url));

describe('calls in words', () => {
  it('say what the forms make', async () => {
    const root = await readDer(fixture('root'));
    expect(said(prepare.admit(law, 'Guest', 'Guest & Sons', 1028, root, at('1')))).toMatch(
      /^Admit Guest \(Guest & Sons\) as a new organization\. Its accounts may be: merchant, shopper\. Its first admin is 0x1111…1111; its root certificate is valid .* to .*\.$/,
    );
    expect(said(prepare.remove(law, 'Brand'))).toBe('Remove Brand: all its accounts and certificates lose their rights at once.');
    expect(said(prepare.setRoles(law, 'Brand', 4))).toBe('From now on, accounts of Brand may be: merchant.');
    expect(said(prepare.setRoles(law, 'Brand', 0))).toBe('From now on, accounts of Brand may be: no roles.');
    expect(said(prepare.appoint(law, 'Brand', at('1')))).toBe('Make 0x1111…1111 an admin of Brand.');
    expect(said(prepare.setPolicy(law, 'upgrades', majority))).toBe('The policy upgrades becomes MAJORITY(admin).');
    expect(said(prepare.setPolicy(law, 'extra', '0x'))).toBe('The policy extra is removed.');
    expect(said(prepare.setAccess(law, at('1'), null, majority))).toBe('Who may call the contract 0x1111…1111: MAJORITY(admin).');
    expect(said(prepare.setAccess(law, at('1'), '0x12345678', '0x'))).toBe('Everybody may call the method 0x12345678 of 0x1111…1111 again.');
    expect(said(prepare.setGuard(law, at('1'), `0x${'07'.repeat(32)}`, majority))).toBe('Changes of the storage slot 0x070707…0707 of 0x1111…1111 need endorsement by MAJORITY(admin).');
    expect(said(prepare.setTopic(law, at('1'), 'validators'))).toBe('The policy validators decides on calls of 0x1111…1111.');
    expect(said(prepare.setTopic(law, at('1'), null))).toBe('The policy governance decides on calls of 0x1111…1111 again.');
    expect(said(prepare.adopt(law.catalog, { owner: 'Brand', id: 'orders', revision: 2 }))).toBe('Make it a rule for all nodes how long orders of Brand (revision 2) says that its data are kept.');
    expect(said(prepare.lift(law.catalog, { owner: 'Brand', id: 'orders' }))).toBe('Lift the rule for all nodes that came of orders of Brand.');
    expect(said(prepare.retire(law.catalog, 'Brand', 'orders'))).toBe('Retire the entry orders of Brand in the catalog of data, for ever.');
    expect(said(prepare.dismiss(REGISTRY, at('1')))).toBe('Dismiss the validator 0x1111…1111: it votes on blocks no more.');
  });

  it('say of an upgrade which code takes the place of which, in full', async () => {
    const [old, next] = [`0x${'aa'.repeat(32)}`, `0x${'bb'.repeat(32)}`] as const;
    const what = { target: law.members, oldCodeHash: old, source: at('1'), newCodeHash: next, fromBlock: 0n, migration: '0x' } as const;
    const begin = `Replace the code of 0xaaaa…aaaa (${old}) by the code at ${at('1')} (${next}), from`;
    expect(said(prepare.upgrade(law.upgrades, what))).toBe(`${begin} the next block on. Its storage stays.`);
    expect(said(prepare.upgrade(law.upgrades, { ...what, fromBlock: 4321n, migration: '0x0102' }))).toBe(`${begin} block 4,321 on, and call it once with 0x0102. Its storage stays.`);
    expect(said(prepare.cancelUpgrade(law.upgrades, 7n))).toBe('Call upgrade 7 off.');
    // A contract that only has a method of the same name is not spoken for.
    expect(said({ ...prepare.cancelUpgrade(law.upgrades, 7n), target: at('9') })).toMatch(/^Call 0x9999…9999 with/);
    page.document = { documentElement: { lang: '' } };
    await setLanguage('zh-CN');
    expect(said(prepare.upgrade(law.upgrades, what))).toBe(`将 0xaaaa…aaaa 的代码（${old}）替换为 ${at('1')} 处的代码（${next}），自下一区块起。其存储不变。`);
  });

  it('say of a change of the engine what its form makes', () => {
    const timing = { blockTimeMs: 1, emptyBlockTimeMs: 2, proposeTimeoutMs: 3, voteTimeoutMs: 4, timeoutStepMs: 5 };
    expect(said(prepare.changeEngine(law.engines, { from: 77n, kind: 'bft', validators: at('1'), timing }))).toBe(
      'From block 77 on, blocks are decided by validators with equal votes, whom 0x1111…1111 names. ' +
        'Milliseconds: 1 at least between blocks, an empty one after 2; 3 for a proposal, 4 for votes, 5 more each round.',
    );
    expect(said(prepare.cancelEngine(law.engines))).toBe('Take back the change of the engine that waits.');
  });

  it('say all of a change of the engine', async () => {
    const { enginesAbi } = await import('../abi/engines');
    const timing = { blockTimeMs: 0, emptyBlockTimeMs: 5_000, proposeTimeoutMs: 500, voteTimeoutMs: 300, timeoutStepMs: 250 };
    const data = encodeFunctionData({ abi: enginesAbi, functionName: 'change', args: [12_345n, 2, at('1'), timing] });
    expect(said({ target: ENGINES, data })).toBe(
      'From block 12,345 on, blocks are decided by validators with votes by stake, whom 0x1111…1111 names. ' +
        'Milliseconds: 0 at least between blocks, an empty one after 5,000; 500 for a proposal, 300 for votes, 250 more each round.',
    );
    expect(said({ target: ENGINES, data: encodeFunctionData({ abi: enginesAbi, functionName: 'cancel' }) })).toBe('Take back the change of the engine that waits.');
    expect(said({ target: at('9'), data })).toMatch(/^Call 0x9999…9999/);
    const topics = encodeEventTopics({ abi: enginesAbi, eventName: 'ChangeDecided', args: { index: 0n, from: 77n, validators: at('1') } }) as Hex[];
    const rest = encodeAbiParameters(parseAbiParameters('uint8, (uint32, uint32, uint32, uint32, uint32)'), [1, [0, 1, 2, 3, 4]]);
    expect(eventText(describeEvent({ address: ENGINES, topics, data: rest }, contractAt))).toMatch(/^Decided: from block 77 on, blocks are decided by validators with equal votes, whom 0x1111…1111 names\./);
    const refused = encodeErrorResult({ abi: enginesAbi, errorName: 'NotFollowable', args: [at('1'), 'kind'] });
    expect(refusal(refused)).toBe('Nobody could follow a change to 0x1111…1111: it knows no validators of that kind.');
    expect(refusal(encodeErrorResult({ abi: enginesAbi, errorName: 'TooSoon', args: [5n, 9n] }))).toBe('A change of the engine takes effect in block 9 at the earliest, not in 5.');
    page.document = { documentElement: { lang: '' } };
    await setLanguage('zh-CN');
    expect(said({ target: ENGINES, data })).toMatch(/^自区块 12,345 起，由按质押投票的验证者决定区块/);
  });

  it('show what they do not know as it is', () => {
    const data = encodeFunctionData({ abi: currencyAbi, functionName: 'transfer', args: [at('1'), 5n] });
    expect(said({ target: at('9'), data })).toMatch(/^Call 0x9999…9999 with 0xa9059cbb/);
    expect(said({ target: law.members, data })).toMatch(/^Call 0xaaaa…aaaa with 0xa9059cbb/);
    expect(said({ target: law.members, data: '0x' })).toMatch(/with 0x\.?$/);
  });

  it('are Chinese in Chinese', async () => {
    page.document = { documentElement: { lang: '' } };
    await setLanguage('zh-CN');
    expect(said(prepare.lift(law.catalog, { owner: 'Brand', id: 'orders' }))).toBe('解除由 Brand 的数据 orders 产生的节点规则。');
    expect(said(prepare.setRoles(law, 'Brand', 4))).toBe('自此 Brand 的账户可任角色：商家。');
  });
});

describe('events in words', () => {
  it('say what happened', () => {
    const topics = encodeEventTopics({ abi: membersAbi, eventName: 'AccountEnrolled', args: { organization: toWord('Brand'), account: at('1') } }) as Hex[];
    const data = encodeAbiParameters(parseAbiParameters('uint32, uint64, bytes32'), [4, 0n, `0x${'00'.repeat(32)}`]);
    expect(eventText(describeEvent({ address: law.members, topics, data }, contractAt))).toBe('Brand enrolled 0x1111…1111: merchant, for ever.');
    expect(describeEvent({ address: at('9'), topics, data }, contractAt)).toBeNull();
    expect(describeEvent({ address: law.policies, topics, data }, contractAt)).toBeNull();
    const adopted = {
      address: law.catalog,
      topics: encodeEventTopics({ abi: dataCatalogAbi, eventName: 'RuleAdopted', args: { owner: toWord('Brand'), id: toWord('orders') } }) as Hex[],
      data: encodeAbiParameters(parseAbiParameters('uint32, uint32, address[]'), [2, 365, [at('1'), law.members]]),
    };
    expect(eventText(describeEvent(adopted, contractAt))).toBe('orders of Brand (revision 2) is a rule now: nodes let go after 365 days what concerns 0x1111…1111 and 0xaaaa…aaaa.');
    expect(eventText(null)).toBe('An event that this page does not know');
  });

  it('have words for every event of the law, and for every reason to refuse', async () => {
    const { deskEn } = await import('../i18n/desk.en');
    const { anchorsAbi } = await import('../abi/anchors');
    const { enginesAbi } = await import('../abi/engines');
    const abis = { members: membersAbi, policies: policiesAbi, anchors: anchorsAbi, catalog: dataCatalogAbi, upgrades: upgradesAbi, engines: enginesAbi };
    // What a library says of itself is shown with its name.
    const plain = new Set(['EIP712DomainChanged', 'InvalidShortString', 'StringTooLong', 'ReentrancyGuardReentrantCall', 'InvalidAnchor', 'NotMore', 'UnknownAnchor']);
    const silent = Object.entries(abis).flatMap(([contract, abi]) =>
      abi.flatMap((item) => {
        if (item.type === 'event' && !(`event.${contract}.${item.name}` in deskEn)) return [item.name];
        return item.type === 'error' && !(`refused.${item.name}` in deskEn) ? [item.name] : [];
      }),
    );
    expect(silent.filter((name) => !plain.has(name))).toEqual([]);
  });
});

describe('refusals in words', () => {
  it('give the reason', () => {
    const notMet = encodeErrorResult({ abi: policiesAbi, errorName: 'PolicyNotMet', args: [toWord('membership'), majority] });
    expect(refusal(notMet)).toBe('The approvals do not meet the policy membership yet: MAJORITY(admin).');
    const belongs = encodeErrorResult({ abi: membersAbi, errorName: 'Belongs', args: [at('1'), toWord('Brand')] });
    expect(refusal(encodeErrorResult({ abi: policiesAbi, errorName: 'CallFailed', args: [1n, belongs] }))).toBe(
      'Call 1 of the proposal (from 0) fails: 0x1111…1111 belongs to Brand already.',
    );
    expect(refusal(encodeErrorResult({ abi: policiesAbi, errorName: 'NotOpen', args: [3n, 2] }))).toBe('Proposal 3 is not open any more: carried out.');
    const wrong = encodeErrorResult({ abi: upgradesAbi, errorName: 'WrongCode', args: [at('1'), `0x${'aa'.repeat(32)}`, `0x${'bb'.repeat(32)}`] });
    expect(refusal(wrong)).toBe(`0x1111…1111 has not the code that was looked at: it is 0x${'bb'.repeat(32)}, not 0x${'aa'.repeat(32)}.`);
    const other = encodeErrorResult({ abi: dataCatalogAbi, errorName: 'OtherRevision', args: [toWord('Brand'), toWord('orders'), 3] });
    expect(refusal(encodeErrorResult({ abi: policiesAbi, errorName: 'CallFailed', args: [0n, other] }))).toMatch(/The entry orders of Brand has changed since: it is at revision 3 now\.$/);
    expect(refusal(encodeErrorResult({ abi: dataCatalogAbi, errorName: 'TooManyRules' }))).toBe('There are as many rules as there may be.');
    expect(refusal('0x')).toBe('A contract refused without a reason.');
    expect(refusal('0x12345678')).toBe('A contract refused, in words unknown here (0x12345678).');
    expect(describeRefusal('0x1234')).toBeNull();
  });

  it('are found in what nodes and wallets answer', () => {
    const data = encodeErrorResult({ abi: membersAbi, errorName: 'NotAdmin', args: [at('1')] });
    expect(failure({ code: 3, message: 'execution reverted', data })).toMatch(/is no admin of an active organization/);
    expect(failure({ code: -32603, data: { data } })).toMatch(/is no admin of an active organization/);
    expect(failure({ code: 4001, message: 'User rejected' })).toBe('Declined in the wallet.');
    expect(failure(new Refused(4444, 'pruned history unavailable: block 7 has been pruned'))).toBe('This node no longer keeps what was asked for: it was let go.');
    expect(failure(new Error('odd'))).toBe('It was refused: odd');
  });
});

describe('consent', () => {
  it('is the digest that the contract checks', () => {
    const data = consentData({ chainId: 1337, members: law.members, organization: toWord('Brand'), account: at('1'), roles: 4, validUntil: 0n, certificate: `0x${'00'.repeat(32)}`, nonce: 2n });
    // The fields and their order are the type hash of Members.sol.
    const source = readFileSync(new URL('../../../../contracts/src/membership/Members.sol', import.meta.url), 'utf8');
    const type = `Enrollment(${data.types.Enrollment.map(({ name, type: kind }) => `${kind} ${name}`).join(',')})`;
    expect(source).toContain(`"${type}"`);
    expect(source).toContain(`EIP712("${data.domain.name}", "${data.domain.version}")`);
    expect(hashTypedData(data)).toMatch(/^0x[0-9a-f]{64}$/);
  });
});

describe('certificates', () => {
  it('are read as far as forms need them', async () => {
    const node = await readDer(fixture('node'));
    expect(node).toMatchObject({
      organization: 'BrandMSP',
      kind: 'node',
      name: 'node-1',
      key: `0x${'07'.repeat(32)}`,
      account: null,
      roles: 0,
      fingerprint: '0xb55dd84d96c21c8ce7a55452190902ba7d9578b88e26429cfbcd34ee88fedfe7',
    });
    expect(node.notAfter - node.notBefore).toBe(365n * 86_400n);
    expect(await readDer(fixture('root'))).toMatchObject({ kind: 'root', organization: 'BrandMSP', key: null });
    expect((await readDer(fixture('server'))).kind).toBe('server');
    expect(await readDer(fixture('client'))).toMatchObject({ kind: 'client', account: null, roles: 0b100100 });
    expect(await readDer(fixture('admin'))).toMatchObject({ kind: 'client', account: '0x00000000000000000000000000000000000ba5e1', roles: 0b110 });
  });

  it('are read from PEM', async () => {
    const pem = `noise\n-----BEGIN CERTIFICATE-----\n${Buffer.from(fixture('root')).toString('base64')}\n-----END CERTIFICATE-----\n`;
    expect((await readPem(pem)).fingerprint).toBe((await readDer(fixture('root'))).fingerprint);
    await expect(readPem('nothing')).rejects.toBeInstanceOf(NoCertificate);
  });

  it('that are torn or changed are refused, or read: never anything else', async () => {
    const whole = fixture('client');
    for (let cut = 0; cut < whole.length; cut += 1) await expect(readDer(whole.subarray(0, cut))).rejects.toBeInstanceOf(NoCertificate);
    for (let place = 0; place < whole.length; place += 1) {
      const changed = Uint8Array.from(whole);
      changed[place] = (changed[place] as number) ^ 0xff;
      await readDer(changed).catch((error: unknown) => expect(error).toBeInstanceOf(NoCertificate));
    }
  });

  it('warn in time', () => {
    const now = 1_000_000_000;
    const after = (days: number) => ({ notBefore: 0n, notAfter: BigInt(now + days * 86_400), revokedIn: 0n });
    expect([60, 59.9, 30, 29.9, 7, 6.9, 0.1, -0.1].map((days) => urgency({ ...after(days), notAfter: BigInt(Math.round(now + days * 86_400)) }, now))).toEqual([
      'fine',
      'yellow',
      'yellow',
      'amber',
      'amber',
      'red',
      'red',
      'expired',
    ]);
    expect(urgency({ ...after(100), revokedIn: 4n }, now)).toBe('revoked');
    expect(urgency({ ...after(100), notBefore: BigInt(now + 1) }, now)).toBe('future');
    expect(daysLeft(after(19).notAfter, now)).toBe(19);
  });
});
