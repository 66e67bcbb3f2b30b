import { setTimeout as delay } from 'node:timers/promises';

/** Waits until something holds, however long that takes. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(20);
}
