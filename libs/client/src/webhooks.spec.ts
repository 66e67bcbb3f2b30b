import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import fc from 'fast-check';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { describe, expect, test } from 'vitest';
import { verify, WebhookError, type WebhookErrorCode } from './webhooks.js';

const now = new Date('2026-01-31T09:30:00.500Z');
const timestamp = '1769851800';
const id = '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a44';
const body = '{"type":"customer.updated","data":{"recordId":"019ab2f4","after":{"jobTitle":"Gräfin"}}}';
const secret = newSecret();
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const { x = '' } = publicKey.export({ format: 'jwk' });
const verifyingKey = `whpk_${Buffer.from(x, 'base64url').toString('base64')}`;

describe.each([
  ['standardwebhooks', (key: string) => new StandardWebhook(key).sign(id, sentAt(), body)],
  ['svix', (key: string) => new SvixWebhook(key).sign(id, sentAt(), body)],
])('what %s signs', (_, signed) => {
  test('is accepted, with the event in its body', async () => {
    const message = await verify(headersOf(signed(secret)), body, secret, { now });
    expect(message).toEqual({ id, time: new Date('2026-01-31T09:30:00Z'), event: JSON.parse(body) as unknown });
  });

  test('is accepted as bytes, in the headers of fetch and of Node, and beside other signatures', async () => {
    const all = headersOf(`v1,AAAA v2,x ${signed(secret)}`);
    const bytes = Buffer.from(body);
    await expect(verify(new Headers(all), bytes, [newSecret(), secret], { now })).resolves.toMatchObject({ id });
    await expect(verify({ ...all, host: ['a'] }, bytes, secret, { now })).resolves.toMatchObject({ id });
  });

  test('is refused once a byte, the id or the time differs', async () => {
    const headers = headersOf(signed(secret));
    await expect(codeOf(headers, body.replace('Gräfin', 'Grafin'))).resolves.toBe('SIGNATURE_WRONG');
    await expect(codeOf({ ...headers, 'webhook-id': 'other' })).resolves.toBe('SIGNATURE_WRONG');
    await expect(codeOf({ ...headers, 'webhook-timestamp': '1769851801' })).resolves.toBe('SIGNATURE_WRONG');
    await expect(codeOf(headers, body, newSecret())).resolves.toBe('SIGNATURE_WRONG');
  });
});

test('any change of the signature is refused, as standardwebhooks does', async () => {
  const time = new Date(Math.floor(Date.now() / 1_000) * 1_000);
  const reference = new StandardWebhook(secret);
  const right = reference.sign(id, time, body);
  const seconds = String(time.getTime() / 1_000);
  const edited = fc
    .record({ at: fc.nat(right.length - 1), by: fc.constantFrom(...'AZaz09+/=, v') })
    .map(({ at, by }) => right.slice(0, at) + by + right.slice(at + 1));
  await fc.assert(
    fc.asyncProperty(edited, async (signature) => {
      const headers = { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signature };
      const isAccepted = await verify(headers, body, secret).then(
        () => true,
        () => false,
      );
      expect(isAccepted).toBe(accepts(() => reference.verify(body, headers)));
    }),
    { numRuns: 300 },
  );
});

describe('a signature of a key pair', () => {
  const signature = sign(null, Buffer.from(`${id}.${timestamp}.${body}`), privateKey).toString('base64');

  test('is accepted with the public key alone', async () => {
    await expect(verify(headersOf(`v1a,${signature}`), body, verifyingKey, { now })).resolves.toMatchObject({ id });
  });

  test('is no signature of a secret, nor the other way round', async () => {
    await expect(codeOf(headersOf(`v1,${signature}`), body, verifyingKey)).resolves.toBe('SIGNATURE_WRONG');
    const shared = new StandardWebhook(secret).sign(id, sentAt(), body).replace('v1,', 'v1a,');
    await expect(codeOf(headersOf(shared))).resolves.toBe('SIGNATURE_WRONG');
  });
});

test.each<[WebhookErrorCode, Parameters<typeof codeOf>]>([
  ['HEADER_MISSING', [{ 'webhook-id': id, 'webhook-timestamp': timestamp }]],
  ['HEADER_MISSING', [{}]],
  ['TIMESTAMP_OUT_OF_RANGE', [{ ...headersOf('v1,AAAA'), 'webhook-timestamp': '1769851499' }]],
  ['TIMESTAMP_OUT_OF_RANGE', [{ ...headersOf('v1,AAAA'), 'webhook-timestamp': '1769852101' }]],
  ['TIMESTAMP_OUT_OF_RANGE', [{ ...headersOf('v1,AAAA'), 'webhook-timestamp': 'soon' }]],
  ['KEY_INVALID', [headersOf('v1,AAAA'), body, 'rpt_live_x']],
  ['KEY_INVALID', [headersOf('v1,AAAA'), body, 'whsec_']],
  ['KEY_INVALID', [headersOf('v1,AAAA'), body, 'whsec_not base64']],
])('%s: %j', async (code, [headers, text, key]) => {
  await expect(codeOf(headers, text, key)).resolves.toBe(code);
});

function codeOf(headers: Record<string, string>, text = body, key = secret): Promise<WebhookErrorCode | undefined> {
  return verify(headers, text, key, { now }).then(
    () => undefined,
    (error: unknown) => {
      if (!(error instanceof WebhookError)) throw error;
      return error.code;
    },
  );
}

function headersOf(signature: string): Record<string, string> {
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
}

function sentAt(): Date {
  return new Date(Number(timestamp) * 1_000);
}

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

function accepts(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
