import type { EntityManager } from '@mikro-orm/postgresql';
import type { ClientBase, Submittable } from 'pg';

/** As `pipeline` hands it over: it is ended by its callback. */
type Driven = Submittable & { callback: (error: unknown, results: []) => void };

/**
 * The connection of the transaction that `em` has open, as far as `pipeline` uses it. Kysely hides the transaction's pg client but
 * hands it the text of a query as it is, and pg takes an object with a `submit` method in its place: what is submitted runs on the
 * connection that nothing else leads to.
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
