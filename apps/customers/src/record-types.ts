import { LoggedTypes, type NamedRecord } from './engine/changes/log/logged-types.js';
import type { StoredValues } from './engine/changes/log/stored-values.js';
import { loggedAssociations } from './domain/associations/association-message.js';
import { loggedConsents } from './domain/consents/consent-message.js';
import { loggedCustomFields } from './domain/custom-fields/custom-field-message.js';
import { customObjects } from './domain/custom-objects/custom-objects.js';
import { objectRecords } from './domain/custom-objects/object-records.js';
import { loggedCustomers } from './domain/customers/logged-customers.js';
import { exchangeRates } from './domain/exchange-rates/exchange-rates.js';
import { priceBooks, prices } from './domain/products/price-books.js';
import { products } from './domain/products/products.js';
import { deals } from './domain/deals/deals.js';
import { assignmentRules } from './domain/assignment/assignment-rules.js';
import { assignments } from './domain/assignment/assignments.js';
import { calendars } from './domain/calendars/calendars.js';
import { leads } from './domain/leads/leads.js';
import { loggedFiles } from './domain/files/file-message.js';
import { stageEntries } from './domain/deals/stage-entries.js';
import { forecastSubmissions } from './domain/forecasts/submissions.js';
import { quotas } from './domain/forecasts/quotas.js';
import { quotes } from './domain/quotes/quotes.js';
import { pipelines } from './domain/pipelines/pipelines.js';
import { tasks } from './domain/work/tasks.js';
import { notes } from './domain/work/notes.js';
import { calls } from './domain/work/calls.js';
import { meetings } from './domain/work/meetings.js';
import { messages } from './domain/messages/messages.js';
import { emails } from './domain/work/emails.js';
import { ticketEntries } from './domain/tickets/ticket-entries.js';
import { ticketStatuses } from './domain/tickets/ticket-statuses.js';
import { tickets } from './domain/tickets/tickets.js';
import { macros } from './domain/macros/macros.js';
import { queues } from './domain/queues/queues.js';
import { slaPolicies } from './domain/sla/sla-policies.js';
import { slaTimers } from './domain/sla/sla-timers.js';
import { loggedRecord } from './engine/changes/log/logged-record.js';
import { loggedMerges } from './engine/merge/merge-message.js';
import { loggedSettings } from './domain/settings/settings-message.js';
import { surveyResponses } from './domain/surveys/survey-responses.js';
import { surveys } from './domain/surveys/surveys.js';
import { topics } from './domain/topics/topics.js';
import { campaignRecipients } from './domain/campaigns/campaign-recipients.js';
import { campaigns } from './domain/campaigns/campaigns.js';
import { formSubmissions } from './domain/forms/form-submissions.js';
import { forms } from './domain/forms/forms.js';
import { segmentMembers } from './domain/segments/segment-members.js';
import { segments } from './domain/segments/segments.js';
import { articles } from './domain/articles/articles.js';
import { articleSections } from './domain/articles/article-sections.js';
import { templates } from './domain/templates/templates.js';
import { messageEvents } from './domain/tracking/message-events.js';
import { touchpoints } from './domain/tracking/touchpoints.js';
import { loggedSuppressions } from './domain/suppressions/suppression-message.js';

/** The record whose readers see a message: its ticket, or else its customer. */
function partyOfMessage({ ticket_id: ticketId, customer_id: customerId }: StoredValues): readonly NamedRecord[] {
  if (ticketId) return [{ type: 'ticket', id: ticketId as string }];
  return customerId ? [{ type: 'customer', id: customerId as string }] : [];
}

/** The record types of this process, in the change log. */
export const loggedTypes = new LoggedTypes([
  loggedCustomers,
  loggedAssociations,
  loggedCustomFields,
  loggedMerges,
  loggedConsents,
  loggedSuppressions,
  loggedSettings,
  loggedRecord(pipelines),
  loggedRecord(deals, { empty: { title: '' } }),
  { ...loggedRecord(stageEntries), scope: { by: 'RECORD', of: { deal_id: 'deal' } } },
  loggedRecord(quotes, { empty: { title: '' } }),
  loggedRecord(customObjects),
  loggedRecord(objectRecords, { empty: { name: '' } }),
  loggedFiles,
  loggedRecord(leads),
  loggedRecord(calendars),
  loggedRecord(assignmentRules),
  // Readers with a narrow scope see none, as in the contract.
  { ...loggedRecord(assignments), scope: { by: 'RECORD', of: {} } },
  loggedRecord(quotas),
  loggedRecord(tasks, { empty: { subject: '' } }),
  loggedRecord(calls, { empty: { subject: '' } }),
  loggedRecord(meetings, { empty: { subject: '' } }),
  loggedRecord(emails, { empty: { subject: '' } }),
  loggedRecord(notes, { empty: { title: '', body: '' } }),
  loggedRecord(forecastSubmissions),
  loggedRecord(exchangeRates),
  loggedRecord(products),
  loggedRecord(priceBooks),
  loggedRecord(prices),
  loggedRecord(ticketStatuses),
  loggedRecord(tickets, { empty: { subject: '' } }),
  {
    ...loggedRecord(ticketEntries, { empty: { subject: '', text: '' } }),
    scope: { by: 'RECORD', of: { ticket_id: 'ticket' } },
  },
  loggedRecord(queues),
  loggedRecord(macros),
  { ...loggedRecord(messages, { empty: { subject: '' } }), scope: { by: 'RECORD', of: partyOfMessage } },
  loggedRecord(templates),
  loggedRecord(slaPolicies),
  { ...loggedRecord(slaTimers), scope: { by: 'RECORD', of: { ticket_id: 'ticket' } } },
  loggedRecord(articles),
  loggedRecord(articleSections),
  loggedRecord(surveys),
  { ...loggedRecord(surveyResponses), scope: { by: 'RECORD', of: { ticket_id: 'ticket' } } },
  loggedRecord(topics),
  loggedRecord(campaigns),
  { ...loggedRecord(campaignRecipients), scope: { by: 'RECORD', of: { customer_id: 'customer' } } },
  { ...loggedRecord(messageEvents), scope: { by: 'RECORD', of: { customer_id: 'customer' } } },
  { ...loggedRecord(touchpoints), scope: { by: 'RECORD', of: { customer_id: 'customer' } } },
  loggedRecord(forms),
  { ...loggedRecord(formSubmissions), scope: { by: 'RECORD', of: { customer_id: 'customer' } } },
  loggedRecord(segments),
  { ...loggedRecord(segmentMembers), scope: { by: 'RECORD', of: { customer_id: 'customer' } } },
]);
