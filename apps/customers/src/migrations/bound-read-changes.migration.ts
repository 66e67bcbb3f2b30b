import { Migration } from '@mikro-orm/migrations';

/**
 * Reads of changes with their values that end when the values are large, not only when there are many: one change may have more
 * than a megabyte. Each gives one change at least, and says with its last one when it has ended for that and there are more.
 */
export class BoundReadChanges extends Migration {
  override name = 'bound-read-changes';

  override up(): void {
    this.addSql(changesWithin);
    this.addSql(tenantChangesWithin);
  }
}

const columns = `"position" bigint, tenant_id uuid, id uuid, type text, record_id text, version int, operation text,
  "time" timestamptz, changed_fields text[], before text, after text, actor text, origin text, request_id text,
  causation_id text, hop int, traceparent text, is_cut boolean`;

/** Values are looked at one by one, so that none is read for nothing. `hasMore` says whether there is one beyond `c`. */
const giveUntilCut = (hasMore: string) => `
  "position" := c.position; tenant_id := c.tenant_id; id := c.id; type := c.type; record_id := c.record_id;
  version := c.version; operation := c.operation; "time" := c.time; changed_fields := c.changed_fields;
  before := c.before::text; after := c.after::text; actor := c.actor; origin := c.origin; request_id := c.request_id;
  causation_id := c.causation_id; hop := c.hop; traceparent := c.traceparent;
  bytes := bytes + coalesce(octet_length(before), 0) + coalesce(octet_length(after), 0);
  if bytes >= most_bytes then
    is_cut := ${hasMore};
    return next;
    exit;
  end if;
  return next;
`;

const changesWithin = `
  -- Changes of all tenants with their values. For the platform's own processes.
  create function changes_within(after_position bigint, most int, most_bytes bigint) returns table (${columns})
    language plpgsql stable security definer set search_path = public, pg_temp set enable_seqscan = off as $$
  declare
    bytes bigint := 0;
    c record;
  begin
    perform refuse_tenants();
    for c in
      select l.* from change_log l where l.position > after_position order by l.position limit most
    loop
      ${giveUntilCut('exists (select from change_log l where l.position > c.position)')}
    end loop;
  end $$;
`;

const allTenants = '00000000-0000-0000-0000-000000000000';

// Two walks of the index, each in the order of positions. Row-level security holds for who calls it.
const tenantChangesWithin = `
  create function tenant_changes_within(of_tenant uuid, after_position bigint, most int, most_bytes bigint)
    returns table (${columns})
    language plpgsql stable set search_path = public, pg_temp as $$
  declare
    bytes bigint := 0;
    c record;
  begin
    for c in
      select l.* from (
        (select o.* from change_log o where o.tenant_id = of_tenant and o.position > after_position
          order by o.position limit most)
        union all
        (select a.* from change_log a where a.tenant_id = '${allTenants}' and a.position > after_position
          order by a.position limit most)) l
      order by l.position limit most
    loop
      ${giveUntilCut(`exists (select from change_log o where o.tenant_id = of_tenant and o.position > c.position)
        or exists (select from change_log a where a.tenant_id = '${allTenants}' and a.position > c.position)`)}
    end loop;
  end $$;
`;
