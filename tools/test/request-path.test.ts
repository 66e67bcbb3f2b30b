import { beforeAll, expect, test } from 'vitest';
import { documentedPaths, traceRequestPaths, type RequestPaths } from '../request-path.ts';

let paths: RequestPaths;

beforeAll(async () => {
  paths = await traceRequestPaths();
});

/** The files that a reader opens to follow a request; `libs/platform` decides nothing about it. */
function followed(files: readonly string[]): string[] {
  return files.filter((file) => /^(?:apps\/edge|libs\/contracts)\//.test(file));
}

test('a cached read passes at most 10 files of the edge and of the contract', () => {
  expect(followed(paths.hit).length).toBeLessThanOrEqual(10);
});

test('a read that misses the cache passes at most 20 files of the edge and of the contract', () => {
  expect(followed(paths.miss.edge).length).toBeLessThanOrEqual(20);
});

test('the files are those that docs/architecture.md lists; `node tools/request-path.ts` writes them', () => {
  const { now, wanted } = documentedPaths(paths);
  expect(now).toBe(wanted);
});
