import { expect } from 'vitest';
import type { Neighbour } from './neighbour.ts';

/** A resource that tenants share, with a limit for each tenant. */
export interface SharedResource {
  name: string;
  /**
   * Makes a tenant use its whole limit, and hold it. Resolves when the tenant is at its limit.
   *
   * @returns releases everything
   */
  hold: (hostile: Neighbour) => Promise<() => Promise<unknown>>;
  /** A call of another tenant that needs a part of it too. */
  use: (calm: Neighbour, round: number) => Promise<Response>;
}

/** Waits until a call of a tenant is refused with a reason, which proves that it is at its limit. */
export async function refused(call: () => Promise<Response>, code: string): Promise<void> {
  const codeOf = async () => {
    const answer = await call();
    if (answer.ok) return answer.body?.cancel();
    return ((await answer.json()) as { code: string }).code;
  };
  await expect.poll(codeOf, { interval: 100 }).toBe(code);
}
