import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, readForTenant, withConnection, type StatementTransaction } from '@rapport/persistence';
import { pageNotFound, workAsLink, type LinkParts } from '../links/public-links.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { readLink, type LinkIssuer, type RecipientLink, type RecipientPage } from './recipient-links.js';

/** What the pages need of the process. */
export interface PageParts extends LinkParts {
  suppressionKey: SuppressionKey;
}

/** A link with a true signature. */
export type FollowedLink = RecipientLink & Omit<LinkIssuer, 'publicUrl'>;

/**
 * Works for the tenant of a link in a mail, as the recipient that has it.
 *
 * @throws AppError NOT_FOUND PAGE_NOT_FOUND for a token that the tenant did not sign
 */
export async function throughMailLink<Answer>(
  parts: LinkParts,
  page: RecipientPage,
  token: string,
  work: (link: FollowedLink) => Promise<Answer>,
): Promise<Answer> {
  const claimed = readLink(page, token);
  const secret = claimed && (await secretOf(parts.em, claimed.tenantId));
  if (!secret || !claimed.isSignedBy(secret)) throw pageNotFound();
  const { tenantId, recipientId, customerId, topicKey } = claimed;
  return workAsLink(parts, { tenantId, id: recipientId }, () =>
    work({ tenantId, recipientId, customerId, topicKey, secret }),
  );
}

/** The secret of the tenant that a token names, read before anything else is done for that tenant. */
async function secretOf(em: EntityManager, tenantId: string): Promise<Buffer | undefined> {
  const [, found] = await withConnection(em, (client) =>
    pipeline(client, [
      { name: 'state_tenant_of_token', sql: `select set_config('app.tenant_id', $1, true)`, values: [tenantId] },
      { name: 'secret_of_token', sql: 'select secret from mail_key where tenant_id = $1', values: [tenantId] },
    ]),
  );
  return (found?.rows[0] as { secret: Buffer } | undefined)?.secret;
}

/** Reads without a transaction, for pages that change nothing. */
export function readerOf(em: EntityManager): Pick<StatementTransaction, 'rows'> {
  return { rows: (statement) => readForTenant(em, statement) };
}
