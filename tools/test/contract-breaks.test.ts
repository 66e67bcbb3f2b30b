import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const clone = mkdtempSync(join(tmpdir(), 'rapport-breaks-'));
/** A part of the contract that stands alone: buf reads all that is there four times. */
const contract = ['proto/google', 'proto/rapport/api', 'proto/rapport/customers/v1/customer.proto'];
const customer = join(clone, 'proto/rapport/customers/v1/customer.proto');

beforeAll(() => {
  for (const path of [...contract, 'buf.yaml', 'tools/contract-breaks.ts', 'package.json'])
    cpSync(join(root, path), join(clone, path), { recursive: true });
  writeFileSync(join(clone, '.gitignore'), 'node_modules/\n');
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('-c', 'user.name=Test', '-c', 'user.email=test@example.com', 'commit', '--quiet', '--message', 'Release');
});

afterAll(() => rmSync(clone, { recursive: true }));

test('accepts a contract that only grows, and reports a field whose number was changed', () => {
  const text = readFileSync(customer, 'utf8');
  writeFileSync(customer, `${text}\n// Nothing yet.\nmessage Nothing {}\n`);
  const grown = breaks();
  writeFileSync(customer, text.replace('optional string display_name = 3', 'optional string display_name = 999'));
  const changed = breaks();

  expect(grown).toEqual({ status: 0, output: '' });
  expect(changed.status).toBe(100);
  expect(changed.output).toContain('"display_name"');
});

function breaks(): { status: number | null; output: string } {
  const path = `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['tools/contract-breaks.ts'], {
    cwd: clone,
    env: { ...environment(), PATH: path, NX_BASE: 'main' },
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

function git(...args: string[]): void {
  execFileSync('git', args, { cwd: clone, env: environment() });
}

/** The environment without git's variables, which refer to the repository of this test. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  return { ...Object.fromEntries(own), GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
}
