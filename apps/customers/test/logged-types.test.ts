import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { JsonCodec } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { Association } from '@rapport/contracts/rapport/customers/v1/associations_service';
import {
  Consent,
  ConsentState,
  ContactChannel,
  LegalBasis,
} from '@rapport/contracts/rapport/customers/v1/consents_service';
import { ExportFormat } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { LifecycleStage } from '@rapport/contracts/rapport/customers/v1/customer';
import { Suppression, SuppressionReason } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { v7 } from 'uuid';
import { ForecastSubmission } from '@rapport/contracts/rapport/sales/v1/forecast_submission';
import { Campaign } from '@rapport/contracts/rapport/marketing/v1/campaign';
import { SegmentKind } from '@rapport/contracts/rapport/marketing/v1/segment';
import { OpenTickets } from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import { SlaMetric, SlaPolicy, SlaTarget } from '@rapport/contracts/rapport/support/v1/sla_policy';
import { TicketCategory } from '@rapport/contracts/rapport/support/v1/ticket';
import { Settings } from '@rapport/contracts/rapport/work/v1/settings_service';
import { expect, test, vi } from 'vitest';
import { recordTypes, type RecordType } from '../src/engine/fields/record-type.js';
import { contract } from '../src/engine/values/contract.js';
import { loggedTypes } from '../src/record-types.js';
import { changesOf } from './change-feeds.js';
import { defineField, options } from './custom-field-requests.js';
import { FilesTenant } from './files-tenant.js';
import { addMailbox, outgoingMessage } from './mail-tenant.js';
import { MergingTenant } from './merging-tenant.js';
import { newCalendar } from './new-calendar.js';
import { newArticle, newSection } from './new-article.js';
import { FormTenant } from './form-tenant.js';
import { SegmentTenant } from './segment-tenant.js';
import { newSurvey } from './survey-tenant.js';
import { newTopic } from './topic-tenant.js';
import { newTemplate } from './new-template.js';
import { ObjectTenant } from './object-tenant.js';
import { PricedTenant } from './priced-tenant.js';
import { person, sharedCustomers } from './running-customers.js';
import { QuotesTenant } from './quotes-tenant.js';
import { SupportTenant } from './support-tenant.js';
import { SalesTenant } from './sales-tenant.js';
import { TicketTenant } from './ticket-tenant.js';
import { ref, WorkTenant } from './work-tenant.js';

const customers = await sharedCustomers();

