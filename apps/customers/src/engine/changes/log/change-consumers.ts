import type { EntityManager } from '@mikro-orm/postgresql';
import type { LogPosition } from './change-cursor.js';

/** Shortest interval between two heartbeats of a consumer, in milliseconds. */
const reportEveryMs = 10_000;

/** The positions of named consumers. Changes that a live consumer has not read are not dropped from the log. */
export class ChangeConsumers {
  readonly #reportedMs = new Map<string, number>();

  constructor(private readonly em: EntityManager) {}

  async find(name: string): Promise<LogPosition | undefined> {
    const [row] = await this.em
      .fork()
      .execute<{ epoch: string; position: string }[]>('select epoch, position from change_consumer where name = ?', [
        name,
      ]);
    return row && { epoch: row.epoch, position: Number(row.position) };
  }

  async remember(name: string, { epoch, position }: LogPosition): Promise<void> {
    this.#reportedMs.set(name, Date.now());
    await this.em.fork().execute(
      `insert into change_consumer (name, epoch, position, heard_time) values (?, ?, ?, now())
       on conflict (name) do update
       set epoch = excluded.epoch, position = excluded.position, heard_time = excluded.heard_time`,
      [name, epoch, position],
    );
  }

  /** Reports that a consumer is alive, without a new position. */
  async reportAlive(name: string): Promise<void> {
    if (Date.now() - (this.#reportedMs.get(name) ?? 0) < reportEveryMs) return;
    this.#reportedMs.set(name, Date.now());
    await this.em.fork().execute('update change_consumer set heard_time = now() where name = ?', [name]);
  }
}
