import { AppError, invalidArgument, type ViolationCode } from '@rapport/platform';
import type { LinkAnswer } from '../links/link.js';
import { choiceFault, type Choice } from './choices.js';
import type { ConflictRow, RunStatement } from './conflict-row.js';

export interface Decision {
  choice: Choice;
  /** For LINK. Absent: the only candidate without a record. */
  customerId?: string | undefined;
}

/**
 * Stores a decision about a conflict. The next run settles the pair.
 *
 * @throws AppError INVALID_ARGUMENT for an unsuitable choice, FAILED_PRECONDITION CUSTOMER_LINKED
 */
export async function applyChoice(
  run: RunStatement,
  tenantId: string,
  conflict: ConflictRow,
  { choice, customerId }: Decision,
): Promise<void> {
  const fault = choiceFault(conflict, choice);
  if (fault) throw unfit('choice', 'CHOICE_UNFIT', fault);
  const answer = await answerOf(run, tenantId, conflict, { choice, customerId });
  const side = choice === 'CUSTOMER' || choice === 'PEER' ? choice : null;
  await run({
    name: 'apply_choice',
    // A retried pair counts as unread on both sides.
    sql: `with changed as (
        update sync_link set choice = $4, answer = $5, hop = 0, push_time = null, revision = revision + 1,
          customer_version = case when $6 then null else customer_version end,
          record_version = case when $6 then null else record_version end
        where tenant_id = $1 and mapping_id = $2 and id = $3 returning record_id, customer_id)
      insert into sync_hint (tenant_id, mapping_id, side, record_id)
      select $1, $2, case when record_id is null then 'CUSTOMER' else 'PEER' end, coalesce(record_id, customer_id::text)
      from changed
      on conflict (tenant_id, mapping_id, side, record_id) do update set mark = gen_random_uuid()`,
    values: [
      ...[tenantId, conflict.mapping_id, conflict.link_id, side, answer && JSON.stringify(answer), choice === 'RETRY'],
    ],
  });
}

async function answerOf(
  run: RunStatement,
  tenantId: string,
  conflict: ConflictRow,
  { choice, customerId }: Decision,
): Promise<LinkAnswer | null> {
  switch (choice) {
    case 'SEPARATE':
    case 'IGNORE':
      return { choice };
    case 'LINK': {
      const wanted = conflict.kind === 'PAIRING' ? customerId : conflict.other_customer_id;
      const target = wanted ?? (await soleCandidate(run, tenantId, conflict));
      await checkTarget(run, tenantId, conflict, target);
      return { choice, customerId: target };
    }
    case 'CUSTOMER':
    case 'PEER':
    case 'RETRY':
      return null;
    default:
      return choice satisfies never;
  }
}

async function soleCandidate(run: RunStatement, tenantId: string, conflict: ConflictRow): Promise<string> {
  const free = await run<{ customer_id: string }>({
    name: 'free_candidates',
    sql: `select customer_id from sync_candidate candidate
      where tenant_id = $1 and mapping_id = $2 and record_id = $3 and not is_refuted
        and not exists (select from sync_link link where link.tenant_id = $1 and link.mapping_id = $2
          and link.customer_id = candidate.customer_id and link.record_id is not null
          and (link.is_left_out or link.copy_version is null or link.copy_version is distinct from link.record_version))
      limit 2`,
    values: [tenantId, conflict.mapping_id, conflict.record_id],
  });
  const [candidate] = free;
  if (candidate && free.length === 1) return candidate.customer_id;
  throw unfit('customerId', 'REQUIRED', 'is required: not exactly one candidate belongs to no record');
}

async function checkTarget(
  run: RunStatement,
  tenantId: string,
  conflict: ConflictRow,
  customerId: string,
): Promise<void> {
  const [target] = await run<{ is_candidate: boolean; is_linked: boolean }>({
    name: 'target_of_link',
    sql: `select exists (select from sync_candidate where tenant_id = $1 and mapping_id = $2 and record_id = $3
          and customer_id = $4 and not is_refuted) as is_candidate,
        exists (select from sync_link where tenant_id = $1 and mapping_id = $2 and customer_id = $4
          and record_id is not null
          and (is_left_out or copy_version is null or copy_version is distinct from record_version)) as is_linked`,
    values: [tenantId, conflict.mapping_id, conflict.record_id, customerId],
  });
  if (conflict.kind === 'PAIRING' && !target?.is_candidate) {
    throw unfit('customerId', 'CANDIDATE_UNKNOWN', 'must be one of the candidates');
  }
  if (!target?.is_linked) return;
  const message = 'The other customer belongs to another record. Merge or change one of the two.';
  throw new AppError('FAILED_PRECONDITION', 'CUSTOMER_LINKED', message, { metadata: { customerId } });
}

function unfit(name: string, reason: ViolationCode, description: string): AppError {
  return invalidArgument([{ field: `resolution.${name}`, reason, description }]);
}
