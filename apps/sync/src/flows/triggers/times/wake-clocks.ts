import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { ClientBase } from 'pg';
import type { ActiveFlow } from '../../definitions/active-flows.js';
import { changeFacts, feedType, type ChangeFacts } from '../match-trigger.js';

/** Delay after a change until records are looked for, in milliseconds: further changes of the tenant add no search. */
const settleMs = 1_000;

/** Has flows look for due records soon whose fields were changed, in the transaction that takes the changes. */
export async function wakeClocks(
  client: ClientBase,
  flows: readonly ActiveFlow[],
  changes: readonly Change[],
): Promise<void> {
  const timed = flows.filter(({ definition }) => definition.trigger?.timeField);
  if (timed.length === 0) return;
  const facts = changes.map(changeFacts);
  const woken = timed.filter((flow) => facts.some((change) => isConcerned(flow, change)));
  if (woken.length === 0) return;
  await client.query({
    name: 'wake_flow_clocks',
    text: `update flow_clock set due_time = least(due_time, clock_timestamp() + make_interval(secs => $2 / 1000.0))
      where flow_id = any ($1::uuid[])`,
    values: [woken.map(({ flowId }) => flowId), settleMs],
  });
}

function isConcerned({ definition }: ActiveFlow, { type, operation, changedFields }: ChangeFacts): boolean {
  const { timeField } = definition.trigger ?? {};
  if (!timeField || feedType(timeField.type).type !== type) return false;
  return operation !== 'UPDATE' || changedFields.includes(timeField.field);
}
