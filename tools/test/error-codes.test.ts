import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contractErrorCodes, platformContract } from '@rapport/contracts';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const codes = contractErrorCodes(platformContract());
const files = globSync('{apps,libs}/*/src/**/*.ts', { cwd: root }).filter(
  (file) => !/\.spec\.ts$|libs\/testing\/|src\/gen\/|src\/open-api\/|error-codes\.ts$/.test(file),
);
const sources = files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');

it('every code that a source throws is listed with its status', () => {
  const thrown = sources.matchAll(/new AppError\(\s*'([A-Z_]+)',\s*'([A-Z][A-Z0-9_]+)'/g);
  const faults = [...thrown].filter(([, grpc, code = '']) => {
    const [listed] = codes.get(code) ?? [];
    // Both of these are 409.
    const isOther = grpc === 'ABORTED' && listed === 'FAILED_PRECONDITION';
    return listed !== grpc && !isOther;
  });
  expect(faults.map(([, grpc, code]) => `${code} ${grpc}`)).toEqual([]);
});

it('every listed code is one that a source throws', () => {
  // Made of a part that varies and one that does not.
  const made = /^(?:PEER_)|_(?:NOT_FOUND|NOT_DELETED|CREATED_BEFORE|ERASED|TAKEN)$/;
  const unknown = [...codes.keys()].filter((code) => !made.test(code) && !sources.includes(`'${code}'`));
  expect(unknown).toEqual([]);
});

it('every code has a sentence', () => {
  for (const [code, [, meaning]] of codes) expect(meaning, code).toMatch(/^[A-Z`].*\.$/);
});
