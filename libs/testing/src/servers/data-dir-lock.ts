import { createHash } from 'node:crypto';
import { realpath, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Reserves `folder` for this process until it ends in any way. The lock is a listening local socket, which the kernel
 * closes with its process; a file with a process id would outlive it.
 *
 * @returns releases the lock
 * @throws Error when another process has it
 */
export async function lockDataDir(folder: string): Promise<() => Promise<void>> {
  const id = createHash('sha256')
    .update(await realpath(folder))
    .digest('hex')
    .slice(0, 32);
  // Linux has local sockets without a file; elsewhere the file of a killed process may be left.
  const address = process.platform === 'linux' ? `\0rapport-${id}` : join(tmpdir(), `rapport-${id}.sock`);
  if (await answers(address)) throw new Error(`Another Rapport is running on ${folder}. Stop it, or set RAPPORT_DIR.`);
  if (process.platform !== 'linux') await rm(address, { force: true });
  const server = await listen(address);
  return () => new Promise((resolve) => server.close(() => resolve()));
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function listen(address: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(address, () => resolve(server));
  });
}
