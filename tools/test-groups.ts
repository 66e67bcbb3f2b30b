// Runs groups of this project's tests one after the other, each to its end: `node test-groups.ts own shared`. Beside two other projects,
// both at once made all of them slower.
import { spawn } from 'node:child_process';
import { makePlatformTemplate } from '@rapport/testing';
import { buildPlatform } from './build-platform.ts';

// Not while tests run: builds replace files that their processes start from.
await buildPlatform(console.log, new AbortController().signal);
const removeTemplate = await makePlatformTemplate();
try {
  const codes: number[] = [];
  for (const group of process.argv.slice(2)) codes.push(await run(group));
  process.exitCode = Math.max(...codes);
} finally {
  await removeTemplate();
}

function run(group: string): Promise<number> {
  const env = { ...process.env, TEST_GROUP: group };
  const child = spawn('vitest', ['run'], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => child.once('exit', (code) => resolve(code ?? 1)).once('error', reject));
}
