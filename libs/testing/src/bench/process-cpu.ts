import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second, for every architecture. */
const ticksPerSecond = 100;

/** Processor time that a process has used, user and system, in seconds. Undefined where the system does not report it. */
export function cpuSeconds(pid: number | undefined): number | undefined {
  const stat = readProc(pid, 'stat');
  // The name in parentheses may hold spaces; utime and stime are fields 14 and 15.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields && (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident memory of a process, in MiB. Undefined where the system does not report it. */
export function rssMib(pid: number | undefined): number | undefined {
  const kib = /VmRSS:\s+(\d+)/.exec(readProc(pid, 'status') ?? '')?.[1];
  return kib === undefined ? undefined : Math.round(Number(kib) / 1_024);
}

function readProc(pid: number | undefined, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // Another system than Linux, or the process is gone.
    return undefined;
  }
}
