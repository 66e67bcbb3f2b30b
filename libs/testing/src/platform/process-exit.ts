import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';

/** An unexpected end of a process. */
export interface UnexpectedExit {
  /** Name of the process, such as "customers". */
  name: string;
  /** One line about its end, and the last lines of its log. */
  reason: string;
  /** Restarts it with the same configuration and data. Absent when they no longer exist. */
  restart?: () => Promise<void>;
}

/** A log file open for appending, with the offset of this run's first line. */
export interface LogFile {
  path: string;
  /** To pass as `stdio`; `close` it once the child has it. */
  descriptor: number;
  close(): void;
  /** The last lines written since it was opened. */
  lastLines(): string;
}

/** Opens a log file, readable by its owner only. */
export function openLog(path: string): LogFile {
  const descriptor = openSync(path, 'a', 0o600);
  const start = statSync(path).size;
  return {
    path,
    descriptor,
    close: () => closeSync(descriptor),
    lastLines: () => {
      const lines = readFileSync(path);
      // It was rotated meanwhile if it is shorter than before.
      const own = lines.length < start ? lines : lines.subarray(start);
      return own.toString('utf8').trimEnd().split('\n').slice(-15).join('\n');
    },
  };
}

/** Describes the end of `child` for people. */
export function describeExit(name: string, child: ChildProcess, log: LogFile): string {
  const how = child.signalCode ? `was ended by ${child.signalCode}` : `exited with code ${child.exitCode}`;
  return `${name} ${how}. Its last log lines (${log.path}):\n${log.lastLines()}`;
}

/** True once `child` has ended, or never started. */
export function hasExited(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** Sends `signal`, and `lastSignal` when the child has not ended `timeoutMs` later. Resolves when it has ended. */
export async function endProcess(
  child: ChildProcess,
  signal: NodeJS.Signals,
  timeoutMs: number,
  lastSignal: NodeJS.Signals,
): Promise<void> {
  if (hasExited(child)) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = new AbortController();
  const timedOut = delay(timeoutMs, 'timeout', { signal: timer.signal }).catch(() => undefined);
  if ((await Promise.race([exited, timedOut])) === 'timeout') child.kill(lastSignal);
  timer.abort();
  await exited;
}
