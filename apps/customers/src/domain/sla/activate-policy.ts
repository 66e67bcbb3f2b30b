import type {
  ActivateSlaPolicyRequest,
  ActivateSlaPolicyResponse,
  RetireSlaPolicyRequest,
} from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import { OpenTickets } from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import { SlaPolicyState, type SlaPolicy } from '@rapport/contracts/rapport/support/v1/sla_policy';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller, invalidField } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, rowReader, shownColumns, type StoredRecord } from '../../engine/records/record-rows.js';
import { changeRecord, readForChange } from '../../engine/write/write-record.js';
import { tickets } from '../tickets/tickets.js';
import { PolicyChoice, readActivePolicies, type ActivePolicy } from './choose-policy.js';
import { calendarsOf, policyContent, policyKey, type PolicyContent } from './policy-content.js';
import { keepDefinition } from './sla-definitions.js';
import { recountOpenTickets, refuseMissingCalendars, slaPolicies } from './sla-policies.js';

/** Open tickets that an activation looks at, to say how many it affects. */
const checkedTickets = 2_000;

/** Handles ActivateSlaPolicy. */
export async function activateSlaPolicy(
  transaction: StatementTransaction,
  { id, activation, etag }: ActivateSlaPolicyRequest,
): Promise<ActivateSlaPolicyResponse> {
  if (!activation) throw invalidField('activation', 'REQUIRED', 'is required');
  const { record, ...known } = await readForChange(transaction, slaPolicies, id);
  const before = await liveRecord(transaction, slaPolicies, id, record);
  const version = (before.activeVersion ?? 0) + 1;
  const changes = { ...before, state: SlaPolicyState.ACTIVE, activeVersion: version };
  const mask = ['state', 'activeVersion'];
  const content = policyContent(before);
  const affected = await affectedTickets(transaction, { before, version, content });
  const policy = await changeRecord(transaction, slaPolicies, before, known, { changes, mask, etag });
  transaction.later(
    refuseMissingCalendars(calendarsOf(content), 'policy'),
    keepDefinition(policyKey(id, version), content),
  );
  if (activation.openTickets === OpenTickets.RECOMPUTE) transaction.later(recountOpenTickets(id, version));
  return { policy, ...affected };
}

/** Handles RetireSlaPolicy. */
export async function retireSlaPolicy(
  transaction: StatementTransaction,
  { id, etag }: RetireSlaPolicyRequest,
): Promise<SlaPolicy> {
  const { record, ...known } = await readForChange(transaction, slaPolicies, id);
  const before = await liveRecord(transaction, slaPolicies, id, record);
  const changes = { ...before, state: SlaPolicyState.RETIRED };
  return changeRecord(transaction, slaPolicies, before, known, { changes, mask: ['state'], etag });
}

/** How many open tickets have another policy or version than they would get. */
async function affectedTickets(
  transaction: StatementTransaction,
  { before, version, content }: { before: SlaPolicy; version: number; content: PolicyContent },
): Promise<Pick<ActivateSlaPolicyResponse, 'checkedTickets' | 'affectedTickets'>> {
  const inForce = await transaction.rows<ActivePolicy>(readActivePolicies());
  const { id, key, name } = before;
  const others = inForce.filter((policy) => policy.id !== id);
  const policies = [...others, { id, key, name, version, content }].toSorted(
    (one, other) => (one.content.position ?? Infinity) - (other.content.position ?? Infinity),
  );
  const choice = await PolicyChoice.load(transaction, policies);
  const { tenantId } = currentCaller();
  const values = [tenantId];
  const open = `from ticket where tenant_id = $1 and category not in ('SOLVED', 'CLOSED') and delete_time is null
    order by id limit ${checkedTickets}`;
  const row = rowReader(tickets);
  const [stored = [], ruled = []] = await transaction.run(
    { name: 'oldest_open_tickets', sql: `select ${shownColumns(tickets)} ${open}`, values, row },
    {
      name: 'policies_of_oldest_open_tickets',
      sql: `select ticket_id, state->>'policy' as policy from sla_ticket
        where tenant_id = $1 and ticket_id in (select id ${open})`,
      values,
    },
  );
  const opened = await openStored(tickets, stored as unknown as StoredRecord<Ticket>[]);
  const policyOf = new Map(
    (ruled as { ticket_id: string; policy: string | null }[]).map((each) => [each.ticket_id, each.policy]),
  );
  const affected = opened.filter((ticket) => {
    const chosen = choice.choose(ticket);
    return (policyOf.get(ticket.id) ?? undefined) !== (chosen && policyKey(chosen.id, chosen.version));
  });
  return { checkedTickets: opened.length, affectedTickets: affected.length };
}
