import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { AppError, currentCaller, ownerIdOf, ownersSeenBy } from '@rapport/platform';

/** Who and which team look after a customer. */
type Owner = Pick<Customer, 'ownerId' | 'ownerTeamId'>;

/**
 * Whose a new customer is. By default, when its creator may see some records only, the creator's and, when there is one of
 * them, the creator's team's.
 */
export function ownerOfNew({ ownerId, ownerTeamId }: Owner): Owner {
  const caller = currentCaller();
  if (!ownersSeenBy(caller)) return { ownerId, ownerTeamId };
  const [team, ...others] = caller.teamIds ?? [];
  return {
    ownerId: ownerId ?? ownerIdOf(caller.principalId),
    ownerTeamId: ownerTeamId ?? (others.length === 0 ? team : undefined),
  };
}

/**
 * Refuses what row-level security would refuse without a word: to leave a customer where the caller no longer sees it. Who
 * sees some records only shares them with teams of their own only.
 *
 * @param before whose it was
 * @throws AppError PERMISSION_DENIED OWNER_OUT_OF_SCOPE that names the field
 */
export function checkOwner(after: Owner, before: Owner = { ownerId: undefined, ownerTeamId: undefined }): void {
  const { ownerId, ownerTeamId } = after;
  if (ownerId === before.ownerId && ownerTeamId === before.ownerTeamId) return;
  const caller = currentCaller();
  const seen = ownersSeenBy(caller);
  if (!seen) return;
  const isOwnTeam = ownerTeamId === before.ownerTeamId || isAmong(caller.teamIds ?? [], ownerTeamId);
  if (ownerTeamId !== undefined && !isOwnTeam) throw outOfScope('ownerTeamId', 'must be a team of the caller');
  if (isAmong(seen, ownerId) || isAmong(seen, ownerTeamId)) return;
  throw outOfScope(
    'ownerId',
    'must leave the customer in sight of the caller, who sees the records of some owners only',
  );
}

function isAmong(ids: readonly string[], id: string | undefined): boolean {
  return id !== undefined && ids.includes(id);
}

function outOfScope(name: 'ownerId' | 'ownerTeamId', description: string): AppError {
  const field = `customer.${name}`;
  const reason = 'OWNER_OUT_OF_SCOPE';
  return new AppError('PERMISSION_DENIED', reason, `${field}: ${description}`, {
    violations: [{ field, reason, description }],
  });
}
