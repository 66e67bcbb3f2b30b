import { EventEmitter } from 'node:events';
import type { EntityManager } from '@mikro-orm/postgresql';
import { expect, test } from 'vitest';
import type { RecordType } from '../fields/record-type.js';
import { KnownTexts } from './known-texts.js';

const type = { table: 'customer' } as RecordType;
const text = 'x'.repeat(16_000);

function newTexts(): KnownTexts {
  const connection = { getNativeClient: () => Promise.resolve(new EventEmitter()) };
  return KnownTexts.of({ getConnection: () => connection } as unknown as EntityManager);
}

/** Reads each record, and keeps its text if it is not known. @returns for how many it was known */
function readAll(texts: KnownTexts, records: number): number {
  let known = 0;
  for (let id = 0; id < records; id += 1) {
    if (texts.get(type, 'tenant', String(id))) {
      known += 1;
      continue;
    }
    const written = { tenantId: 'tenant', table: type.table, rowVersion: '1', text, etag: '"1"' };
    texts.keep(texts.beginRead(), String(id), written);
  }
  return known;
}

test('keeps the texts of all records that have room', () => {
  const texts = newTexts();
  readAll(texts, 2_500);
  expect(readAll(texts, 2_500)).toBe(2_500);
});

test('knows a part of the records that are read in turn when they have not all room', () => {
  const texts = newTexts();
  for (let round = 0; round < 5; round += 1) readAll(texts, 3_700);
  expect(readAll(texts, 3_700)).toBeGreaterThan(1_000);
});

test('keeps each new text of a known record, and follows readers to other records', () => {
  const texts = newTexts();
  readAll(texts, 3_700);
  const written = { tenantId: 'tenant', table: type.table, rowVersion: '2', text, etag: '"2"' };
  const [id] = Array.from({ length: 3_700 }, (_, each) => String(each)).filter((each) =>
    texts.get(type, 'tenant', each),
  );
  texts.keep(texts.beginRead(), id ?? '', written);
  expect(texts.get(type, 'tenant', id ?? '')).toBe(written);

  const read = () => texts.keep(texts.beginRead(), 'other', written);
  for (let reads = 0; reads < 500; reads += 1) read();
  expect(texts.get(type, 'tenant', 'other')).toBe(written);
});
