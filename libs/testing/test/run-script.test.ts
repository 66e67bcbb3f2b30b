import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { nodeProgram } from '../src/platform/node-program.js';
import { runScript } from '../src/run-script.js';

test('runs with the Node of the caller, and with that of the workspace when the caller has an older one', () => {
  expect(nodeProgram('24.0.0', '/usr/bin/node')).toBe('/usr/bin/node');
  expect(nodeProgram('26.1.0', '/usr/bin/node')).toBe('/usr/bin/node');
  expect(nodeProgram('20.20.2', '/usr/bin/node')).toMatch(/\/node_modules\/\.bin\/node$/);
});

test('shows the last lines of a script that fails, but not a bundled program that is one line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const script = join(folder, 'bundled.cjs');
  await writeFile(script, `throw new Error("no such table"); // ${'x'.repeat(40_000)}`);

  const error: unknown = await runScript(script, [], {}).catch((reason: unknown) => reason);

  expect(error).toMatchObject({
    message: expect.stringMatching(/failed \(1\)\. Its last lines:[^]*no such table/) as string,
  });
  expect(inspect(error).length).toBeLessThan(10_000);
});
