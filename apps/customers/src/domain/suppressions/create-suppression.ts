import type { EntityManager } from '@mikro-orm/postgresql';
import {
  SuppressionReason,
  type CreateSuppressionRequest,
  type Suppression as SuppressionMessage,
} from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { transactionPipeline } from '@rapport/persistence';
import { invalidArgument } from '@rapport/platform';
import { refuseNarrowScope } from '../../engine/records/scope/refuse-narrow-scopes.js';
import { checkAddresses, suppressedChannel } from './suppressible.js';
import type { SuppressionKey } from './suppression-key.js';
import { suppressionMessage, type SuppressionRow } from './suppression-message.js';
import { suppressAddresses, suppressionsOf } from './suppression-statements.js';
import type { Suppression } from './suppression.entity.js';

/** Handles CreateSuppression. Runs in a transaction. */
export async function createSuppression(
  em: EntityManager,
  key: SuppressionKey,
  { suppression }: CreateSuppressionRequest,
): Promise<SuppressionMessage> {
  // It applies to the whole tenant, and has no owner.
  refuseNarrowScope();
  if (!suppression) throw invalidArgument([{ field: 'suppression', reason: 'REQUIRED', description: 'is required' }]);
  const { address = '', purpose } = suppression;
  const channel = suppressedChannel(suppression.channel, 'suppression.channel');
  const reason = givenReason(suppression.reason);
  checkAddresses(channel, [address], () => 'suppression.address');
  const [, found = []] = await transactionPipeline(em, [
    ...suppressAddresses(key, reason, [{ channel, address, purpose }]),
    suppressionsOf(key, channel, [address], purpose),
  ]);
  const row = (found as SuppressionRow[]).find(
    (each) => each.reason === reason && (each.purpose ?? undefined) === purpose && each.customerId === null,
  );
  if (!row) throw new Error('The new suppression does not exist.');
  return suppressionMessage(row);
}

/** The system sets the other reasons itself. */
function givenReason(reason: SuppressionReason): Suppression['reason'] {
  switch (reason) {
    case SuppressionReason.MANUAL:
      return 'MANUAL';
    case SuppressionReason.COMPLAINT:
      return 'COMPLAINT';
    case SuppressionReason.BOUNCE:
      return 'BOUNCE';
    default: {
      const description = 'must be MANUAL, COMPLAINT or BOUNCE';
      throw invalidArgument([{ field: 'suppression.reason', reason: 'NOT_ALLOWED', description }]);
    }
  }
}
