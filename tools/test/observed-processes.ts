import { readdirSync, readFileSync } from 'node:fs';

/** Visible in `ps` and in process dumps. */
const shownFiles = ['cmdline', 'environ'] as const;
/** A process that starts Node or PostgreSQL lives for much longer. */
const lookEveryMs = 50;

/** Arguments and environment of every descendant process. It observes none on a system without `/proc`. */
export class ObservedProcesses {
  /** By file, process and length, such as `environ of 71, 900 bytes`. */
  readonly shown = new Map<string, string>();
  /** The arguments of each process at the last look. */
  #commands = new Map<string, string>();

  /** Observes what runs while `work` does. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    const looking = setInterval(() => this.#look(), lookEveryMs);
    try {
      return await work();
    } finally {
      clearInterval(looking);
      this.#look();
    }
  }

  #look(): void {
    // Between fork and exec a child still has this process's arguments and environment.
    const own = shownFiles.map((file) => read(`/proc/self/${file}`));
    const commands = new Map<string, string>();
    for (const pid of descendants(process.pid)) {
      const command = read(`/proc/${pid}/cmdline`) ?? '';
      commands.set(pid, command);
      // Only another program has another environment, and it has other arguments.
      if (command === this.#commands.get(pid)) continue;
      const texts = [command, read(`/proc/${pid}/environ`) ?? ''];
      texts.forEach((text, index) => {
        if (text !== own[index]) this.shown.set(`${shownFiles[index]} of ${pid}, ${text.length} bytes`, text);
      });
    }
    this.#commands = commands;
  }
}

/** Children of all threads. */
function descendants(ancestor: number | string): string[] {
  const children = tasksOf(ancestor).flatMap((task) => {
    const pids = read(`/proc/${ancestor}/task/${task}/children`) ?? '';
    return pids.split(' ').filter((pid) => pid !== '');
  });
  return children.flatMap((pid) => [pid, ...descendants(pid)]);
}

function tasksOf(pid: number | string): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Undefined when the process has ended meanwhile. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
