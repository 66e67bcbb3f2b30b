import { AppError, currentCaller, ownerIdOf, ownersSeenBy } from '@rapport/platform';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';

/** The user or API key, and the team, that own a record. */
type Owner = Pick<RecordMessage, 'ownerId' | 'ownerTeamId'>;

/**
 * The owner of a new record. If its creator has a narrow scope, the record belongs to the creator by default and, when
 * the creator is in one team, to that team.
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
 * Refuses what row-level security would refuse without an explanation: a change after which the caller no longer sees
 * the record. Callers with a narrow scope can share records only with their own teams.
 *
 * @param before the previous owner
 * @throws AppError PERMISSION_DENIED OWNER_OUT_OF_SCOPE that names the field
 */
export function checkOwner({ singular }: RecordType, after: Owner, before: Owner = {}): void {
  const { ownerId, ownerTeamId } = after;
  if (ownerId === before.ownerId && ownerTeamId === before.ownerTeamId) return;
  const caller = currentCaller();
  const seen = ownersSeenBy(caller);
  if (!seen) return;
  const isOwnTeam = ownerTeamId === before.ownerTeamId || isAmong(caller.teamIds ?? [], ownerTeamId);
  if (ownerTeamId !== undefined && !isOwnTeam)
    throw outOfScope(`${singular}.ownerTeamId`, 'must be a team of the caller');
  if (isAmong(seen, ownerId) || isAmong(seen, ownerTeamId)) return;
  throw outOfScope(
    `${singular}.ownerId`,
    `must leave the ${singular} visible to the caller, whose scope is limited to some owners`,
  );
}

function isAmong(ids: readonly string[], id: string | undefined): boolean {
  return id !== undefined && ids.includes(id);
}

function outOfScope(field: string, description: string): AppError {
  const reason = 'OWNER_OUT_OF_SCOPE';
  return new AppError('PERMISSION_DENIED', reason, `${field}: ${description}`, {
    violations: [{ field, reason, description }],
  });
}
