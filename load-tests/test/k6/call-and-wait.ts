import { join } from 'node:path';
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import type { GrpcAnswer, GrpcRequest } from './invoke-grpc.ts';
import type { Answer, Request } from './send-request.ts';

export type Call = { kind: 'http'; request: Request } | { kind: 'grpc'; request: GrpcRequest };

export type Outcome = { answer: Answer | GrpcAnswer; failure?: undefined } | { answer?: undefined; failure: string };

/** Shared by the two threads: a port for calls and outcomes, and a flag that is 1 once there is an outcome. */
export interface Shared {
  port: MessagePort;
  done: Int32Array;
}

/** Longer than any call takes. In milliseconds. */
const timeoutMs = 120_000;

let shared: Shared | undefined;

/** Another thread makes the call, while this one blocks: the calls of k6 are synchronous. */
export function callAndWait(call: { kind: 'http'; request: Request }): Answer;
export function callAndWait(call: { kind: 'grpc'; request: GrpcRequest }): GrpcAnswer;
export function callAndWait(call: Call): Answer | GrpcAnswer {
  const { port, done } = (shared ??= startWorker());
  Atomics.store(done, 0, 0);
  port.postMessage(call);
  if (Atomics.wait(done, 0, 0, timeoutMs) === 'timed-out') throw new Error(`There is no answer to ${call.kind}.`);
  const { answer, failure } = (receiveMessageOnPort(port) as { message: Outcome }).message;
  if (answer === undefined) throw new Error(failure);
  return answer;
}

function startWorker(): Shared {
  const { port1, port2 } = new MessageChannel();
  const done = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(join(import.meta.dirname, 'call-worker.ts'), {
    workerData: { port: port2, done },
    transferList: [port2],
  });
  // Neither keeps the process from ending.
  worker.unref();
  port1.unref();
  return { port: port1, done };
}
