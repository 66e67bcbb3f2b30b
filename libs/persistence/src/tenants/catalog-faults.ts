import pg from 'pg';
import { migrationTable } from '../migrations/run-migrations.js';

/**
 * Checks the catalog of a service's database for anything that could leak one tenant's data to another: what row-level
 * security does not cover, tables without it, and privileges of the role that bypass it. It ignores tables on which the
 * role has no privilege at all, not even on a column, and policies that apply to none of the roles that it has or can
 * assume.
 *
 * @param databaseUrl as the app role, which the service uses
 * @param exemptTables tables without tenant data, each for a reason that its list gives; with their schema when it is
 *   not `public`
 * @param exemptPolicies policies that admit more rows than a tenant's, such as `change_log.gap_of_all`, likewise
 * @returns one sentence per fault, such as `customer: the primary key is not led by tenant_id`; empty when there is
 *   none
 */
export async function catalogFaults(
  databaseUrl: string,
  exemptTables: readonly string[] = [],
  exemptPolicies: readonly string[] = [],
): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ fault: string }>(faultsQuery, [
      [migrationTable, ...exemptTables],
      exemptPolicies,
    ]);
    return rows.map(({ fault }) => fault);
  } finally {
    await client.end();
  }
}

const ownRows = `tenant_id = (nullif(current_setting('app.tenant_id'::text, true), ''::text))::uuid`;

// Partitions count as tables of their own: a direct read of one uses its own row-level security, not its parent's.
const faultsQuery = `
  with relation as (
    select c.oid, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relowner, spelt.name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace,
      lateral (select case n.nspname when 'public' then '' else n.nspname || '.' end || c.relname as name) spelt
    where n.nspname <> 'information_schema' and n.nspname !~ '^pg_' and spelt.name <> all ($1::text[])
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  ),
  tenant_table as (
    select r.*, a.attnum as tenant_column, a.attnotnull and a.atttypid = 'uuid'::regtype as tenant_column_sound
    from relation r
    left join pg_attribute a on a.attrelid = r.oid and a.attname = 'tenant_id' and not a.attisdropped
    where r.relkind in ('r', 'p', 'f')
      and (has_table_privilege(r.oid, 'select, insert, update, delete, truncate, references, trigger')
        or has_any_column_privilege(r.oid, 'select, insert, update, references'))
  ),
  policy as (
    select p.polrelid, p.polpermissive, p.polcmd = '*' and p.polpermissive and p.polroles = '{0}'
      and lower(pg_get_expr(p.polqual, p.polrelid)) = $own$(${ownRows})$own$
      and lower(pg_get_expr(p.polwithcheck, p.polrelid)) = $own$(${ownRows})$own$ as sound
    from pg_policy p
    where (p.polroles = '{0}' or exists (select from unnest(p.polroles) r where pg_has_role(current_user, r, 'member')))
      and p.polrelid::regclass || '.' || p.polname <> all ($2::text[])
  )
  select name || ': has no column "tenant_id uuid not null"' as fault
  from tenant_table where tenant_column_sound is not true
  union all
  select name || ': row-level security is not enabled' from tenant_table where not relrowsecurity
  union all
  select name || ': row-level security is not forced on the owner' from tenant_table where not relforcerowsecurity
  union all
  select name || ': has no policy that compares tenant_id with app.tenant_id for all commands' from tenant_table t
  where not exists (select from policy p where p.polrelid = t.oid and p.sound)
  union all
  select name || ': has a permissive policy that lets other rows through' from tenant_table t
  where exists (select from policy p where p.polrelid = t.oid and p.polpermissive and p.sound is not true)
  union all
  select name || ': has no primary key' from tenant_table t
  where not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary)
  union all
  select name || case when i.indisprimary then ': the primary key' else ': the unique index ' || i.indexrelid::regclass end
    || ' is not led by tenant_id'
  from tenant_table t join pg_index i on i.indrelid = t.oid and i.indisunique
  where i.indkey[0] is distinct from t.tenant_column
  union all
  select t.name || ': the foreign key ' || k.conname || ' does not pair tenant_id with tenant_id'
  from tenant_table t join pg_constraint k on k.conrelid = t.oid and k.contype = 'f'
  join tenant_table target on target.oid = k.confrelid
  where not exists (
    select from unnest(k.conkey, k.confkey) as pair(own, other)
    where pair.own = t.tenant_column and pair.other = target.tenant_column)
  union all
  select name || ': the view runs with its owner''s rights (security_invoker is off)' from relation
  where relkind = 'v' and not coalesce(
    (select bool_or(option_value in ('true', 'on', '1', 'yes')) from pg_options_to_table(reloptions)
     where option_name = 'security_invoker'), false)
  union all
  select name || ': a materialized view can not have row-level security' from relation where relkind = 'm'
  union all
  select name || ': is owned by the role ' || current_user || ' that the service uses' from relation
  where relkind in ('r', 'p', 'f', 'v', 'm') and pg_has_role(current_user, relowner, 'usage')
  union all
  select 'role ' || rolname || ': is a superuser' from pg_roles where rolname = current_user and rolsuper
  union all
  select 'role ' || rolname || ': has BYPASSRLS' from pg_roles where rolname = current_user and rolbypassrls
  order by fault
`;
