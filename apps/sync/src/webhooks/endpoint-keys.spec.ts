import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { expect, it } from 'vitest';
import { SecretEnvelope } from '../secrets/secret-envelope.js';
import { EndpointKeys } from './endpoint-keys.js';

const id = '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a33';
const body = Buffer.from('{"type":"customer.created","data":{"name":"Ænne"}}');
const timestamp = Math.floor(Date.now() / 1_000);

it('signs so that standardwebhooks and svix verify it, and refuse another body', () => {
  const keys = EndpointKeys.generate();
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': keys.signatures(id, timestamp, body).join(' '),
  };
  for (const verifier of [new Webhook(keys.secret), new SvixWebhook(keys.secret)]) {
    expect(() => void verifier.verify(body.toString(), headers)).not.toThrow();
    expect(() => void verifier.verify(`${body.toString()} `, headers)).toThrow();
  }
});

it('signs by a key of which the public half verifies it', () => {
  const keys = EndpointKeys.generate();
  const [, signature = ''] = keys.signatures(id, timestamp, body)[1]?.split(',') ?? [];
  const x = Buffer.from(keys.publicKey.slice('whpk_'.length), 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  expect(verify(null, content, key, Buffer.from(signature, 'base64'))).toBe(true);
});

it('is the same when it was sealed and opened', () => {
  const [keys, envelope] = [EndpointKeys.generate(), new SecretEnvelope(randomBytes(32))];
  const opened = EndpointKeys.open(envelope, keys.seal(envelope, 'endpoint'), 'endpoint');
  expect([opened.secret, opened.publicKey]).toEqual([keys.secret, keys.publicKey]);
});
