import { percentile, type LoadResult, type Pace } from './load-plan.js';

/** Sends one request, its number counted from 0, and tells its status. A lane has one request under way at a time. */
export type Lane = (index: number, done: (status: number) => void) => void;

/** Sends requests through `lanes` at the pace that was asked for. */
export async function runLanes(lanes: Lane[], pace: Pace): Promise<LoadResult> {
  const answers = new Answers();
  const start = performance.now();
  if (pace.perSecond === undefined) await closedLoop(lanes, start + pace.durationMs, answers);
  else await openLoop(lanes, start, pace.perSecond, pace, answers);
  return answers.result((performance.now() - start) / 1_000, pace.everyLatency ?? false);
}

async function closedLoop(lanes: Lane[], endMs: number, answers: Answers): Promise<void> {
  let sent = 0;
  const run = (lane: Lane) =>
    new Promise<void>((resolve) => {
      const next = () => {
        const startMs = performance.now();
        if (startMs >= endMs) return resolve();
        lane(sent++, (status) => {
          answers.add(status, performance.now() - startMs);
          next();
        });
      };
      next();
    });
  await Promise.all(lanes.map(run));
}

function openLoop(lanes: Lane[], startMs: number, perSecond: number, pace: Pace, answers: Answers): Promise<void> {
  const total = Math.round((pace.durationMs / 1_000) * perSecond);
  const idle = [...lanes];
  let [due, sent, answered] = [0, 0, 0];
  return new Promise((resolve) => {
    const send = () => {
      while (sent < due) {
        // In turn: a connection that is opened and not used is closed by a careful server.
        const lane = idle.shift();
        if (!lane) return;
        const index = sent++;
        lane(index, (status) => {
          answers.add(status, performance.now() - (startMs + (index * 1_000) / perSecond));
          idle.push(lane);
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
