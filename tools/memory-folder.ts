import { readFileSync, statfsSync } from 'node:fs';

const folder = '/dev/shm';

/** What all tests together have used at most, with room to spare, in bytes. */
const needed = 6 * 1_024 ** 3;

/**
 * The folder for temporary files of tests that is in memory, or undefined where it has too little room or runs no
 * programs, as in a container by default. Tests create and remove tens of thousands of database files: on ext4, the
 * search for free inodes took a quarter of their time.
 */
export function memoryFolder(): string | undefined {
  const mount = mounts().find(([, at]) => at === folder);
  if (mount?.[2] !== 'tmpfs' || mount[3]?.split(',').includes('noexec')) return undefined;
  const { bavail, bsize } = statfsSync(folder);
  return Math.min(bavail * bsize, process.availableMemory()) < needed ? undefined : folder;
}

/** Device, folder, type and options of each file system; empty on systems other than Linux. */
function mounts(): string[][] {
  if (process.platform !== 'linux') return [];
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
}
