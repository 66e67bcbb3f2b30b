import { queryDatabase } from '@rapport/testing';

/** Not a partition: those of a partitioned table have its triggers. */
const tables = `select c.oid::regclass::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid
  where c.relkind in ('r', 'p') and not c.relispartition and a.attname = 'tenant_id' and not a.attisdropped
    and c.relnamespace = 'public'::regnamespace`;

/**
 * Makes PostgreSQL refuse each statement that writes to a table of tenants in a session of one tenant, also one of a function.
 *
 * @param url of any database of the server, as superuser
 * @returns ends it
 */
export async function refuseWrites(
  url: string,
  databases: readonly string[],
  tenantId: string,
): Promise<() => Promise<void>> {
  const refuse = `refuse_${tenantId.replaceAll('-', '')}`;
  const urls = databases.map((pathname) => Object.assign(new URL(url), { pathname }).href);
  for (const each of urls) {
    await queryDatabase(
      each,
      `create function ${refuse}() returns trigger language plpgsql as
        $$ begin raise exception 'A read writes to %.', tg_table_name; end $$`,
    );
    // Each in a transaction of its own, so that no two tables are locked at once.
    await queryDatabase(
      each,
      `do $do$ declare name text; begin
        for name in ${tables} loop
          execute format('create trigger ${refuse} before insert or update or delete on %s for each statement
            when (current_setting(''app.tenant_id'', true) = ''${tenantId}'') execute function ${refuse}()', name);
          commit;
        end loop;
      end $do$`,
    );
  }
  return async () => {
    for (const each of urls) {
      await queryDatabase(
        each,
        `do $do$ declare name text; begin
          for name in ${tables} loop
            execute format('drop trigger ${refuse} on %s', name);
            commit;
          end loop;
        end $do$`,
      );
      await queryDatabase(each, `drop function ${refuse}()`);
    }
  };
}
