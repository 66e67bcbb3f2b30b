import { MasterKeys } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Seal } from '../src/engine/sealing/seal.js';
import { allGenerations, SubjectKeys } from '../src/engine/sealing/subject-keys.js';
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

test('a call that stores no keys still encrypts for a new subject, but not for an erased one', async () => {
  const [fresh, erased] = [v7(), v7()];
  await sealedByOther(erased);
  await keys.destroy(tenantId, erased, allGenerations);
  const seal = await newSeal();
  seal.storeNoKeys();

  await seal.prepare([fresh, erased]);

  expect(seal.openText(seal.sealText(fresh, 'Ada'))).toBe('Ada');
  expect(() => seal.sealText(erased, 'Eve')).toThrow('The customer was erased.');
  expect(await keys.inUse(tenantId, [fresh])).toEqual(new Map());
});

test('keys of a call are dropped from any of them on, and the others stay', async () => {
  const subjects = [v7(), v7(), v7()];
  const seal = await newSeal();
  await seal.prepareNew(subjects.slice(0, 1));
  const kept = seal.newCount;
  await seal.prepareNew(subjects.slice(1));

  await seal.dropNew(kept);

  expect([...(await keys.inUse(tenantId, subjects)).keys()]).toEqual(subjects.slice(0, 1));
});

test('a subject whose key was dropped gets another key, which is stored', async () => {
  const subject = v7();
  const seal = await newSeal();
  await seal.prepareNew([subject]);
  await seal.dropNew();

  await seal.prepareNew([subject]);

  const sealed = seal.sealText(subject, 'Ada');
  const other = await newSeal();
  await other.prepare([subject]);
  expect(other.sealText(subject, 'Ada')).toBe(sealed);
});
