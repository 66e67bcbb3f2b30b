import pg from 'pg';
import { inject } from 'vitest';

/** A superuser's connection to a database. @param url of the database, with any role */
export async function superuserOf(url: string): Promise<pg.Client> {
  const own = new URL(inject('superuserUrl'));
  own.pathname = new URL(url).pathname;
  const client = new pg.Client(own.href);
  await client.connect();
  return client;
}

/** Ends busy connections of the database, as the loss of a network does. @returns how many */
export async function killBusy(superuser: pg.Client, most: number): Promise<number> {
  const { rowCount } = await superuser.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle' limit $1`,
    [most],
  );
  return rowCount ?? 0;
}