test('the log has each new record of each type in its response form', async () => {
  const tenant = new MergingTenant(customers);
  const { caller } = tenant;
  const field = await defineField(customers, caller, 'plan', Type.SELECT, options('gold', 'silver'));
  const ada = await tenant.create(
    person({
      ...{ givenName: 'Ada', birthDate: '1815-12-10', tags: ['vip'], lifecycleStage: LifecycleStage.LEAD },
      ...{ emails: [{ address: 'ada@example.com', label: 'work' }], ownerId: v7(), customFields: { plan: 'gold' } },
    }),
  );
  const bob = await tenant.create(person({ displayName: 'Bob' }));
  const association = {
    ...Association.decode(new Uint8Array()),
    ...{ fromCustomerId: ada.id, type: 'knows', toCustomerId: bob.id, role: 'friend', labels: ['old'] },
  };
  const linked = await customers.call('createAssociation', { association }, caller);
  const consent = {
    ...Consent.decode(new Uint8Array()),
    ...{ purpose: 'newsletter', channel: ContactChannel.EMAIL, state: ConsentState.GIVEN, source: 'form' },
    ...{ legalBasis: LegalBasis.CONSENT, evidence: 'Yes.' },
  };
  const given = await customers.call('createConsent', { customerId: ada.id, consent }, caller);
  const suppression = {
    ...Suppression.decode(new Uint8Array()),
    ...{ channel: ContactChannel.EMAIL, address: 'x@example.com', reason: SuppressionReason.BOUNCE, purpose: 'news' },
  };
  const suppressed = await customers.call('createSuppression', { suppression }, caller);
  const { record: merge } = await tenant.merge(ada.id, (await tenant.create(person())).id);
  const sales = new SalesTenant(customers, caller);
  const pipeline = await sales.createPipeline();
  const deal = await sales.createDeal(pipeline, {
    amount: { amount: '12.50', currencyCode: 'EUR' },
    closeDate: '2026-12-31',
  });
  const [entry] = await sales.entriesOf(deal);
  const rule = await sales.createRule([crypto.randomUUID()]);
  const lead = await sales.createLead(ada.id, { expectedAmount: { amount: '12.50', currencyCode: 'EUR' } });
  const [assignment] = await sales.assignments();
  const quote = await new QuotesTenant(customers, caller).createQuote(deal);
  const settings = await customers.call(
    'updateSettings',
    {
      settings: { ...Settings.decode(new Uint8Array()), fiscalYearStartMonth: 4 },
      updateMask: ['fiscalYearStartMonth'],
    },
    caller,
  );
  const goods = new PricedTenant(customers, caller);
  const product = await goods.createProduct();
  const book = await goods.createBook('list');
  const price = await goods.setPrice(book, product, '10');
  const rate = await goods.setRate('EUR/USD', '1.1');
  const objects = new ObjectTenant(customers, caller);
  const object = await objects.createObject('car');
  const record = await objects.create('car');
  const files = await FilesTenant.create(customers, caller);
  const file = await files.addFile(`customers/${bob.id}`, 'x');
  await files.close();
  const quota = await sales.createQuota({ ownerId: v7() });
  const work = new WorkTenant(customers, caller);
  const related = [ref('customer', bob)];
  const task = await work.createTask({
    related,
    dueDate: '2026-12-31',
    reminders: [{ beforeSeconds: 60, time: undefined }],
  });
  const note = await work.createNote({ related });
  const call = await work.createCall({ related, number: '+4930123456' });
  const meeting = await work.createMeeting({
    allDay: true,
    startDate: '2026-12-31',
    attendees: [{ email: 'ada@example.com', name: 'Ada', optional: true, response: 2 }],
  });
  const email = await work.createEmail({ toAddresses: ['ada@example.com'], messageId: '1@example.com' });
  const calendar = await customers.call('createCalendar', { calendar: newCalendar() }, caller);
  const survey = await customers.call('createSurvey', { survey: newSurvey() }, caller);
  const grouped = new SegmentTenant(customers, caller);
  const segment = await grouped.createSegment({ filter: 'displayName = nobody' });
  await grouped.expectLive(segment.id);
  const fixed = await grouped.createSegment({ kind: SegmentKind.STATIC });
  const joining = { id: fixed.id, members: { customerIds: [ada.id] } };
  await customers.call('addSegmentMembers', joining, caller);
  const [member] = await grouped.membershipsOf(fixed.id);
  const topic = await customers.call('createTopic', { topic: newTopic() }, caller);
  const section = await customers.call('createArticleSection', { articleSection: newSection() }, caller);
  const article = await customers.call('createArticle', { article: newArticle() }, caller);
  const template = await customers.call('createTemplate', { template: newTemplate() }, caller);
  const forecastSubmission = {
    ...ForecastSubmission.decode(new Uint8Array()),
    ...{ period: '2026-Q3', amount: { amount: '9', currencyCode: 'EUR' }, note: 'Two renewals slip.' },
  };
  const submission = await customers.call('createForecastSubmission', { forecastSubmission }, caller);
  const support = new SupportTenant(customers, caller);
  const queue = await support.createQueue('billing');
  const mailboxId = await addMailbox(customers, caller.tenantId);
  const message = await customers.call('sendMessage', { outgoing: outgoingMessage({ to: ['z@example.com'] }) }, caller);
  const macro = await support.createMacro();
  const desk = new TicketTenant(customers, caller);
  const status = await desk.createStatus({ key: 'parts', category: TicketCategory.ON_HOLD });
  const promise = {
    ...SlaPolicy.decode(new Uint8Array()),
    ...{ key: 'all', name: 'All', calendarId: calendar.id },
    targets: [{ ...SlaTarget.decode(new Uint8Array()), metric: SlaMetric.RESOLUTION, withinSeconds: 3_600 }],
  };
  const policy = await customers.call('createSlaPolicy', { slaPolicy: promise }, caller);
  const activation = { openTickets: OpenTickets.KEEP };
  await customers.call('activateSlaPolicy', { id: policy.id, activation }, caller);
  const ticket = await desk.createTicket(bob.id, { ccAddresses: ['ada@example.com'] });
  const { entry: internalNote } = await desk.note(ticket.id, 'Ask for the plan.');
  const { slaTimers } = await customers.call('listSlaTimers', { filter: `ticketId = "${ticket.id}"` }, caller);
  const solved = await desk.createTicket(ada.id);
  await customers.call('solveTicket', { id: solved.id }, caller);
  const response = await vi.waitUntil(
    async () => (await customers.call('listSurveyResponses', {}, caller)).surveyResponses[0],
    { timeout: 30_000 },
  );
  const visited = new FormTenant(customers, caller);
  const form = await visited.createForm();
  await visited.visit(form, { email: 'ada@example.com' });
  const [sentForm] = await visited.submissions();
  const { touchpoints } = await customers.call('listTouchpoints', {}, caller);
  const event = await addEvent(caller.tenantId, ada.id);
  const messageEvent = await customers.call('getMessageEvent', { id: event }, caller);
  await customers.call('publishTemplate', { id: template.id }, caller);
  const mailing = {
    ...Campaign.decode(new Uint8Array()),
    ...{ name: 'Spring', topicKey: topic.key, mailboxId, includeSegmentIds: [fixed.id] },
    variants: [{ key: 'a', templateId: template.id, subject: 'News', weight: undefined }],
  };
  const campaign = await customers.call('createCampaign', { campaign: mailing }, caller);
  await customers.call('startCampaign', { id: campaign.id }, caller);
  const recipient = await vi.waitUntil(
    async () => (await customers.call('listCampaignRecipients', {}, caller)).campaignRecipients[0],
    { timeout: 30_000 },
  );
  const answers: [type: string, id: string, answer: object][] = [
    ['settings', caller.tenantId, settings],
    ['pipeline', pipeline.id, pipeline],
    ['deal', deal.id, deal],
    ['quote', quote.id, quote],
    ['stage_entry', entry!.id, entry!],
    ['lead', lead.id, lead],
    ['assignment_rule', rule.id, rule],
    ['assignment', assignment!.id, assignment!],
    ['custom_object', object.id, object],
    ['object_record', record.id, record],
    ['custom_field', field.key, field],
    ['customer', ada.id, ada],
    ['customer', bob.id, bob],
    ['association', linked.id, linked],
    ['consent', given.id, given],
    ['suppression', suppressed.id, suppressed],
    ['merge', merge.id, merge],
    ['file', file.id, file],
    ['quota', quota.id, quota],
    ['task', task.id, task],
    ['note', note.id, note],
    ['call', call.id, call],
    ['meeting', meeting.id, meeting],
    ['email', email.id, email],
    ['calendar', calendar.id, calendar],
    ['forecast_submission', submission.id, submission],
    ['product', product.id, product],
    ['price_book', book.id, book],
    ['price', price.id, price],
    ['exchange_rate', rate.id, rate],
    ['message', message.id, message],
    ['queue', queue.id, queue],
    ['macro', macro.id, macro],
    ['template', template.id, template],
    ['survey', survey.id, survey],
    ['survey_response', response.id, response],
    ['topic', topic.id, topic],
    ['segment', segment.id, segment],
    ['segment_member', member!.id, member!],
    ['campaign', campaign.id, campaign],
    ['campaign_recipient', recipient.id, recipient],
    ['form', form.id, form],
    ['form_submission', sentForm!.id, sentForm!],
    ['touchpoint', touchpoints[0]!.id, touchpoints[0]!],
    ['message_event', messageEvent.id, messageEvent],
    ['article', article.id, article],
    ['article_section', section.id, section],
    ['ticket_status', status.id, status],
    ['ticket', ticket.id, ticket],
    ['sla_policy', policy.id, policy],
    ['sla_timer', slaTimers[0]!.id, slaTimers[0]!],
    ['ticket_entry', internalNote!.id, internalNote!],
  ];

  const created = async () => {
    const changes = await changesOf(customers, caller, answers.length);
    return changes.filter(({ operation }) => operation === ChangeOperation.CREATE);
  };
  const isLogged = ([, id]: (typeof answers)[number], changes: Change[]) =>
    changes.some(({ recordId }) => recordId === id);
  const changes = await vi.waitUntil(
    async () => {
      const all = await created();
      return answers.every((answer) => isLogged(answer, all)) && all;
    },
    { timeout: 30_000 },
  );

  for (const [type, id, answer] of answers) {
    const logged = changes.find(({ recordId }) => recordId === id);
    const codec = JsonCodec.of(loggedTypes.get(type).descriptor, new Map());
    const shown = JSON.stringify(codec.toJson(answer as Record<string, unknown>));
    expect(logged?.after, type).toEqual(JSON.parse(shown));
  }
  expect(new Set(answers.map(([type]) => type))).toEqual(new Set(loggedTypes.names));

  // Their lists have items of all kinds, such as the windows of calendars, which have no text form.
  for (const type of recordTypes()) {
    const path = exportPath(type);
    if (path === undefined || type.contract.parent !== undefined) continue;
    const rows = (await exportedCsv(path, caller)).trimEnd().split('\r\n');
    expect(rows.length, type.singular).toBeGreaterThan(1);
  }
});

function exportPath({ plural }: RecordType): string | undefined {
  return contract.methods.find(({ name }) => name.toLowerCase() === `export${plural}`.toLowerCase())?.path;
}

async function exportedCsv(path: string, caller: Caller): Promise<string> {
  const options = { context: customers.outgoing(caller), deadlineMs: 20_000 };
  let text = '';
  for await (const piece of customers.streams.stream(path, { format: ExportFormat.CSV, columns: [] }, options)) {
    text += Buffer.from((piece as HttpBody).data).toString();
  }
  return text;
}

/** Adds an event, which otherwise only mail that was sent has. @returns its id */
async function addEvent(tenantId: string, customerId: string): Promise<string> {
  const [superuser, id] = [await customers.connectAsSuperuser(), v7()];
  await superuser.query(
    `insert into message_event (tenant_id, id, customer_id, kind, verdict, link, time, version, create_time, update_time, created_by,
       updated_by)
     values ($1, $2, $3, 'CLICKED', 'HUMAN', 'https://example.com/', now(), 1, now(), now(), 'test', 'test')`,
    [tenantId, id, customerId],
  );
  await superuser.end();
  return id;
}
