import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs `ip` with these words. */
export async function ip(words: string): Promise<string> {
  return (await run('ip', words.split(' '))).stdout;
}

/** As the packages of Debian expect it, without the interpreters that a user has installed. */
const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: '/nonexistent' };

/** Starts a program as the account of PostgreSQL, with shared memory of its own, which goes with its last process. */
const asPostgres = ['unshare', '--ipc', 'setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups'];

/** A machine of the test: a network namespace with one link, `eth0`. */
export class Namespace {
  readonly name: string;
  /** Of its link. The first one is the address of the machine. */
  readonly addresses: readonly string[];

  constructor(name: string, addresses: readonly string[]) {
    this.name = name;
    this.addresses = addresses;
  }

  get address(): string {
    return this.addresses[0] ?? '';
  }

  /** Starts a program of Debian. Its output is added to the log. */
  spawn(command: readonly string[], logFile: string): ChildProcess {
    return this.#spawn([...asPostgres, ...command], logFile);
  }

  /** Starts a script of this repository. */
  spawnScript(script: string, args: readonly string[], logFile: string): ChildProcess {
    return this.#spawn([process.execPath, script, ...args], logFile);
  }

  /** Sends a signal to every process, also to those that they start meanwhile. Resolves when none is left that runs. */
  async signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const signalled = new Set<number>();
    for (;;) {
      const pids = await this.#pids();
      const missed = pids.filter((pid) => !signalled.has(pid));
      if (signal === 'SIGKILL' ? pids.length === 0 : missed.length === 0) return;
      for (const pid of missed) {
        signalProcess(pid, signal);
        signalled.add(pid);
      }
    }
  }

  /** Runs `ip` inside. */
  async ip(words: string): Promise<void> {
    await ip(`-n ${this.name} ${words}`);
  }

  /** Cuts the link, or joins it again. */
  setLink(state: 'up' | 'down'): Promise<void> {
    return this.ip(`link set eth0 ${state}`);
  }

  async #pids(): Promise<number[]> {
    return (await ip(`netns pids ${this.name}`)).split('\n').filter(Boolean).map(Number);
  }

  #spawn(command: readonly string[], logFile: string): ChildProcess {
    const log = openSync(logFile, 'a');
    const child = spawn('ip', ['netns', 'exec', this.name, ...command], {
      env: environment,
      cwd: '/',
      stdio: ['ignore', log, log],
      // Ctrl-C does not reach it.
      detached: true,
    });
    closeSync(log);
    return child;
  }
}

/** Sends a signal to a process that may have ended. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
