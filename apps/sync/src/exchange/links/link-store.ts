import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant, type Statement } from '@rapport/persistence';
import { MappingChangedError } from '../runs/run-failure.js';
import type { Base } from './link.js';
import type { Link } from './link.js';

interface LinkRow {
  id: string;
  customer_id: string | null;
  record_id: string | null;
  base: Base;
  customer_version: number | null;
  record_version: string | null;
  sealed_intent: Buffer | null;
  is_deleting: boolean;
  is_apart: boolean;
  is_left_out: boolean;
  choice: Link['choice'];
  answer: Link['answer'];
  copy_version: string | null;
  hop: number;
  push_time: Date | null;
  revision: number;
}

const columns = `id, customer_id, record_id, base, customer_version, record_version, sealed_intent, is_deleting, is_apart,
  is_left_out, choice, answer, copy_version, hop, push_time, revision`;

/** Another transaction has changed a link since it was read, such as the resolution of its conflict. */
export class LinkChangedError extends Error {
  override readonly name = 'LinkChangedError';
  constructor(id: string) {
    super(`The link ${id} was changed in the meantime.`);
  }
}

/** The links of one mapping. */
export class LinkStore {
  /** @param em of the mapping's tenant */
  constructor(
    private readonly em: EntityManager,
    private readonly tenantId: string,
    private readonly mappingId: string,
    /** The version of the mapping that the run has read. */
    private readonly mappingVersion: number,
  ) {}

  /** Links of customers, by the customer's id. */
  async byCustomers(customerIds: readonly string[]): Promise<Map<string, Link>> {
    const links = await this.#find('links_by_customer', 'customer_id = any ($3::uuid[])', [customerIds]);
    return new Map(links.map((link) => [link.customerId ?? '', link]));
  }

  async byCustomer(customerId: string): Promise<Link | undefined> {
    const [link] = await this.#find('link_by_customer', 'customer_id = $3', [customerId]);
    return link;
  }

  /** Links of records, by the record's id. */
  async byRecords(recordIds: readonly string[]): Promise<Map<string, Link>> {
    const links = await this.#find('links_by_record', 'record_id = any ($3::text[])', [recordIds]);
    return new Map(links.map((link) => [link.recordId ?? '', link]));
  }

  async byRecord(recordId: string): Promise<Link | undefined> {
    return (await this.byRecords([recordId])).get(recordId);
  }

  async byId(id: string): Promise<Link | undefined> {
    const [link] = await this.#find('link_by_id', 'id = $3', [id]);
    return link;
  }

  /** A page of all links, ordered by id. */
  after(id: string | undefined, limit: number): Promise<Link[]> {
    return this.#find('links_after', '($3::uuid is null or id > $3) order by id limit $4', [id ?? null, limit]);
  }

  /** Links with an interrupted write. */
  intending(): Promise<Link[]> {
    return this.#find('links_intending', 'sealed_intent is not null order by id', []);
  }

