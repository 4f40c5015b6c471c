// Makes certificates as authorities of organizations do, as far as the page reads them: to have some that end soon.
// What a certificate must be is in ../../docs/protocol/certificates.md.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';

function der(tag, ...contents) {
  const content = Buffer.concat(contents);
  const length = content.length < 0x80 ? [content.length] : content.length < 0x100 ? [0x81, content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...parts) => der(0x30, ...parts);
const identifier = (hex) => der(0x06, Buffer.from(hex, 'hex'));
const text = (value) => der(0x0c, Buffer.from(value));
const attribute = (type, value) => der(0x31, sequence(identifier(type), text(value)));
const name = (organization, units, common) => sequence(attribute('55040a', organization), ...units.map((unit) => attribute('55040b', unit)), attribute('550403', common));
const time = (date) => der(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));
const extension = (type, critical, value) => sequence(identifier(type), ...(critical ? [Buffer.from('0101ff', 'hex')] : []), der(0x04, Buffer.from(value, 'hex')));
const ALGORITHM = sequence(identifier('2a8648ce3d040302'));

/** What else is in a certificate of each kind; a client's names the account that it is for. */
function extensions(kind, account) {
  if (kind === 'root') return [extension('551d13', true, '30060101ff020100'), extension('551d0f', true, '03020106')];
  const usage = extension('551d0f', true, '03020780');
  if (kind !== 'client') return [usage];
  const purpose = sequence(identifier('2b06010505070302')).toString('hex');
  const owner = sequence(der(0x86, Buffer.from(`urn:hanse:account:${account.toLowerCase()}`))).toString('hex');
  return [usage, extension('551d25', false, purpose), extension('551d11', false, owner)];
}

/** `now` in seconds, as the network's blocks have it. Of a client: its roles, and its account. */
export function certificate({ organization, kind, now, days, roles = [], account }) {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const own = kind === 'node' ? generateKeyPairSync('ed25519') : authority;
  const isRoot = kind === 'root';
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([0x40, ...createHash('sha256').update(`${organization} ${kind} ${now}`).digest().subarray(0, 15)])),
    ALGORITHM,
    name(organization, [], `${organization} root`),
    sequence(time(new Date((now - 60) * 1000)), time(new Date((now + days * 86_400) * 1000))),
    name(organization, isRoot ? [] : [kind, ...roles], isRoot ? `${organization} root` : `${kind}-1`),
    own.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions(kind, account))),
  );
  const whole = sequence(body, ALGORITHM, der(0x03, Buffer.from([0]), sign('sha256', body, authority.privateKey)));
  return `-----BEGIN CERTIFICATE-----\n${whole.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
}
