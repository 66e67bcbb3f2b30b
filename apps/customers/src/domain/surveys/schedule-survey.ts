import { SurveyState, type Survey } from '@rapport/contracts/rapport/support/v1/survey';
import { TicketCategory, type Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { cancelStatement, queryRows, timerStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { onTicketChange, type TicketListener } from '../tickets/ticket-listeners.js';
import { surveys } from './surveys.js';

/** Kind of the timers. A solved ticket has one, until its customer is asked. */
export const surveyKind = 'survey.send';

/** Sets the timer of a ticket that is solved, and cancels that of one that is open again. */
const scheduleSurvey: TicketListener = async (source, { before, after, time }) => {
  const [was, is] = [before !== undefined && isOver(before), isOver(after)];
  if (was === is) return { fields: {}, statements: [] };
  const target = { tenantId: currentCaller().tenantId, recordType: 'ticket', recordId: after.id, purpose: 'survey' };
  if (!is) return { fields: {}, statements: [cancelStatement(target)] };
  const survey = await surveyOf(source, after);
  if (!survey) return { fields: {}, statements: [] };
  const dueTime = new Date(Date.parse(time) + survey.delaySeconds * 1_000);
  const timer = timerStatement({ ...target, kind: surveyKind, dueTime, payload: { surveyId: survey.id } });
  return { fields: {}, statements: [timer] };
};

onTicketChange(scheduleSurvey);

/** Whether a customer can be asked about the work on a ticket. */
export function isOver({ category, isSpam, deleteTime, mergedIntoId }: Ticket): boolean {
  const isSolved = category === TicketCategory.SOLVED || category === TicketCategory.CLOSED;
  return isSolved && isSpam !== true && deleteTime === undefined && mergedIntoId === undefined;
}

/** The survey that asks about a ticket. */
async function surveyOf(source: Parameters<TicketListener>[0], { queueId }: Ticket): Promise<Survey | undefined> {
  const [row] = await queryRows<{ id: string }>(source, {
    name: 'survey_of_ticket',
    sql: `select id from survey where tenant_id = $1 and delete_time is null and state = '${SurveyState[SurveyState.ACTIVE]}'
        and (queue_ids = '{}' or $2::text = any (queue_ids)) order by create_time, id limit 1`,
    values: [currentCaller().tenantId, queueId ?? null],
  });
  if (!row) return undefined;
  const [survey] = await openStored(
    surveys,
    await queryRows<StoredRecord<Survey>>(source, liveRecords(surveys, [row.id])),
  );
  return survey;
}
