import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { csv, endOfFile, furtherPiece, ImportTenant, pieces } from './import-tenant.js';
import { RunningCustomers } from './running-customers.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const fewRows = sizeOf('IMPORT_MEMORY_ROWS', { short: 700, long: 20_000 });
const mib = 1024 * 1024;

let customers: RunningCustomers;
let tenant: ImportTenant;

// A service of its own: the memory of the process is measured.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  tenant = await ImportTenant.create(customers);
});
afterAll(async () => {
  await tenant.close();
  await customers.stop();
});

test('memory does not grow with five times as many rows', { timeout: soakTimeoutMs }, async () => {
  await growthOfImport(1_000);

  const few = await growthOfImport(fewRows);
  const many = await growthOfImport(5 * fewRows);

  printTally('import-memory', { rows: fewRows, MiB: few / mib, 'MiB of five times as many': many / mib });
  expect(many).toBeLessThan(1.3 * Math.max(few, 0) + 10 * mib);
});

/** Largest growth of used memory, after garbage collection, in bytes while a file of this many rows is imported. */
async function growthOfImport(rows: number): Promise<number> {
  const before = bytesInUse();
  let most = before;
  let sent = 0;
  const upload = async function* () {
    const [first] = pieces(csv('name,email,phone,city,country\n'));
    yield first!;
    for (let row = 0; row < rows;) {
      let piece = '';
      for (; piece.length < 60_000 && row < rows; row += 1) {
        piece += `Ñame ${rows} ${row},n${row}@x${rows}.example,+49 30 ${row},Köln,Germany\n`;
      }
      yield furtherPiece(Buffer.from(piece));
      if ((sent += 1) % 8 === 0) most = Math.max(most, bytesInUse());
    }
    yield endOfFile;
  };
  const answer = await tenant.upload(upload());
  most = Math.max(most, bytesInUse());
  expect(answer).toMatchObject({ rows, created: rows });
  return most - before;
}

function bytesInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
