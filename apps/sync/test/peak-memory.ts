import { readFile } from 'node:fs/promises';
import type { Service } from '@rapport/testing';

/** The most memory that a process has had, in bytes. */
export async function peakMemory({ pid }: Service): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}
