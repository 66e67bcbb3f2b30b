import type pg from 'pg';
import { vi } from 'vitest';

/** A transaction that others wait for. */
export class OtherWrite {
  /** @param holder connection with the open transaction */
  constructor(private readonly holder: pg.Client) {}

  /** Resolves when this many sessions wait for it, directly or indirectly. */
  async untilWaiting(count: number): Promise<void> {
    const waiting = `with recursive waiting (pid) as (
        select pg_backend_pid()
        union select lock.pid from pg_locks lock join waiting on waiting.pid = any (pg_blocking_pids(lock.pid))
        where not lock.granted)
      select from waiting where pid <> pg_backend_pid()`;
    const areThere = async () => (await this.holder.query(waiting)).rowCount === count;
    await vi.waitUntil(areThere, { timeout: 60_000, interval: 10 });
  }

  /** Rolls it back. */
  async release(): Promise<void> {
    await this.holder.query('rollback');
  }
}
