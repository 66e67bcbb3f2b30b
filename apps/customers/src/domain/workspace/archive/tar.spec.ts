import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { paddingOf, readTarHeader, tarEnd, tarHeader } from './tar.js';

const time = new Date('2026-11-28T13:00:00Z');

test('tar reads an archive', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tar-'));
  const data = Buffer.from('{"a":1}\n');
  const parts = [tarHeader({ name: 'records/customer/000001.ndjson', sizeBytes: data.length }, time), data];
  const archive = Buffer.concat([...parts, Buffer.alloc(paddingOf(data.length)), tarEnd]);
  writeFileSync(join(folder, 'archive.tar'), archive);

  execFileSync('tar', ['-xf', 'archive.tar'], { cwd: folder });

  expect(readFileSync(join(folder, 'records/customer/000001.ndjson')).equals(data)).toBe(true);
});

test('a header round-trips', () => {
  const entry = { name: 'a'.repeat(100), sizeBytes: 8 ** 11 - 1 };

  expect(readTarHeader(tarHeader(entry, time))).toEqual(entry);
  expect(readTarHeader(Buffer.alloc(512))).toBeUndefined();
});

test.each([
  ['a byte that was changed', (header: Buffer) => header.writeUInt8(header.readUInt8(0) ^ 1, 0)],
  ['another magic', (header: Buffer) => header.write('gnu', 257)],
  ['a link', (header: Buffer) => header.write('2', 156)],
  ['no size', (header: Buffer) => header.write('x'.repeat(11), 124)],
])('a header with %s is invalid', (_, change) => {
  const header = tarHeader({ name: 'manifest.json', sizeBytes: 3 }, time);
  change(header);

  expect(readTarHeader(header)).toBeNull();
});

test('a name that is too long is refused', () => {
  expect(() => tarHeader({ name: 'a'.repeat(101), sizeBytes: 0 }, time)).toThrow('does not fit');
});
