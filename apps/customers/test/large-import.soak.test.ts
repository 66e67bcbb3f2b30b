import { isSoak, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, expect, test } from 'vitest';
import { endOfFile, furtherPiece, ImportTenant, pieces, csv } from './import-tenant.js';
import { newCaller, person, sharedCustomers } from './running-customers.js';

const mebibytes = sizeOf('IMPORT_MIB', { short: 1, long: 60 });
/** In an unmapped column: rows as long as those of real people, and in the short form a large file of few rows. */
const padding = 'x'.repeat(sizeOf('IMPORT_PADDING', { short: 2_000, long: 130 }));

const customers = await sharedCustomers();
const tenant = await ImportTenant.create(customers);
afterAll(() => tenant.close());

test('a large file is imported completely under concurrent writes', { timeout: soakTimeoutMs }, async () => {
  let rows = 0;
  async function* upload() {
    const [first] = pieces(csv('name,email,phone,city,country,padding\n'));
    yield first!;
    for (let sent = 0; sent < mebibytes * 1_024 * 1_024;) {
      let piece = '';
      for (; piece.length < 60_000; rows += 1)
        piece += `Name ${rows},n${rows}@x.example,+49 30 ${rows},Berlin,Germany,${padding}\n`;
      sent += piece.length;
      yield furtherPiece(Buffer.from(piece));
    }
    yield endOfFile;
  }
  const startedAt = performance.now();
  let isOver = false;
  const importing = tenant.upload(upload()).finally(() => (isOver = true));
  const other = newCaller();
  let writes = 0;
  while (!isOver) {
    await customers.create(other, person());
    writes += 1;
    if (isSoak) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  const { created, failed } = await importing;
  expect([created, failed]).toEqual([rows, 0]);
  expect(writes).toBeGreaterThan(0);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  printTally('large import', { mebibytes, rows, seconds, writes });
});
