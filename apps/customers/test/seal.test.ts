import { MasterKeys } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Seal } from '../src/engine/sealing/seal.js';
import { SubjectKeys } from '../src/engine/sealing/subject-keys.js';
import { newKeys } from './databases.js';

/** More keys than a seal caches. */
const manyCustomers = Array.from({ length: 20_200 }, () => v7());
const [ada = '', eve = ''] = manyCustomers.slice(-2);
const tenantId = v7();
let keys: SubjectKeys;

beforeAll(async () => {
  const { databaseUrl, masterKey } = await newKeys();
  keys = new SubjectKeys(databaseUrl, new MasterKeys(masterKey));
  await keys.createTenant(tenantId);
}, 120_000);
afterAll(() => keys.close());

async function newSeal(): Promise<Seal> {
  return new Seal(tenantId, true, await keys.tenantKeys(tenantId), keys);
}

test('a call that has used more keys than its cache holds can still encrypt and decrypt with the last of them', async () => {
  const seal = await newSeal();
  for (let start = 0; start < manyCustomers.length; start += 5_050) {
    await seal.prepare(manyCustomers.slice(start, start + 5_050));
  }
  const sealed = seal.sealText(ada, 'Ada');

  await seal.load([]);
  await seal.load([await sealedByOther(eve)]);

  expect(seal.sealText(ada, 'Ada')).toBe(sealed);
  expect(seal.openText(sealed)).toBe('Ada');
});

async function sealedByOther(customerId: string): Promise<string> {
  const other = await newSeal();
  await other.prepare([customerId]);
  return other.sealText(customerId, 'Eve');
}
