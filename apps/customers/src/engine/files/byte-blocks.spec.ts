import { expect, test } from 'vitest';
import { ByteBlocks } from './byte-blocks.js';

test.each([[[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]], [[10]], [[3, 0, 4, 3]], [[4, 4, 2]]])(
  'returns pieces of %j in blocks of four',
  (sizes) => {
    const bytes = Buffer.from('0123456789');
    const blocks = new ByteBlocks(4);
    let start = 0;
    for (const size of sizes) blocks.add(bytes.subarray(start, (start += size)));

    expect(blocks.length).toBe(10);
    const taken = [blocks.take(), blocks.take(), blocks.take(), blocks.take()].map(String);

    expect(taken).toEqual(['0123', '4567', '89', '']);
    expect(blocks.length).toBe(0);
  },
);

test('continues after taking a partial block', () => {
  const blocks = new ByteBlocks(4);
  blocks.add(Buffer.from('01'));
  expect(String(blocks.take())).toBe('01');

  blocks.add(Buffer.from('23456'));

  expect([blocks.take(), blocks.take()].map(String)).toEqual(['2345', '6']);
});
