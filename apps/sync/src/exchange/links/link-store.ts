import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant, type Statement } from '@rapport/persistence';
import { MappingChangedError } from '../runs/run-failure.js';
import { Gathered } from './gathered.js';
import type { Base, Link } from './link.js';

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

/** Of sync_link, beside its tenant and mapping. */
const columns = `id, customer_id, record_id, base, customer_version, record_version, sealed_intent, is_deleting, is_apart,
  is_left_out, choice, answer, copy_version, hop, push_time, revision`;

/** Another transaction has changed a link since it was read, such as the resolution of its conflict. */
export class LinkChangedError extends Error {
  override readonly name = 'LinkChangedError';
  constructor(id: string) {
    super(`The link ${id} was changed in the meantime.`);
  }
}

/** As in `columns`, of `jsonb_to_recordset`. */
const columnTypes = `id uuid, customer_id uuid, record_id text, base jsonb, customer_version int, record_version text,
  sealed_intent text, is_deleting bool, is_apart bool, is_left_out bool, choice text, answer jsonb, copy_version text,
  hop int, push_time timestamptz, revision int`;

/** The links of one mapping. Links that are saved at the same time are saved by one statement. */
export class LinkStore {
  readonly #saves: Gathered<Link, number | undefined>;
  readonly #intents: Gathered<Link, number | undefined>;
  readonly #removals = new Gathered<string, void>(
    (ids) => this.#removeAll(ids),
    (id) => id,
  );

  /** @param em of the mapping's tenant */
  constructor(
    private readonly em: EntityManager,
    private readonly tenantId: string,
    private readonly mappingId: string,
    /** The version of the mapping that the run has read. */
    private readonly mappingVersion: number,
  ) {
    const gathered = (version: number | null) =>
      new Gathered<Link, number | undefined>(
        (links) => this.#saveAll(links, version),
        ({ id }) => id,
      );
    this.#saves = gathered(null);
    this.#intents = gathered(mappingVersion);
  }

  /** Links of customers, by the customer's id. */
  async byCustomers(customerIds: readonly string[]): Promise<Map<string, Link>> {
    const links = await this.#find('links_by_customer', 'customer_id = any ($3::uuid[])', [customerIds]);
    return new Map(links.map((link) => [link.customerId ?? '', link]));
  }

  async byCustomer(customerId: string): Promise<Link | undefined> {
    const [link] = await this.#find('link_by_customer', 'customer_id = $3', [customerId], true);
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
    return this.#save(link, this.#saves);
  }

  /**
   * Stores a link with the intent of a write. After a change of the mapping, or while its connection is disabled, the write
   * may not be wanted any more, so nothing is stored. The locks make a concurrent change wait, so that its call
   * sees all writes that came before it.
   *
   * @throws MappingChangedError, LinkChangedError
   */
  async saveIntent(link: Link): Promise<void> {
    await this.#save(link, this.#intents);
  }

  /** @throws MappingChangedError after a change of the mapping, or while its connection is disabled */
  async checkMapping(): Promise<void> {
    if (await this.#isMappingChanged()) throw new MappingChangedError();
  }

  remove({ id }: Link): Promise<void> {
    return this.#removals.ask(id);
  }

  async #removeAll(ids: readonly string[]): Promise<void[]> {
    await this.#run({
      name: 'remove_links',
      sql: 'delete from sync_link where tenant_id = $1 and mapping_id = $2 and id = any ($3::uuid[])',
      values: [this.tenantId, this.mappingId, ids],
    });
    return [];
  }

  async #save(link: Link, gathered: Gathered<Link, number | undefined>): Promise<void> {
    const revision = await gathered.ask(link);
    if (revision === undefined) {
      throw (await this.#isMappingChanged()) ? new MappingChangedError() : new LinkChangedError(link.id);
    }
    link.revision = revision;
  }

  /**
   * Gives the new revisions, undefined for links that were not stored.
   *
   * @param mappingVersion required version of the mapping; null for any
   */
  async #saveAll(links: readonly Link[], mappingVersion: number | null): Promise<(number | undefined)[]> {
    const saved = await this.#run<{ id: string; revision: number }>({
      name: 'save_links',
      // The connection is locked first, as by a call that deletes it with its mappings. In the order of ids, as others lock links.
      sql: `with enabled as materialized (
          select from connection where tenant_id = $1 and state = 'ENABLED' and $4::int is not null
            and id = (select connection_id from mapping where tenant_id = $1 and id = $2) for share),
        same as materialized (
          select from mapping where tenant_id = $1 and id = $2 and version = $4 and exists (select from enabled) for share)
        insert into sync_link as known (tenant_id, mapping_id, ${columns})
        select $1, $2, id, customer_id, record_id, base, customer_version, record_version, decode(sealed_intent, 'hex'),
          is_deleting, is_apart, is_left_out, choice, answer, copy_version, hop, push_time, revision + 1
        from jsonb_to_recordset($3) as link (${columnTypes})
        where $4::int is null or exists (select from same)
        order by id
        on conflict (tenant_id, mapping_id, id) do update set
          customer_id = excluded.customer_id, record_id = excluded.record_id, base = excluded.base,
          customer_version = excluded.customer_version, record_version = excluded.record_version,
          sealed_intent = excluded.sealed_intent, is_deleting = excluded.is_deleting, is_apart = excluded.is_apart,
          is_left_out = excluded.is_left_out, choice = excluded.choice, answer = excluded.answer, copy_version = excluded.copy_version,
          hop = excluded.hop, push_time = excluded.push_time, revision = excluded.revision
        where known.revision = excluded.revision - 1
        returning id, revision`,
      values: [this.tenantId, this.mappingId, JSON.stringify(links.map(rowOfLink)), mappingVersion],
    });
    const revisions = new Map(saved.map(({ id, revision }) => [id, revision]));
    return links.map(({ id }) => revisions.get(id));
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

  async #find(name: string, condition: string, values: readonly unknown[], isQuick = false): Promise<Link[]> {
    const rows = await this.#run<LinkRow>({
      name,
      sql: `select ${columns} from sync_link where tenant_id = $1 and mapping_id = $2 and ${condition}`,
      isQuick,
      values: [this.tenantId, this.mappingId, ...values],
    });
    return rows.map(linkOfRow);
  }

  #run<Row extends object>(statement: Statement): Promise<Row[]> {
    return readForTenant<Row>(this.em, statement);
  }
}

/** As jsonb, in which there are no bytes. */
function rowOfLink(link: Link): Record<keyof LinkRow, unknown> {
  return {
    id: link.id,
    customer_id: link.customerId,
    record_id: link.recordId,
    base: link.base,
    customer_version: link.customerVersion,
    record_version: link.recordVersion,
    sealed_intent: link.sealedIntent?.toString('hex') ?? null,
    is_deleting: link.isDeleting,
    is_apart: link.isApart,
    is_left_out: link.isLeftOut,
    choice: link.choice,
    answer: link.answer,
    copy_version: link.copyVersion,
    hop: link.hop,
    push_time: link.pushTime,
    revision: link.revision,
  };
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
