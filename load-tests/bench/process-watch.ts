import { readdirSync, readFileSync } from 'node:fs';

const everyMs = 1_000;
/** The part of the time in which processes warm up, which is not measured. */
const warmUp = 1 / 2;

interface Sample {
  minutes: number;
  rssMb: number;
  handles: number;
}

/** The memory and handles of a process, and their growth after the warm-up. */
export interface Growth {
  process: string;
  rssMb: number;
  rssMbPerMinute: number;
  handles: number;
  handlesPerMinute: number;
}

/** Samples the memory and the open files and sockets of processes once a second from /proc (proc_pid_status(5)). */
export class ProcessWatch {
  readonly #samples = new Map<string, Sample[]>();
  readonly #timer: NodeJS.Timeout;

  /** @param processes by name */
  constructor(processes: Readonly<Record<string, { pid: number | undefined }>>) {
    const startedAt = performance.now();
    for (const name of Object.keys(processes)) this.#samples.set(name, []);
    this.#timer = setInterval(() => {
      const minutes = (performance.now() - startedAt) / 60_000;
      for (const [name, { pid }] of Object.entries(processes))
        this.#samples.get(name)?.push({ minutes, ...holdingsOf(pid) });
    }, everyMs);
  }

  stop(): Growth[] {
    clearInterval(this.#timer);
    return [...this.#samples].map(([process, samples]) => growthOf(process, samples));
  }
}

function holdingsOf(pid: number | undefined): Omit<Sample, 'minutes'> {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { rssMb: (Number(kib) * 1024) / 1e6, handles: readdirSync(`/proc/${pid}/fd`).length };
}

function growthOf(process: string, all: readonly Sample[]): Growth {
  const warm = all.slice(Math.floor(all.length * warmUp));
  const { rssMb = NaN, handles = NaN } = warm.at(-1) ?? {};
  const slope = (read: (sample: Sample) => number) => round(slopeOf(warm.map((each) => [each.minutes, read(each)])));
  return {
    process,
    rssMb: round(rssMb),
    rssMbPerMinute: slope((each) => each.rssMb),
    handles,
    handlesPerMinute: slope((each) => each.handles),
  };
}

/** Slope of the least-squares line. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (place: 0 | 1) => points.reduce((sum, point) => sum + point[place], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

function round(value: number): number {
  return Number(value.toFixed(2));
}
