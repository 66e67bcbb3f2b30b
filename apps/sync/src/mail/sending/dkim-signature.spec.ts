import { generateKeyPairSync } from 'node:crypto';
import { dkimVerify } from 'mailauth';
import { expect, test } from 'vitest';
import { dkimSignature } from './dkim-signature.js';

const pairs = { rsa: generateKeyPairSync('rsa', { modulusLength: 2_048 }), ed25519: generateKeyPairSync('ed25519') };

const headers = [
  'From: "Ada  Lovelace" <ada@example.com>',
  'To: a@example.net,\r\n\tb@example.net ,\r\n  c@example.net',
  'Subject:Two  words \t',
  'X-Other: not signed',
  'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
  'Reply-To: first@example.com',
  'Reply-To: second@example.com',
];

const bodies = [
  ...['', '\r\n', '\r\n\r\n \r\n\t\r\n', 'Hello', 'Hello \t', 'a  b\t c \r\n', ' a\r\n\r\n\r\nb\r\n\r\n \r\n\r\n'],
  // Several pieces, one of which is empty lines, and one line.
  `a  b\r\n${'\r\n'.repeat(300_000)}${'c '.repeat(300_000)}\r\nd`,
  ...['a\nb\n\n', '.\r\n..\r\n', 'Grüße: ä\r\n', `${' \r\n'.repeat(2_000)}x`],
];

/** The verdict of mailauth, a second opinion. */
async function verdictOf(mail: Buffer, type: keyof typeof pairs): Promise<string | undefined> {
  const der = pairs[type].publicKey.export({ type: 'spki', format: 'der' });
  const p = (type === 'rsa' ? der : der.subarray(-32)).toString('base64');
  const record = `v=DKIM1; k=${type}; p=${p}`;
  const resolver = (name: string) => Promise.resolve(name === 's1._domainkey.example.com' ? [[record]] : []);
  return (await dkimVerify(mail, { resolver })).results[0]?.status.result;
}

test.each(Object.keys(pairs) as (keyof typeof pairs)[])(
  'a signature by %s is valid, whatever the body, until a signed part changes',
  async (type) => {
    const privateKey = pairs[type].privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const signer = { domainName: 'example.com', keySelector: 's1', privateKey };
    for (const body of bodies) {
      const mail = Buffer.from(`${headers.join('\r\n')}\r\n\r\n${body}`);
      const signed = Buffer.concat([dkimSignature(mail, signer), mail]);
      expect(await verdictOf(signed, type), JSON.stringify(body)).toBe('pass');
      const changedTo = signed.toString().replace('b@example.net', 'e@example.net');
      expect(await verdictOf(Buffer.from(changedTo), type)).toBe('fail');
      expect(await verdictOf(Buffer.concat([signed, Buffer.from('x')]), type)).toBe('neutral');
      const unsigned = signed.toString().replace('not signed', 'changed');
      expect(await verdictOf(Buffer.from(unsigned), type)).toBe('pass');
    }
  },
);
