import type { EntityManager } from '@mikro-orm/postgresql';

/**
 * Makes mappings due while they and their connection are enabled, and removes the others from the schedule. Changes of
 * customers are not noted for a disabled mapping, so all customers are read again. Runs in a transaction.
 *
 * @param of all mappings of a connection, or one mapping
 */
export async function scheduleMappings(
  em: EntityManager,
  of: { connectionId: string } | { mappingId: string },
): Promise<void> {
  const [condition, id] = 'mappingId' in of ? ['m.id = ?', of.mappingId] : ['m.connection_id = ?', of.connectionId];
  await em.execute(
    `delete from mapping_schedule s using mapping m, connection c
     where ${condition} and s.mapping_id = m.id and c.tenant_id = m.tenant_id and c.id = m.connection_id
       and not (m.state = 'ENABLED' and c.state = 'ENABLED')`,
    [id],
  );
  const begun = await em.execute<{ mapping_id: string }[]>(
    `insert into mapping_schedule (mapping_id, tenant_id, connection_id, due_time)
     select m.id, m.tenant_id, c.id, now() from mapping m
     join connection c on c.tenant_id = m.tenant_id and c.id = m.connection_id
     where ${condition} and m.state = 'ENABLED' and c.state = 'ENABLED'
     on conflict (mapping_id) do update set due_time = now()
     returning mapping_id`,
    [id],
  );
  const ids = begun.map(({ mapping_id }) => mapping_id);
  if (ids.length === 0) return;
  await em.execute(
    'update mapping_progress set are_customers_read = false, customers_page_token = null where mapping_id in (?)',
    [ids],
  );
}
