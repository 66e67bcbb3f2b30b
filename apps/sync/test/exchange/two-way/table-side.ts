import { randomUUID } from 'node:crypto';
import { soakTimeoutMs } from '@rapport/testing';
import { vi } from 'vitest';
import type { TestDatabase } from '../../connectors/sql-databases.ts';
import type { Person, Side } from './edits.ts';

const columns: Record<string, string> = { title: 'title', company: 'company', email: 'email' };

export const peopleTable = `CREATE TABLE people (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, rapport_key varchar(60) UNIQUE,
  edit_key varchar(60), name varchar(200) NOT NULL, title varchar(200), company varchar(200), email varchar(200),
  deleted_at datetime(6), version int NOT NULL DEFAULT 1, updated_at timestamp(6) NOT NULL DEFAULT NOW(6), KEY (updated_at, id))`;

/** A table of an independent application, which sets the time of each change. */
export function tableSide(database: TestDatabase): Side {
  const ask = (sql: string) =>
    // While it is away.
    vi.waitUntil(() => database.run(sql).catch(() => undefined), { timeout: soakTimeoutMs, interval: 100 });
  /** `edit_key` shows whether an attempt without an answer was committed. */
  const change = async (id: string, set: string, condition: string) => {
    const key = randomUUID();
    await ask(
      `UPDATE people SET ${set}, edit_key = '${key}', version = version + 1, updated_at = NOW(6)
       WHERE id = ${id} AND deleted_at IS NULL AND ${condition}`,
    );
    return (await ask(`SELECT 1 FROM people WHERE id = ${id} AND edit_key = '${key}'`)).length === 1;
  };
  return {
    name: 'peer',
    all: async () =>
      (
        await ask(
          `SELECT id, name, COALESCE(title, ''), COALESCE(company, ''), COALESCE(email, '') FROM people WHERE deleted_at IS NULL`,
        )
      ).map(([id = '', key = '', title = '', company = '', email = '']): Person => ({
        id,
        key,
        values: { title, company, email },
      })),
    create: async (key, { title, company, email }) => {
      await ask(
        `INSERT INTO people (name, title, company, email, edit_key) SELECT '${key}', '${title}', '${company}', '${email}', '${key}'
         FROM dual WHERE NOT EXISTS (SELECT 1 FROM people WHERE edit_key = '${key}' OR name = '${key}')`,
      );
    },
    edit: ({ id, values }, field, value) =>
      change(id, `${columns[field]} = '${value}'`, `COALESCE(${columns[field]}, '') = '${values[field]}'`),
    remove: ({ id }) => change(id, 'deleted_at = NOW(6)', 'TRUE'),
  };
}
