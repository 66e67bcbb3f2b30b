// Runs the lanes of this project's tests beside each other, each to its end: `node test-lanes.ts own shared`.
import { spawn } from 'node:child_process';

const codes = await Promise.all(process.argv.slice(2).map(run));
process.exitCode = Math.max(...codes);

function run(lane: string): Promise<number> {
  const env = { ...process.env, TEST_LANE: lane };
  const child = spawn('vitest', ['run'], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => child.once('exit', (code) => resolve(code ?? 1)).once('error', reject));
}
