// Runs in a worker thread: computes one hash at a time, in the order of the messages.
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

// Linux schedules threads individually: calls of signed-in users have priority over the hashes of sign-ins.
if (process.platform === 'linux') setPriority(10);

parentPort?.on('message', ({ id, parameters }: HashJob) => {
  const done: HashDone = { id, hash: argon2Sync('argon2id', parameters) };
  parentPort?.postMessage(done);
});
