// Runs this project's tests: first what needs the machine, then two lanes beside each other, each to its end.
import { spawn } from 'node:child_process';
import { makePlatformTemplate } from '@rapport/testing';
import { buildPlatform } from './build-platform.ts';

// Not while tests run: builds replace files that their processes start from.
await buildPlatform(console.log, new AbortController().signal);
const removeTemplate = await makePlatformTemplate();
try {
  const codes = [await run('alone'), ...(await Promise.all(['own', 'shared'].map(run)))];
  process.exitCode = Math.max(...codes);
} finally {
  await removeTemplate();
}

function run(lane: string): Promise<number> {
  const env = { ...process.env, TEST_LANE: lane };
  const child = spawn('vitest', ['run'], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => child.once('exit', (code) => resolve(code ?? 1)).once('error', reject));
}
