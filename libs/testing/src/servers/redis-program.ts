import { spawnSync } from 'node:child_process';
import { installDebianPackage } from './debian-package.js';

/** The server itself, and the name by which it comes with Debian's `redis-tools`: the server asks its own name what to be. */
const programs = ['redis-server', 'redis-check-rdb'];

/**
 * Finds the program that is a Redis server when it is started with the name `redis-server`. As root on a machine with apt
 * it is installed when it is missing; no service is started.
 *
 * @throws Error that says what to install
 */
export async function findRedisProgram(): Promise<string> {
  const present = findInstalled();
  if (present) return present;
  if (process.getuid?.() !== 0) {
    throw new Error(
      'There is no redis-server on this machine. Install Redis 7 or later, such as by your package manager.',
    );
  }
  try {
    // Not the package `redis-server`, which starts a service of its own.
    await installDebianPackage('redis-tools');
  } catch (error) {
    throw new Error('There is no redis-server on this machine, and installing it by apt failed.', { cause: error });
  }
  const installed = findInstalled();
  if (!installed) throw new Error('The package redis-tools brought no Redis server. Install redis-server by hand.');
  return installed;
}

function findInstalled(): string | undefined {
  return programs.find(isRedisServer);
}

/** Unlike `spawnSync`, `execFile` drops `argv0`. */
function isRedisServer(program: string): boolean {
  const { stdout } = spawnSync(program, ['--version'], { argv0: 'redis-server', encoding: 'utf8' });
  // Null when there is no such program.
  return (stdout as string | null)?.startsWith('Redis server') === true;
}
