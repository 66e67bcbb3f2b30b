import type { EntityManager } from '@mikro-orm/postgresql';
import { ContactChannel } from '@rapport/contracts/rapport/customers/v1/consents_service';
import {
  SuppressionReason,
  type CheckSuppressionsRequest,
  type CheckSuppressionsResponse,
  type ListSuppressionsRequest,
  type ListSuppressionsResponse,
  type Suppression as SuppressionMessage,
} from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import {
  forkBeyondScope,
  type PageTokenKey,
  queryRows,
  readForTenant,
  readPageToken,
  signPageToken,
} from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { checkAddresses, suppressedChannel } from './suppressible.js';
import type { SuppressionKey } from './suppression-key.js';
import { suppressionColumns, suppressionMessage, type SuppressionRow } from './suppression-message.js';
import { hexHashes, suppressionsOf } from './suppression-statements.js';

const defaultPageSize = 20;

/** @throws AppError NOT_FOUND */
export async function findSuppression(em: EntityManager, id: string): Promise<SuppressionMessage> {
  const [row] = await queryRows<SuppressionRow>(em, {
    name: 'suppression',
    sql: `select ${suppressionColumns} from suppression where tenant_id = $1 and id = $2`,
    values: [currentCaller().tenantId, id],
  });
  if (row) return suppressionMessage(row);
  throw new AppError('NOT_FOUND', 'SUPPRESSION_NOT_FOUND', 'There is no such suppression.');
}

/** Handles ListSuppressions: returns the page that starts after the id in the page token. */
export async function listSuppressions(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  { channel, reason, pageSize = defaultPageSize, pageToken }: ListSuppressionsRequest,
): Promise<ListSuppressionsResponse> {
  const { tenantId } = currentCaller();
  const binding = JSON.stringify(['ListSuppressions', tenantId, channel, reason]);
  const [before = null] = pageToken === undefined ? [] : readPageToken(pageTokenKey, binding, pageToken);
  const rows = await readForTenant<SuppressionRow>(em, {
    name: 'list_suppressions',
    sql: `select ${suppressionColumns} from suppression
      where tenant_id = $1 and ($2::uuid is null or id < $2) and ($3::text is null or channel = $3)
        and ($4::text is null or reason = $4)
      order by id desc limit $5`,
    values: [
      tenantId,
      before,
      channel === ContactChannel.UNSPECIFIED ? null : ContactChannel[channel],
      reason === SuppressionReason.UNSPECIFIED ? null : SuppressionReason[reason],
      // One more row than the page holds shows whether there is a next page.
      pageSize + 1,
    ],
  });
  const page = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  return {
    suppressions: page.map(suppressionMessage),
    nextPageToken: last && signPageToken(pageTokenKey, binding, [last.id]),
  };
}

/** Handles CheckSuppressions. */
export async function checkSuppressions(
  em: EntityManager,
  key: SuppressionKey,
  { check }: CheckSuppressionsRequest,
): Promise<CheckSuppressionsResponse> {
  if (!check) throw invalidArgument([{ field: 'check', reason: 'REQUIRED', description: 'is required' }]);
  const { addresses, purpose } = check;
  const channel = suppressedChannel(check.channel, 'check.channel');
  checkAddresses(channel, addresses, (index) => `check.addresses[${index}]`);
  // A suppression holds for every caller of the tenant, whatever customers the caller can see.
  const rows = await readForTenant<SuppressionRow & { hash: string }>(
    forkBeyondScope(em),
    suppressionsOf(key, channel, addresses, purpose),
  );
  const byHash = Map.groupBy(rows, ({ hash }) => hash);
  return {
    verdicts: addresses.map((address) => {
      const found = hexHashes(key, channel, address).flatMap((hash) => byHash.get(hash) ?? []);
      return {
        suppressed: found.length > 0,
        reasons: [...new Set(found.map(({ reason }) => SuppressionReason[reason]))],
      };
    }),
  };
}
