import { percentile, type LoadResult, type Pace } from './load-plan.js';

/** Sends one request, numbered from 0, and reports its status. A sender has one request in flight at a time. */
export type Sender = (index: number, done: (status: number) => void) => void;

/** Sends requests through `senders` at the requested pace. */
export async function runSenders(senders: Sender[], pace: Pace): Promise<LoadResult> {
  const answers = new Answers();
  const start = performance.now();
  if (pace.perSecond === undefined) await closedLoop(senders, start + pace.durationMs, answers);
  else await openLoop(senders, start, pace.perSecond, pace, answers);
  return answers.result((performance.now() - start) / 1_000, pace.everyLatency ?? false);
}

async function closedLoop(senders: Sender[], endMs: number, answers: Answers): Promise<void> {
  let sent = 0;
  const run = (sender: Sender) =>
    new Promise<void>((resolve) => {
      const next = () => {
        const startMs = performance.now();
        if (startMs >= endMs) return resolve();
        sender(sent++, (status) => {
          answers.add(status, performance.now() - startMs);
          next();
        });
      };
      next();
    });
  await Promise.all(senders.map(run));
}

function openLoop(senders: Sender[], startMs: number, perSecond: number, pace: Pace, answers: Answers): Promise<void> {
  const total = Math.round((pace.durationMs / 1_000) * perSecond);
  const idle = [...senders];
  let [due, sent, answered] = [0, 0, 0];
  return new Promise((resolve) => {
    const send = () => {
      while (sent < due) {
        // In turn, because servers close unused connections.
        const sender = idle.shift();
        if (!sender) return;
        const index = sent++;
        sender(index, (status) => {
          answers.add(status, performance.now() - (startMs + (index * 1_000) / perSecond));
          idle.push(sender);
          answered += 1;
          if (answered === total) resolve();
          else send();
        });
      }
    };
    const tick = () => {
      due = Math.min(total, Math.floor(((performance.now() - startMs) / 1_000) * perSecond) + 1);
      send();
      if (due === total) return;
      if (pace.precise) setImmediate(tick);
      else setTimeout(tick, 1);
    };
    tick();
  });
}

class Answers {
  readonly #latencies: number[] = [];
  readonly #statuses: Record<string, number> = {};

  add(status: number, latencyMs: number): void {
    this.#latencies.push(latencyMs);
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
  }

  result(seconds: number, everyLatency: boolean): LoadResult {
    const sorted = Float64Array.from(this.#latencies).sort();
    return {
      requests: sorted.length,
      seconds,
      perSecond: sorted.length / seconds,
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
      maxMs: percentile(sorted, 1),
      statuses: this.#statuses,
      latenciesMs: everyLatency ? sorted : new Float64Array(),
    };
  }
}
