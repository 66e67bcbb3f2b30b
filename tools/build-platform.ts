import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isBuilt, recordingBuild } from './build-record.ts';

const root = join(import.meta.dirname, '..');

/**
 * Builds the programs of `npm start`, unless they are up to date: nx replaces every file even when nothing has changed, and
 * a process that starts at that moment finds none.
 */
export async function buildPlatform(onProgress: (line: string) => void, signal: AbortSignal): Promise<void> {
  onProgress('Building');
  if (isBuilt(root)) return;
  await recordingBuild(root, async () => {
    await runNx(onProgress, signal);
    return true;
  });
}

async function runNx(onProgress: (line: string) => void, signal: AbortSignal): Promise<void> {
  const args = ['run-many', '-t', 'build', '-p', 'edge,auth,customers,sync,testing', '--outputStyle=static'];
  const nx = spawn('nx', args, {
    cwd: root,
    // Without it nx shares one cache among all clones of the repository on this machine, in the home folder.
    env: { ...process.env, NX_TUI: 'false', NX_CACHE_DIRECTORY: join(root, '.nx/cache') },
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
  });
  const output: string[] = [];
  createInterface(nx.stdout).on('line', (line) => {
    output.push(line);
    const done = /✔ +(nx run \S+)$/.exec(line)?.[1];
    if (done) onProgress(`  ${done}`);
  });
  const exitCode = await new Promise((resolve, reject) => nx.once('close', resolve).once('error', reject));
  if (exitCode !== 0) throw new Error(`Building failed.\n${output.join('\n')}`);
}
