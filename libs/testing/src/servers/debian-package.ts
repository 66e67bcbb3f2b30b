import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const lock = '/tmp/rapport-apt.lock';
const installTimeoutMs = 600_000;

/** Installs a package by apt. One process at a time, or apt refuses. @throws Error unless as root on a machine with apt */
export async function installDebianPackage(name: string): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error(`Only root can install the package ${name}.`);
  const install = `apt-get install -y -q --no-install-recommends ${name}`;
  // The lists of packages are missing or old on a new machine only, and take seconds.
  await promisify(execFile)('flock', [lock, 'sh', '-c', `${install} || (apt-get update -q && ${install})`], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: installTimeoutMs,
    maxBuffer: 16 * 1_024 * 1_024,
  });
}
