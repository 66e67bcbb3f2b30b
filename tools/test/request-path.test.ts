import { beforeAll, expect, test } from 'vitest';
import { documentedPaths, type RequestPaths } from '../request-path.ts';
import { fewPlacesPlatform } from './availability/few-places-platform.ts';

let paths: RequestPaths;

beforeAll(async () => {
  ({ paths } = await fewPlacesPlatform());
});

test('a cached read passes at most 10 files', () => {
  expect(paths.hit.length).toBeLessThanOrEqual(10);
});

test('a read that misses the cache passes at most 20 files in the edge', () => {
  expect(paths.miss.edge.length).toBeLessThanOrEqual(20);
});

test('the files are those that docs/architecture.md lists; `node tools/request-path.ts` writes them', () => {
  const { now, wanted } = documentedPaths(paths);
  expect(now).toBe(wanted);
});
