import { createHash, type Hash } from 'node:crypto';
import { printTally, sizeOf } from '@rapport/testing';
import { expect, test, vi } from 'vitest';
import { bodyOf, FilesTenant } from './files-tenant.js';
import { person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

/** The largest allowed file, or one of a few pieces. */
const sizeBytes = sizeOf('FILE_BYTES', { short: 7_654_321, long: 2 ** 31 - 1 });
const blockBytes = 65_536;
/** Bytes between two lost connections. */
const betweenLosses = Math.floor(sizeBytes / 7);
const maxPieceBytes = 256 * 1_024;

/** The bytes of the file from an offset: each block contains its number, so that blocks differ. */
function* blocksFrom(offset: number): Generator<Buffer> {
  for (let place = offset; place < sizeBytes;) {
    const number = Math.floor(place / blockBytes);
    const block = Buffer.alloc(Math.min(blockBytes, sizeBytes - number * blockBytes), `block ${number} `);
    const rest = block.subarray(place - number * blockBytes);
    yield rest;
    place += rest.length;
  }
}

function hashOf(blocks: Iterable<Buffer>): string {
  const hash: Hash = createHash('sha256');
  for (const block of blocks) hash.update(block);
  return hash.digest('hex');
}

/**
 * Sends from an offset, and drops the connection after this many bytes. @returns whether the file was sent completely
 */
async function sendUntilLost(tenant: FilesTenant, id: string, offset: number): Promise<boolean> {
  const { call, answer } = tenant.openUpload();
  const outcome = answer.then(
    () => true,
    () => false,
  );
  // The callback does not always run when the call has ended meanwhile.
  const write = (data: Buffer, parameters: object) =>
    Promise.race([
      outcome,
      new Promise<void>((resolve) => {
        const message = { id: '', offset: undefined, complete: undefined, content: bodyOf(data), ...parameters };
        call.write(message, () => resolve());
      }),
    ]);
  await write(Buffer.alloc(0), { id, offset });
  let sent = 0;
  for (const block of blocksFrom(offset)) {
    if ((await write(block, {})) === false) return false;
    sent += block.length;
    if (sent < betweenLosses) continue;
    // Some of it has been received by then.
    await vi.waitUntil(async () => (await tenant.getUpload(id)).receivedBytes > offset, { timeout: 60_000 });
    call.cancel();
    return outcome;
  }
  await write(Buffer.alloc(0), {});
  call.end();
  return outcome;
}

test('a file arrives unchanged over repeatedly lost connections', async () => {
  const tenant = await FilesTenant.create(customers);
  const { id: customerId } = await customers.create(tenant.caller, person());
  const sha256 = hashOf(blocksFrom(0));
  const { id } = await tenant.createUpload(`customers/${customerId}`, { sizeBytes, sha256 });

  let losses = 0;
  for (let isWhole = false; !isWhole;) {
    const { receivedBytes, file } = await tenant.getUpload(id);
    isWhole = file !== undefined || (await sendUntilLost(tenant, id, receivedBytes));
    if (!isWhole) losses += 1;
  }

  const { file } = await tenant.getUpload(id);
  expect(file).toMatchObject({ sizeBytes, sha256, contentType: 'text/plain' });
  expect(losses).toBeGreaterThanOrEqual(5);
  const { rows } = await tenant.database.query<{ largest: number; count: number }>(
    'select max(octet_length(data)) as largest, count(*)::int as count from file_piece',
  );
  expect(rows[0]?.largest).toBeLessThanOrEqual(maxPieceBytes);
  const downloaded = createHash('sha256');
  let [bytes, largest] = [0, 0];
  for await (const { data } of tenant.messages(id)) {
    downloaded.update(data);
    bytes += data.length;
    largest = Math.max(largest, data.length);
  }
  expect([bytes, downloaded.digest('hex')]).toEqual([sizeBytes, sha256]);
  expect(largest).toBeLessThanOrEqual(maxPieceBytes);
  printTally('files', { bytes, losses, pieces: rows[0]?.count ?? 0, rssMiB: process.memoryUsage().rss / 2 ** 20 });

  await customers.call('deleteFile', { id, permanent: true }, tenant.caller);
  await expect.poll(() => tenant.storedBytes(), { timeout: 300_000 }).toEqual({ stored: 0, counted: 0 });
  await tenant.close();
}, 3_600_000);
