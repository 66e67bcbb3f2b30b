import type { EntityManager } from '@mikro-orm/postgresql';
import type { Place } from './change-cursor.js';

/** How often it is noted that a consumer is still there, in milliseconds. */
const hearEveryMs = 10_000;

/** How far named readers have come. What a live one has not read is not dropped from the log. */
export class ChangeConsumers {
  readonly #heardMs = new Map<string, number>();

  constructor(private readonly em: EntityManager) {}

  async find(name: string): Promise<Place | undefined> {
    const [row] = await this.em
      .fork()
      .execute<{ epoch: string; position: string }[]>('select epoch, position from change_consumer where name = ?', [
        name,
      ]);
    return row && { epoch: row.epoch, position: Number(row.position) };
  }

  async remember(name: string, { epoch, position }: Place): Promise<void> {
    this.#heardMs.set(name, Date.now());
    await this.em.fork().execute(
      `insert into change_consumer (name, epoch, position, heard_time) values (?, ?, ?, now())
       on conflict (name) do update
       set epoch = excluded.epoch, position = excluded.position, heard_time = excluded.heard_time`,
      [name, epoch, position],
    );
  }

  /** The consumer is still there. */
  async hear(name: string): Promise<void> {
    if (Date.now() - (this.#heardMs.get(name) ?? 0) < hearEveryMs) return;
    this.#heardMs.set(name, Date.now());
    await this.em.fork().execute('update change_consumer set heard_time = now() where name = ?', [name]);
  }
}
