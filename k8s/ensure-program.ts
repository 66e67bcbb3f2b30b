import { spawnSync } from 'node:child_process';

/** Held while apt runs, because apt refuses a second process: libs/testing uses the same lock. */
const lock = '/tmp/rapport-apt.lock';

/**
 * Installs a missing program, when running as root on a machine with apt. No service is started.
 *
 * @param args that make the program exit at once, without an error
 * @param debianPackage which contains the program, and no service
 * @throws Error that says what to install
 */
export function ensureProgram(program: string, args: string[], debianPackage: string): void {
  if (works(program, args)) return;
  if (process.getuid?.() !== 0 || !works('apt-get', ['--version']))
    throw new Error(`${program} is needed (Debian: apt-get install ${debianPackage}).`);
  const install = ['install', '-qq', '-y', '--no-install-recommends', debianPackage];
  // The lists of packages are missing or old on a new machine only.
  if (aptGet(...install) || (aptGet('update', '-qq') && aptGet(...install))) return;
  throw new Error(`apt-get could not install ${debianPackage}.`);
}

function aptGet(...args: string[]): boolean {
  return spawnSync('flock', [lock, 'apt-get', ...args], { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}

function works(program: string, args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
