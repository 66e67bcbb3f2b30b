import { createHash } from 'node:crypto';
import { errors, type Adapter, type AdapterPayload } from 'oidc-provider';
import { clientKeyOf } from '../clients/client-id.js';
import type { OidcDatabase } from './oidc-database.js';
import { parseAccountId } from './user-accounts.js';

/** Kinds that are exchanged for tokens once. */
const exchanged = new Set(['AuthorizationCode', 'RefreshToken']);

interface RecordRow {
  payload: AdapterPayload;
  /** Seconds since the epoch. */
  consumed: number | null;
}

/**
 * Stores one kind of the provider's records in `oidc_record`. Within a transaction, finding a code or a refresh token locks its grant
 * until the end, so that all exchanges and revocations of a grant are serialised.
 */
export class RecordAdapter implements Adapter {
  constructor(
    private readonly database: OidcDatabase,
    private readonly kind: string,
  ) {}

  async upsert(id: string, payload: AdapterPayload, expiresInSeconds: number): Promise<void> {
    const { accountId } = payload;
    const tenantId = accountId === undefined ? undefined : parseAccountId(accountId).tenantId;
    const client = clientKeyOf(
      payload.clientId ?? (payload.params?.['client_id'] as string | undefined) ?? '',
      tenantId,
    );
    const values = [
      recordHash(this.kind, id),
      this.kind,
      this.#grantHash(payload),
      this.#uidHash(payload),
      client?.tenantId ?? null,
      client?.id ?? null,
      accountId === undefined ? null : parseAccountId(accountId).userId,
      JSON.stringify(withoutId(id, payload)),
      expiresInSeconds,
    ];
    try {
      await this.database.rows({ name: 'upsert_oidc_record', sql: upsertSql, values });
    } catch (error) {
      if (isMissingReference(error)) throw new errors.InvalidGrant('grant not found');
      throw error;
    }
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const hash = recordHash(this.kind, id);
    if (this.database.isInTransaction && exchanged.has(this.kind)) {
      await this.database.rows({ name: 'lock_oidc_grant', sql: lockGrantSql, values: [hash] });
    }
    const [row] = await this.database.rows<RecordRow>({
      name: 'find_oidc_record',
      sql: `select payload, extract(epoch from consume_time)::float8 as consumed from oidc_record
        where hash = $1 and expire_time > now()`,
      values: [hash],
    });
    return row && restored(id, row);
  }

  /** For sessions only. The result has no id, because a session that is found by its uid is not looked up by its secret id. */
  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const [row] = await this.database.rows<RecordRow>({
      name: 'find_oidc_session',
      sql: `select payload, null as consumed from oidc_record
        where uid_hash = $1 and kind = 'Session' and expire_time > now() limit 1`,
      values: [recordHash('uid', uid)],
    });
    return row?.payload;
  }

  /** Consumes a record. Only one of several concurrent exchanges succeeds. */
  async consume(id: string): Promise<void> {
    const rows = await this.database.rows({
      name: 'consume_oidc_record',
      sql: 'update oidc_record set consume_time = now() where hash = $1 and consume_time is null returning kind',
      values: [recordHash(this.kind, id)],
    });
    if (rows.length === 0) throw new errors.InvalidGrant('already used');
  }

  async destroy(id: string): Promise<void> {
    await this.#delete(recordHash(this.kind, id));
  }

  /** Deleting the grant deletes all of its codes and tokens. */
  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#delete(recordHash('Grant', grantId));
  }

  async findByUserCode(): Promise<undefined> {
    throw new Error('The device flow is disabled.');
  }

  /** An interaction refers to its grant too, but is not deleted with it. */
  #grantHash({ grantId }: AdapterPayload): Buffer | null {
    return grantId === undefined || this.kind === 'Interaction' ? null : recordHash('Grant', grantId);
  }

  #uidHash({ uid, sessionUid, expiresWithSession }: AdapterPayload): Buffer | null {
    const boundTo = this.kind === 'Session' ? uid : expiresWithSession ? sessionUid : undefined;
    return boundTo === undefined ? null : recordHash('uid', boundTo);
  }

  async #delete(hash: Buffer): Promise<void> {
    const sql = 'delete from oidc_record where hash = $1';
    await this.database.rows({ name: 'delete_oidc_record', sql, values: [hash] });
  }
}

/** The key of a record. */
export function recordHash(kind: string, id: string): Buffer {
  return createHash('sha256').update(`${kind}:${id}`).digest();
}

const upsertSql = `
  insert into oidc_record (hash, kind, grant_hash, uid_hash, tenant_id, client_id, user_id, payload, expire_time)
  values ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9))
  on conflict (hash) do update
    set uid_hash = excluded.uid_hash, user_id = excluded.user_id, payload = excluded.payload,
      expire_time = excluded.expire_time`;

const lockGrantSql = `
  select from oidc_record token join oidc_record grant_record on grant_record.hash = token.grant_hash
  where token.hash = $1 for update of grant_record`;

/** The id of an interaction is also the end of its return URL, and the id of its session is in its payload. Neither is stored. */
function withoutId(id: string, { jti: _, ...payload }: AdapterPayload): AdapterPayload {
  const { returnTo, session } = payload;
  return {
    ...payload,
    ...(returnTo === undefined ? {} : { returnTo: returnTo.slice(0, -id.length) }),
    ...(session === undefined ? {} : { session: { ...session, cookie: '' } }),
  };
}

function restored(id: string, { payload, consumed }: RecordRow): AdapterPayload {
  const { returnTo } = payload;
  return {
    ...payload,
    jti: id,
    ...(returnTo === undefined ? {} : { returnTo: returnTo + id }),
    ...(consumed === null ? {} : { consumed: Math.floor(consumed) }),
  };
}

/** 23503 foreign_key_violation: the grant or the client was deleted concurrently. */
function isMissingReference(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23503';
}
