import type { CampaignRecipient } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import { MessageEventKind, MessageEventVerdict } from '@rapport/contracts/rapport/marketing/v1/message_event';
import { TouchpointKind } from '@rapport/contracts/rapport/marketing/v1/touchpoint';
import { inOpenTransaction, type StatementTransaction, type TimerHandler } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { recordType } from '../../engine/fields/record-type.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { changeRecord, readForChange } from '../../engine/write/write-record.js';
import { readCampaignLinks } from './campaign-links.js';
import { judgeVisits, type Judgement, type Visits } from './judge-visits.js';
import { recordMessageEvents } from './message-events.js';
import { recordTouchpoints } from './touchpoints.js';

/** Kind of the timers that end bursts of visits. */
export const visitsKind = 'tracking.visits';

/** Judges a burst of visits, and forgets them, in the transaction of the timer. */
export const settleVisits: TimerHandler = (em, { recordId }) =>
  Sealing.of(em).run(em, () => inOpenTransaction(em, (transaction) => settle(transaction, recordId)));

async function settle(transaction: StatementTransaction, recipientId: string): Promise<void> {
  const visits = await takeVisits(transaction, recipientId);
  const recipients = recordType<CampaignRecipient>('rapport/CampaignRecipient');
  const { record: recipient, ...known } = await readForChange(transaction, recipients, recipientId);
  if (!recipient) return;
  const { campaignId, customerId, handOverTime } = recipient;
  const judged = judgeVisits(visits, handOverTime === undefined ? undefined : Date.parse(handOverTime));
  const urls = await urlsOf(transaction, campaignId);
  recordMessageEvents(
    transaction,
    judged.map(({ number, verdict, timeMs }) => ({
      ...{ campaignId, recipientId, customerId, verdict, time: new Date(timeMs).toISOString() },
      kind: number === undefined ? MessageEventKind.OPENED : MessageEventKind.CLICKED,
      link: number === undefined ? undefined : urls.get(number),
    })),
  );
  const [click] = judged.filter(isHuman).toSorted((one, other) => one.timeMs - other.timeMs);
  if (!click) return;
  if (customerId !== undefined) {
    const time = new Date(click.timeMs).toISOString();
    recordTouchpoints(transaction, [{ customerId, campaignId, kind: TouchpointKind.CLICK, time }]);
  }
  if (recipient.isHumanClick) return;
  const change = { changes: { ...recipient, isHumanClick: true }, mask: ['isHumanClick'] };
  await changeRecord(transaction, recipients, recipient, known, change);
}

function isHuman({ number, verdict }: Judgement): boolean {
  return number !== undefined && verdict === MessageEventVerdict.HUMAN;
}

interface VisitRow {
  part: Visits['part'];
  number: number;
  is_program: boolean;
  link_count: number;
  first_ms: number;
  last_ms: number;
}

async function takeVisits(transaction: StatementTransaction, recipientId: string): Promise<Visits[]> {
  const rows = await transaction.rows<VisitRow>({
    name: 'take_visits',
    sql: `delete from campaign_visit where tenant_id = $1 and recipient_id = $2
      returning part, number, is_program, link_count, (extract(epoch from first_time) * 1000)::float8 as first_ms,
        (extract(epoch from last_time) * 1000)::float8 as last_ms`,
    values: [currentCaller().tenantId, recipientId],
  });
  return rows.map((row) => ({
    ...{ part: row.part, number: row.number, isProgram: row.is_program, linkCount: row.link_count },
    ...{ firstMs: row.first_ms, lastMs: row.last_ms },
  }));
}

async function urlsOf(transaction: StatementTransaction, campaignId: string): Promise<ReadonlyMap<number, string>> {
  const numbers = await readCampaignLinks(transaction, campaignId);
  return new Map([...numbers].map(([url, number]) => [number, url]));
}
