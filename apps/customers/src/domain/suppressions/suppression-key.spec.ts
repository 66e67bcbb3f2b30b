import { createHmac, randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { SuppressionKey } from './suppression-key.js';

const bytes = randomBytes(32);
const key = new SuppressionKey(bytes);
const tenantId = v7();
const hex = (hash: Buffer) => hash.toString('hex');
const hashesOf = (address: string) => key.hashes(tenantId, 'EMAIL', address).map(hex);

/** As releases hashed addresses that did not know domains in ASCII. */
function formerHash(address: string): string {
  const text = JSON.stringify([tenantId, address.trim().toLowerCase()]);
  return createHmac('sha256', bytes).update(text).digest('hex');
}

test('all spellings of a domain have one hash', () => {
  const spellings = [
    'Ada@Bücher.example',
    ' ada@BÜCHER.example',
    'ada@xn--bcher-kva.example',
    'ADA@XN--BCHER-KVA.Example',
  ];
  expect(new Set(spellings.map((address) => hex(key.hash(tenantId, 'EMAIL', address)))).size).toBe(1);
});

test('each spelling finds what a former release has suppressed by another one', () => {
  const former = ['ada@bücher.example', 'ada@xn--bcher-kva.example'].map(formerHash);
  for (const address of ['Ada@BÜCHER.example', 'ada@xn--bcher-kva.example']) {
    expect(hashesOf(address)).toEqual(expect.arrayContaining(former));
  }
});

test.each(['Ada@Example.com', 'ada@123', 'ada@1.2', 'ada@xn--a.example'])('%s has its former hash', (address) => {
  expect(hashesOf(address)).toEqual([formerHash(address)]);
});
