import type { EntityManager } from '@mikro-orm/postgresql';
import type { ClientBase, Submittable } from 'pg';

/** A query that `pipeline` submits; it ends through its callback. */
type Driven = Submittable & { callback: (error: unknown, results: []) => void };

/**
 * The connection of the open transaction of `em`, as far as `pipeline` uses it. Kysely hides the transaction's pg
 * client, but passes the text of a query to it unchanged, and pg accepts an object with a `submit` method in place of a
 * text: its `submit` runs on the hidden connection.
 */
export async function clientOfTransaction(em: EntityManager): Promise<ClientBase> {
  const { options } = await em.getConnection().getNativeClient();
  const kysely = em.getKysely();
  const query = (driven: Driven) => {
    const compiled = { sql: driven, parameters: [] } as unknown as Parameters<typeof kysely.executeQuery>[0];
    kysely.executeQuery(compiled).catch((error: unknown) => driven.callback(error, []));
    return driven;
  };
  const getTypeParser = options.types?.getTypeParser.bind(options.types);
  return { query, getTypeParser } as unknown as ClientBase;
}
