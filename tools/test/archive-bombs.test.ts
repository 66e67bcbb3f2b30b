import { sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';
import { smallWorkspace } from './filled-workspace.ts';
import { Workspace, type Archive } from './workspaces.ts';

/** As long as a part may be. */
const partBytes = 16 * 1_024 * 1_024;

const platform = await sharedPlatform(inject('platformUrl'));
let small: Archive;
let target: Workspace;

beforeAll(async () => {
  small = await (await smallWorkspace(platform)).export();
  target = await Workspace.create(platform, 'Bombed');
}, 120_000);

/** A text of about `partBytes` that repeats a part between two others. */
function full(start: string, repeated: string, end: string): Buffer {
  return Buffer.from(start + repeated.repeat(Math.floor((partBytes - 1_024) / repeated.length)) + end);
}

function manifestOf(files: Buffer): Buffer {
  const { files: _, ...others } = small.manifest;
  return Buffer.concat([Buffer.from(`${JSON.stringify(others).slice(0, -1)},"files":`), files, Buffer.from('}')]);
}

it.each<[string, (archive: Archive) => Buffer | undefined]>([
  ['a manifest of millions of files', () => manifestOf(full('[{}', ',{}', ']'))],
  ['a line of millions of values', (each) => put(each, full('{"id":[{}', ',{}', ']}\n'))],
  ['thousands of empty parts', (each) => void each.addAfter('rows/consent', emptyParts(12_000))],
])('%s is refused before it is in memory, and leaves nothing', async (_, edit) => {
  const hostile = small.copy();
  const manifest = edit(hostile);

  const operation = await target.import(hostile.sealed(manifest));

  expect(operation).toMatchObject({ state: 'FAILED', error: { status: 400, code: 'ARCHIVE_INVALID' } });
});

it.each<[string, () => Buffer]>([
  ['of large values are parsed one after the other', () => mappings(14, `[{}${',{}'.repeat(333_000)}]`)],
  ['that are nested too deep', () => mappings(1, `${'['.repeat(400_000)}${']'.repeat(400_000)}`)],
])('lines %s, and their import leaves nothing', async (_, data) => {
  const hostile = small.copy();
  hostile.addAfter('rows/workspace_settings', [{ name: 'rows/import_mapping/000001.ndjson', data: data() }]);

  const operation = await target.import(hostile.sealed());

  expect(operation).toMatchObject({ state: 'FAILED', error: { status: 400, code: 'ARCHIVE_INVALID' } });
});

/** Rows that are right but for the last one. */
function mappings(count: number, rules: string): Buffer {
  const line = (key: string) => `{"key":"${key}","rules":{"map":${rules}},"update_time":"2026-01-01T00:00:00Z"}\n`;
  const lines = Array.from({ length: count }, (__, index) => line(`mapping_${index}`));
  return Buffer.from(`${lines.join('')}{"key":null,"rules":{},"update_time":"2026-01-01T00:00:00Z"}\n`);
}

function emptyParts(count: number) {
  const names = Array.from({ length: count }, (_, index) => `rows/consent/${900_000 + index}.ndjson`);
  return names.map((name) => ({ name, data: Buffer.alloc(0) }));
}

function put(archive: Archive, data: Buffer): undefined {
  archive.replace('rows/consent', data);
}
