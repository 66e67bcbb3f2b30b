import type { WorkerLoop } from './worker-loop.js';

/** A provider whose loop runs as long as the process: Nest calls the first two methods. */
export abstract class LoopWorker {
  protected abstract readonly loop: WorkerLoop;

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.loop.stop();
  }

  /** Starts a pass at once, because there may be something to do. */
  wake(): void {
    this.loop.wake();
  }

  /** @returns whether it was idle */
  wakeIfIdle(): boolean {
    return this.loop.wakeIfIdle();
  }
}
