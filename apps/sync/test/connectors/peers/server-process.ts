import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const startTimeoutMs = 120_000;

export interface ServerProcess {
  /** Ends the server and removes its folder. */
  stop: () => Promise<void>;
  /** Kills the server, and starts it again with what it had written. */
  restart: () => Promise<void>;
}

/**
 * Starts a server that works in `folder`, and resolves once `isReady` says so. The kernel ends it when this process does,
 * however that ends.
 */
export async function startServer(
  folder: string,
  command: string[],
  isReady: () => Promise<boolean>,
  account?: { uid: number; gid: number },
): Promise<ServerProcess> {
  const start = () => startOnce(folder, command, isReady, account);
  const stop = async () => {
    await end(server);
    await rm(folder, { recursive: true, force: true });
  };
  let server = await start().catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const restart = async () => {
    await end(server);
    server = await start();
  };
  return { stop, restart };
}

async function startOnce(
  folder: string,
  command: string[],
  isReady: () => Promise<boolean>,
  account: { uid: number; gid: number } | undefined,
): Promise<ChildProcess> {
  const logFile = join(folder, 'server.log');
  const log = openSync(logFile, 'a');
  const server = spawn('setpriv', ['--pdeathsig', 'KILL', ...asAccount(account), ...command], {
    cwd: folder,
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'], HOME: folder },
  });
  closeSync(log);
  server.on('error', () => undefined);
  const deadline = Date.now() + startTimeoutMs;
  while (!(await isReady())) {
    const hasEnded = server.pid === undefined || server.exitCode !== null || server.signalCode !== null;
    if (hasEnded || Date.now() > deadline) {
      await end(server);
      throw new Error(`${command[0]} did not start.\n${readFileSync(logFile, 'utf8')}`);
    }
    // Polls a condition.
    await delay(50);
  }
  return server;
}

function asAccount(account: { uid: number; gid: number } | undefined): string[] {
  return account ? ['--reuid', String(account.uid), '--regid', String(account.gid), '--clear-groups'] : [];
}

async function end(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.kill('SIGKILL');
  await exited;
}
