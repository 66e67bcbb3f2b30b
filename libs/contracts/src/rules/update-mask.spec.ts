import { expect, test } from 'vitest';
import { readMask } from './update-mask.js';

const resource = { name: 'ore', noun: 'an ore', fields: ['metal', 'weight'], fixed: { id: 'IMMUTABLE' } } as const;

test('a mask names fields in any order and spelling, and each once', () => {
  expect(readMask(['weight', 'metal', 'weight'], resource)).toEqual(['metal', 'weight']);
});

test('the error of a mask names its first wrong paths only', () => {
  const paths = ['metal', 'id', ...Array.from({ length: 10_000 }, (_, index) => `x${index}`)];
  const wrong = Array.from({ length: 19 }, (_, index): unknown =>
    expect.objectContaining({ field: 'updateMask', description: `names "x${index}", which is no field of an ore` }),
  );

  expect(() => readMask(paths, resource)).toThrow(
    expect.objectContaining({ violations: [expect.objectContaining({ field: 'ore.id' }), ...wrong] }) as Error,
  );
});