  async countDeleting(): Promise<number> {
    const [row] = await this.#run<{ count: number }>({
      name: 'count_deleting_links',
      sql: `select count(*)::int as count from sync_link where tenant_id = $1 and mapping_id = $2 and is_deleting`,
      values: [this.tenantId, this.mappingId],
    });
    return row?.count ?? 0;
  }

  /** A page of links with a pending delete, ordered by id. */
  deletingAfter(id: string | undefined, limit: number): Promise<Link[]> {
    const condition = 'is_deleting and ($3::uuid is null or id > $3) order by id limit $4';
    return this.#find('links_deleting_after', condition, [id ?? null, limit]);
  }

  /**
   * Stores a link under its next revision.
   *
   * @throws LinkChangedError
   */
  save(link: Link): Promise<void> {
    return this.#save(link, null);
  }

  /**
   * Stores a link with the intent of a write. After a change of the mapping, or while its connection is disabled, the write
   * may not be wanted any more, so nothing is stored. The locks make a concurrent change wait, so that its call
   * sees all writes that came before it.
   *
   * @throws MappingChangedError, LinkChangedError
   */
  async saveIntent(link: Link): Promise<void> {
    await this.#save(link, this.mappingVersion);
  }

  /** @throws MappingChangedError after a change of the mapping, or while its connection is disabled */
  async checkMapping(): Promise<void> {
    if (await this.#isMappingChanged()) throw new MappingChangedError();
  }

  async remove({ id }: Link): Promise<void> {
    await this.#run({
      name: 'remove_link',
      sql: 'delete from sync_link where tenant_id = $1 and mapping_id = $2 and id = $3',
      values: [this.tenantId, this.mappingId, id],
    });
  }

  /** @param mappingVersion required version of the mapping; null for any */
  async #save(link: Link, mappingVersion: number | null): Promise<void> {
    const [saved] = await this.#run<{ revision: number }>({
      name: 'save_link',
      // The connection is locked first, as by a call that deletes it with its mappings.
      sql: `with enabled as materialized (
          select from connection where tenant_id = $1 and state = 'ENABLED' and $19::int is not null
            and id = (select connection_id from mapping where tenant_id = $1 and id = $2) for share),
        same as materialized (
          select from mapping where tenant_id = $1 and id = $2 and version = $19 and exists (select from enabled) for share)
        insert into sync_link as known (tenant_id, mapping_id, ${columns})
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18 + 1
        where $19::int is null or exists (select from same)
        on conflict (tenant_id, mapping_id, id) do update set
          customer_id = excluded.customer_id, record_id = excluded.record_id, base = excluded.base,
          customer_version = excluded.customer_version, record_version = excluded.record_version,
          sealed_intent = excluded.sealed_intent, is_deleting = excluded.is_deleting, is_apart = excluded.is_apart,
          is_left_out = excluded.is_left_out, choice = excluded.choice, answer = excluded.answer, copy_version = excluded.copy_version,
          hop = excluded.hop, push_time = excluded.push_time, revision = excluded.revision
        where known.revision = $18
        returning revision`,
      values: [
        ...[this.tenantId, this.mappingId, link.id, link.customerId, link.recordId, JSON.stringify(link.base)],
        ...[link.customerVersion, link.recordVersion, link.sealedIntent, link.isDeleting, link.isApart, link.isLeftOut],
        ...[link.choice, link.answer && JSON.stringify(link.answer), link.copyVersion],
        ...[link.hop, link.pushTime, link.revision, mappingVersion],
      ],
    });
    if (!saved) throw (await this.#isMappingChanged()) ? new MappingChangedError() : new LinkChangedError(link.id);
    link.revision = saved.revision;
  }

  async #isMappingChanged(): Promise<boolean> {
    const same = await this.#run({
      name: 'find_same_mapping',
      sql: `select from mapping join connection
          on connection.tenant_id = $1 and connection.id = mapping.connection_id and connection.state = 'ENABLED'
        where mapping.tenant_id = $1 and mapping.id = $2 and mapping.version = $3`,
      values: [this.tenantId, this.mappingId, this.mappingVersion],
    });
    return same.length === 0;
  }

  async #find(name: string, condition: string, values: readonly unknown[]): Promise<Link[]> {
    const rows = await this.#run<LinkRow>({
      name,
      sql: `select ${columns} from sync_link where tenant_id = $1 and mapping_id = $2 and ${condition}`,
      values: [this.tenantId, this.mappingId, ...values],
    });
    return rows.map(linkOfRow);
  }

  #run<Row extends object>(statement: Statement): Promise<Row[]> {
    return readForTenant<Row>(this.em, statement);
  }
}

function linkOfRow(row: LinkRow): Link {
  return {
    id: row.id,
    customerId: row.customer_id,
    recordId: row.record_id,
    base: row.base,
    customerVersion: row.customer_version,
    recordVersion: row.record_version,
    sealedIntent: row.sealed_intent,
    isDeleting: row.is_deleting,
    isApart: row.is_apart,
    isLeftOut: row.is_left_out,
    choice: row.choice,
    answer: row.answer,
    copyVersion: row.copy_version,
    hop: row.hop,
    pushTime: row.push_time && new Date(row.push_time),
    revision: row.revision,
  };
}
