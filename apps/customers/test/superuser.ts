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
