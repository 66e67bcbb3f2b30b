import { execFileSync, spawnSync } from 'node:child_process';

/** One process at a time, or apt refuses: libs/testing has the same lock. */
const lock = '/tmp/rapport-apt.lock';

/**
 * Sees to it that a program can be run. As root on a machine with apt it is installed when it is missing; no service is
 * started.
 *
 * @param args that make it end at once, without an error
 * @param debianPackage which brings the program, and nothing that runs by itself
 * @throws Error that says what to install
 */
export function ensureProgram(program: string, args: string[], debianPackage: string): void {
  if (works(program, args)) return;
  if (process.getuid?.() !== 0 || !works('apt-get', ['--version']))
    throw new Error(`${program} is needed (Debian: apt-get install ${debianPackage}).`);
  aptGet('update', '-qq');
  aptGet('install', '-qq', '-y', '--no-install-recommends', debianPackage);
}

function aptGet(...args: string[]): void {
  execFileSync('flock', [lock, 'apt-get', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

function works(program: string, args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
