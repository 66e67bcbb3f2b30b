import { createHash, randomBytes } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { inTenantSession, pipeline, withConnection, type TransactionStatement } from '@rapport/persistence';
import { AppError, callContext, currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { Sealing } from '../../engine/sealing/sealing.js';

/** What a link shows. */
export type LinkKind = 'QUOTE' | 'CALENDAR' | 'KNOWLEDGE_BASE' | 'SURVEY' | 'CONFIRMATION' | 'FORM';

/** A link that works. */
export interface PublicLink {
  tenantId: string;
  id: string;
  kind: LinkKind;
  recordId: string;
  /** The principal that has made it. */
  createdBy: string;
}

/** A new link: its token, and the statement that stores its hash. */
export function newLink(kind: LinkKind, recordId: string): { id: string; token: string; store: TransactionStatement } {
  const id = uuidv7();
  // 256 random bits.
  const token = randomBytes(32).toString('base64url');
  const { tenantId, principalId } = currentCaller();
  const store = {
    name: 'insert_public_link',
    sql: `insert into public_link (tenant_id, id, kind, record_id, token_hash, create_time, created_by)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [tenantId, id, kind, recordId, hashOf(token), new Date().toISOString(), principalId],
  };
  return { id, token, store };
}

/** Ends the links of a record. What is left of them is nothing: a used link is like one that never was. */
export function removeLinks(kind: LinkKind, recordId: string): TransactionStatement {
  return {
    name: 'remove_public_links',
    sql: 'delete from public_link where tenant_id = $1 and record_id = $2 and kind = $3',
    values: [currentCaller().tenantId, recordId, kind],
  };
}

/** Where the work of a link runs. */
export interface LinkParts {
  em: EntityManager;
  sealing: Sealing;
}

/**
 * Works for the tenant of a link, as the link. One statement finds the link, whether it exists or not.
 *
 * @throws AppError NOT_FOUND PAGE_NOT_FOUND without a link, the same for all reasons; `work` throws `pageNotFound` for a link whose record
 *   can no longer be shown
 */
export async function throughLink<Answer>(
  { em, sealing }: LinkParts,
  kind: LinkKind,
  token: string,
  work: (link: PublicLink) => Promise<Answer>,
): Promise<Answer> {
  const link = await findLink(em, kind, hashOf(token));
  if (!link) throw pageNotFound();
  return workAsLink({ em, sealing }, link, () => work(link));
}

/** Works for the tenant of a link, as the link. */
export function workAsLink<Answer>(
  { em, sealing }: LinkParts,
  { tenantId, id }: Pick<PublicLink, 'tenantId' | 'id'>,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const call = callContext.getStore();
  if (!call) throw new Error('A link is followed in a call.');
  const caller = { tenantId, principalId: `link:${id}`, permissions: [] };
  return callContext.run({ ...call, caller, cause: { origin: 'link', causationId: id } }, () =>
    inTenantSession(em, () => sealing.run(em, work)),
  );
}

/** Where browsers reach the pages of links, without a slash at its end. */
export class PublicUrl {
  constructor(readonly text: string) {}
}

/** NOT_FOUND PAGE_NOT_FOUND: the edge answers it with the same page for all links. */
export function pageNotFound(): AppError {
  return new AppError('NOT_FOUND', 'PAGE_NOT_FOUND', 'The link is unknown, used or revoked.');
}

async function findLink(em: EntityManager, kind: LinkKind, hash: string): Promise<PublicLink | undefined> {
  const [, found] = await withConnection(em, (client) =>
    pipeline(client, [
      { name: 'state_link_hash', sql: `select set_config('app.link_hash', $1, true)`, values: [hash] },
      {
        name: 'find_public_link',
        sql: `select tenant_id as "tenantId", id, kind, record_id as "recordId", created_by as "createdBy"
          from public_link
          where token_hash = $1 and kind = $2`,
        values: [hash, kind],
      },
    ]),
  );
  return found?.rows[0] as PublicLink | undefined;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
