import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { childEnvironment } from '../platform/child-environment.js';
import type { LoadPlan, LoadResult } from './load-plan.js';

interface Reply {
  id: number;
  done?: LoadResult;
  error?: string;
}

/**
 * Sends load from a separate process, so that it shares no event loop with the measured process. Plans run concurrently.
 */
export class LoadProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<LoadResult>>();
  #lastId = 0;

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'load-main.js'), {
      env: childEnvironment({}),
      execArgv: [],
      serialization: 'advanced',
    });
    this.#child.on('message', (message) => this.#receive(message as Reply));
    this.#child.once('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`The load process ended (${code ?? signal}).`));
    });
  }

  /** @throws Error when a connection can't be opened at the start */
  run(plan: LoadPlan): Promise<LoadResult> {
    const id = (this.#lastId += 1);
    const waiting = Promise.withResolvers<LoadResult>();
    this.#waiting.set(id, waiting);
    this.#child.send({ id, plan });
    return waiting.promise;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }

  #receive({ id, done, error }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (done) waiting?.resolve(done);
    else waiting?.reject(new Error(error));
  }
}
