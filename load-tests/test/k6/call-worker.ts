// Makes the calls that another thread waits for, one after the other.
import { workerData } from 'node:worker_threads';
import type { Call, Outcome, Shared } from './call-and-wait.ts';
import { invokeGrpc } from './invoke-grpc.ts';
import { sendRequest } from './send-request.ts';

const { port, done } = workerData as Shared;

port.on('message', (call: Call) => {
  void outcomeOf(call).then((outcome) => {
    port.postMessage(outcome);
    Atomics.store(done, 0, 1);
    Atomics.notify(done, 0);
  });
});

async function outcomeOf(call: Call): Promise<Outcome> {
  try {
    return { answer: call.kind === 'http' ? await sendRequest(call.request) : await invokeGrpc(call.request) };
  } catch (error) {
    return { failure: String(error) };
  }
}
