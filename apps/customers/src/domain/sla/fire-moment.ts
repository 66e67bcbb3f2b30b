import { queryRows, type TimerHandler } from '@rapport/persistence';
import { Sealing } from '../../engine/sealing/sealing.js';
import { countUntil } from './count-event.js';
import { KeptDefinitions, keysOf } from './sla-definitions.js';
import { readKept, type KeptTicket } from './ticket-history.js';
import { writeCounted } from './write-counted.js';

/** Makes the warning or the breach that is due happen, as of its due time. The next one has a timer of its own. */
export const fireMoment: TimerHandler = async (em, { tenantId, recordId, dueTime }) => {
  // What locks the ticket may wait for its timer in turn. A ticket that is locked is looked at a second later.
  const [ticket] = await queryRows<{ id: string }>(em, {
    name: 'lock_ticket_to_count',
    sql: 'select id from ticket where tenant_id = $1 and id = $2 for update nowait',
    values: [tenantId, recordId],
  });
  const [kept] = ticket ? await queryRows<KeptTicket>(em, readKept(recordId)) : [];
  if (!kept) return;
  const known = await KeptDefinitions.load(em, keysOf(kept.state));
  const counted = countUntil(recordId, kept, dueTime.getTime(), known);
  await Sealing.of(em).run(em, () => writeCounted(em, recordId, counted));
};
