import { expect } from 'vitest';
import type { Neighbour } from './neighbour.ts';

/** Something that tenants share, of which each may have a part only. */
export interface SharedResource {
  name: string;
  /**
   * Has a tenant take all of it that it may have, and keep it. Resolves when the tenant is seen to be at its bound.
   *
   * @returns gives everything back
   */
  hold: (hostile: Neighbour) => Promise<() => Promise<unknown>>;
  /** A call of another tenant that needs a part of it too. */
  use: (calm: Neighbour, round: number) => Promise<Response>;
}

/** Waits until a call of a tenant is refused for a reason: it has all that it may have. */
export async function refused(call: () => Promise<Response>, code: string): Promise<void> {
  const codeOf = async () => {
    const answer = await call();
    if (answer.ok) return answer.body?.cancel();
    return ((await answer.json()) as { code: string }).code;
  };
  await expect.poll(codeOf, { interval: 100 }).toBe(code);
}
