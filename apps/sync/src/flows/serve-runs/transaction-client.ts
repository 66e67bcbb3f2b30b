import type { EntityManager } from '@mikro-orm/postgresql';
import { clientOfTransaction, pipeline } from '@rapport/persistence';
import type { ClientBase, QueryConfig, Submittable } from 'pg';

/**
 * The connection of the open transaction of `em`, for functions that triggers and the worker call with a connection of
 * theirs. It runs queries and pipelines.
 */
export async function transactionClient(em: EntityManager): Promise<ClientBase> {
  const inner = await clientOfTransaction(em);
  const query = (wanted: string | QueryConfig | Submittable, values?: unknown[]) => {
    if (typeof wanted === 'object' && 'submit' in wanted) return inner.query(wanted);
    const statement = typeof wanted === 'string' ? { sql: wanted, values: values ?? [] } : statementOf(wanted);
    return pipeline(inner, [statement]).then(([result]) => result);
  };
  return Object.assign(Object.create(inner) as ClientBase, { query });
}

function statementOf({ name, text, values = [] }: QueryConfig) {
  return { ...(name !== undefined && { name }), sql: text, values: values as unknown[] };
}
