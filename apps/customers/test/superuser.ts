import pg from 'pg';
import { inject } from 'vitest';

/** A connection to a database as somebody whom nothing there holds back. @param url of the database, as anybody */
export async function superuserOf(url: string): Promise<pg.Client> {
  const own = new URL(inject('superuserUrl'));
  own.pathname = new URL(url).pathname;
  const client = new pg.Client(own.href);
  await client.connect();
  return client;
}
