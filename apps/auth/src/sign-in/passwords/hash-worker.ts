// Runs in a worker thread: makes one hash after the other, in the order in which they are asked for.
import { argon2Sync, type Argon2Parameters } from 'node:crypto';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';

export interface HashJob {
  id: number;
  parameters: Argon2Parameters;
}

export interface HashDone {
  id: number;
  hash: Uint8Array;
}

// Linux gives each thread a priority of its own: who signs in waits for those who work, not the other way round.
if (process.platform === 'linux') setPriority(10);

parentPort?.on('message', ({ id, parameters }: HashJob) => {
  const done: HashDone = { id, hash: argon2Sync('argon2id', parameters) };
  parentPort?.postMessage(done);
});
