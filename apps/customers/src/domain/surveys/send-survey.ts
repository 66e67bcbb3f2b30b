import { AutomaticKind } from '@rapport/contracts/rapport/content/v1/message';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { SurveyState, type Survey } from '@rapport/contracts/rapport/support/v1/survey';
import type { SurveyResponse } from '@rapport/contracts/rapport/support/v1/survey_response';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { formatEtag, inOpenTransaction, type StatementTransaction, type TimerHandler } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { recordType, type RecordType } from '../../engine/fields/record-type.js';
import type { RecordMessage } from '../../engine/fields/record-definition.js';
import { recordValue } from '../../engine/query/record-json.js';
import { effectsOf } from '../../engine/records/effects.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { insertRecords, liveRecords } from '../../engine/records/record-statements.js';
import { LinkedRecords } from '../../engine/records/references.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { newLink } from '../links/public-links.js';
import { readMailAddresses, type MailAddress } from '../messages/mail-addresses.js';
import { queueMessage } from '../messages/queue-message.js';
import { suppressedAmong } from '../messages/send-message.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { renderTemplate } from '../templates/render-template.js';
import { tickets } from '../tickets/tickets.js';
import { isOver } from './schedule-survey.js';
import { surveyResponses } from './survey-responses.js';
import { surveys } from './surveys.js';

/** What sending needs of the process. */
export interface SurveySending {
  suppressionKey: SuppressionKey;
  /** Where customers reach the pages. */
  publicUrl: string;
}

/** Asks the customer of a solved ticket, in the transaction of the timer. */
export function surveySender(sending: SurveySending): TimerHandler {
  return (em, { recordId, payload }) =>
    Sealing.of(em).run(em, () =>
      inOpenTransaction(em, (transaction) =>
        sendSurvey(transaction, sending, { ticketId: recordId, surveyId: payload['surveyId'] as string }),
      ),
    );
}

async function sendSurvey(
  transaction: StatementTransaction,
  { suppressionKey, publicUrl }: SurveySending,
  { ticketId, surveyId }: { ticketId: string; surveyId: string },
): Promise<void> {
  const ticket = await found(transaction, tickets, ticketId);
  const survey = await found(transaction, surveys, surveyId);
  if (!ticket || !isOver(ticket) || survey?.state !== SurveyState.ACTIVE) return;
  const customer = await found(transaction, recordType<Customer>('rapport/Customer'), ticket.customerId);
  const address = customer?.emails[0]?.address;
  if (!customer || address === undefined) return;
  const key = await suppressionKey.of(transaction);
  if ((await suppressedAmong(transaction, key, [address])).size > 0) return;
  if (await wasAsked(transaction, survey, customer.id)) return;
  const chosen = await senderFor(transaction, ticket);
  if (!chosen) return;
  const response = responseFor(survey, ticket);
  const link = newLink('SURVEY', response.id);
  await currentSeal()?.prepare([surveyResponses.subjectOf(response)]);
  transaction.later(
    link.store,
    insertRecords(surveyResponses, [response], new CustomFields([])),
    ...effectsOf(surveyResponses, [new LinkedRecords().change(surveyResponses, undefined, response)]),
  );
  const url = `${publicUrl}/s/${link.token}`;
  const mail = await mailOf(transaction, survey, {
    survey: { ...recordValue(surveys, survey), url },
    ticket: recordValue(tickets, ticket),
    customer: recordValue(recordType<Customer>('rapport/Customer'), customer),
  });
  await queueMessage(transaction, {
    ...{ mailboxId: chosen.mailboxId, to: [address], customerId: customer.id },
    ...{ subject: mail.subject ?? survey.question, text: mail.text, html: mail.html },
    automatic: AutomaticKind.GENERATED,
  });
}

/** The mailbox of the ticket, or else one that can send. */
async function senderFor(transaction: StatementTransaction, ticket: Ticket): Promise<MailAddress | undefined> {
  const mailboxes = (await readMailAddresses(transaction)).filter(({ canSend }) => canSend);
  const mailbox = mailboxes.find(({ mailboxId }) => mailboxId === ticket.mailboxId);
  return mailbox ?? mailboxes.find(({ isDefault }) => isDefault) ?? mailboxes[0];
}

async function found<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  id: string,
): Promise<Message | undefined> {
  const [record] = await openStored(type, await transaction.rows<StoredRecord<Message>>(liveRecords(type, [id])));
  return record;
}

/**
 * Whether the customer was asked too short a time ago. Others that ask the customer wait for the end of the transaction: also a
 * survey without such a time, after which another one may not ask.
 */
async function wasAsked(
  transaction: StatementTransaction,
  { perCustomerSeconds }: Survey,
  customerId: string,
): Promise<boolean> {
  const { tenantId } = currentCaller();
  const since = new Date(Date.now() - perCustomerSeconds * 1_000).toISOString();
  const [, asked = []] = await transaction.run(
    {
      name: 'lock_surveys_of_customer',
      sql: `select pg_advisory_xact_lock(hashtextextended('survey ' || $1 || $2, 0))`,
      values: [tenantId, customerId],
    },
    {
      name: 'survey_of_customer_since',
      sql: `select id from survey_response where tenant_id = $1 and customer_id = $2 and create_time > $3 limit 1`,
      values: [tenantId, customerId, since],
    },
  );
  return perCustomerSeconds > 0 && asked.length > 0;
}

function responseFor({ id: surveyId, kind, question }: Survey, ticket: Ticket): SurveyResponse {
  const { principalId } = currentCaller();
  const createTime = new Date().toISOString();
  return {
    ...{ id: uuidv7(), surveyId, ticketId: ticket.id, customerId: ticket.customerId, agentId: ticket.ownerId },
    ...{ kind, question, score: undefined, comment: undefined, answerTime: undefined, etag: formatEtag(1) },
    ...{ createTime, updateTime: createTime, deleteTime: undefined, createdBy: principalId, updatedBy: principalId },
  };
}

/** The mail of the template, or a plain one without a template that can be rendered: the customer is asked all the same. */
async function mailOf(
  transaction: StatementTransaction,
  { templateId, question }: Survey,
  values: { survey: { url: string } } & Record<string, object>,
): Promise<{ subject?: string | undefined; text: string; html?: string | undefined }> {
  const plain = { text: `${question}\n\n${values.survey.url}\n` };
  if (templateId === undefined) return plain;
  try {
    return await renderTemplate(transaction, templateId, values);
  } catch (error) {
    if (error instanceof AppError && error.code !== 'UNAVAILABLE') return plain;
    throw error;
  }
}
