import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { v7 as uuidv7 } from 'uuid';
import type { JsonValue } from '../../connectors/peer-record.js';
import { rowOwner } from '../../storage/sealed-row.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { Gathered } from './gathered.js';

export type ConflictKind = 'FIELDS' | 'DELETED' | 'VALUE_TAKEN' | 'REJECTED' | 'LOOP' | 'PAIRING';

/** A field with two values, in the customer's form. */
export interface ConflictField {
  field: string;
  customer: JsonValue;
  peer: JsonValue;
}

export interface Conflict {
  kind: ConflictKind;
  message: string;
  fields?: ConflictField[];
  otherCustomerId?: string | undefined;
}

/** The open conflicts of a mapping, at most one per link. */
export class ConflictStore {
  readonly #settled = new Gathered<string, void>(
    (linkIds) => this.#settleAll(linkIds),
    (linkId) => linkId,
  );

  /** @param em of the mapping's tenant */
  constructor(
    private readonly em: EntityManager,
    private readonly envelope: SecretEnvelope,
    private readonly tenantId: string,
    private readonly mappingId: string,
  ) {}

  async put(linkId: string, { kind, message, fields = [], otherCustomerId }: Conflict): Promise<void> {
    const owner = rowOwner('sync_conflict', this.tenantId, linkId);
    const sealed = fields.length === 0 ? null : this.envelope.seal(Buffer.from(JSON.stringify(fields)), owner);
    await readForTenant(this.em, {
      name: 'put_conflict',
      sql: `insert into sync_conflict as known
          (tenant_id, id, mapping_id, link_id, kind, sealed_fields, message, other_customer_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (tenant_id, mapping_id, link_id) do update set kind = excluded.kind,
          sealed_fields = excluded.sealed_fields, message = excluded.message, other_customer_id = excluded.other_customer_id`,
      values: [this.tenantId, uuidv7(), this.mappingId, linkId, kind, sealed, message, otherCustomerId ?? null],
    });
  }

  settle(linkId: string): Promise<void> {
    return this.#settled.ask(linkId);
  }

  async #settleAll(linkIds: readonly string[]): Promise<void[]> {
    await readForTenant(this.em, {
      name: 'settle_conflicts',
      sql: 'delete from sync_conflict where tenant_id = $1 and mapping_id = $2 and link_id = any ($3::uuid[])',
      values: [this.tenantId, this.mappingId, linkIds],
    });
    return [];
  }

  /** The links that have a conflict. */
  async linkIds(): Promise<Set<string>> {
    const rows = await readForTenant<{ link_id: string }>(this.em, {
      name: 'conflicting_links',
      sql: 'select link_id from sync_conflict where tenant_id = $1 and mapping_id = $2',
      values: [this.tenantId, this.mappingId],
    });
    return new Set(rows.map(({ link_id }) => link_id));
  }
}
