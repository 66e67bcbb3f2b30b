import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The server itself, and the name by which it comes with Debian's `redis-tools`: the server asks its own name what to be. */
const programs = ['redis-server', 'redis-check-rdb'];

/** Not the package `redis-server`, which starts a service of its own. One process at a time, or apt refuses. */
const install = `apt-get update -q && apt-get install -y -q --no-install-recommends redis-tools`;
const lock = '/tmp/rapport-apt.lock';
const installTimeoutMs = 180_000;

/**
 * Finds the program that is a Redis server when it is started with the name `redis-server`. As root on a machine with apt
 * it is installed when it is missing; no service is started.
 *
 * @throws Error that says what to install
 */
export async function findRedisProgram(): Promise<string> {
  const present = await findInstalled();
  if (present) return present;
  if (process.getuid?.() !== 0) {
    throw new Error(
      'There is no redis-server on this machine. Install Redis 7 or later, such as by your package manager.',
    );
  }
  try {
    await promisify(execFile)('flock', [lock, 'sh', '-c', install], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      timeout: installTimeoutMs,
    });
  } catch (error) {
    throw new Error('There is no redis-server on this machine, and installing it by apt failed.', { cause: error });
  }
  const installed = await findInstalled();
  if (!installed) throw new Error('The package redis-tools brought no Redis server. Install redis-server by hand.');
  return installed;
}

async function findInstalled(): Promise<string | undefined> {
  for (const program of programs) {
    if (await isRedisServer(program)) return program;
  }
  return undefined;
}

async function isRedisServer(program: string): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { argv0: 'redis-server' } as object);
    return stdout.startsWith('Redis server');
  } catch {
    return false;
  }
}
