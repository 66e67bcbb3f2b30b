import { ContactChannel } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { Suppression, SuppressionReason } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { SurveyKind, SurveyState } from '@rapport/contracts/rapport/support/v1/survey';
import type { SurveyResponse } from '@rapport/contracts/rapport/support/v1/survey_response';
import { TemplateFormat } from '@rapport/contracts/rapport/content/v1/template';
import { beforeEach, describe, expect, test } from 'vitest';
import { newTemplate } from './new-template.js';
import { MergingTenant } from './merging-tenant.js';
import { readPage } from './public-pages.js';
import { sharedMailCustomers } from './running-customers.js';
import { SurveyTenant } from './survey-tenant.js';

const service = await sharedMailCustomers();
let tenant: SurveyTenant;
beforeEach(async () => {
  tenant = await SurveyTenant.create(service);
});

/** The responses, once there are so many. */
async function asked(count: number): Promise<SurveyResponse[]> {
  await expect.poll(async () => (await tenant.responses()).length, { timeout: 60_000 }).toBe(count);
  return tenant.responses();
}

/** A requester whose address gets no mail. */
async function suppressedRequester(): Promise<string> {
  const id = await tenant.tickets.createRequester();
  const { emails } = await service.get(tenant.caller, id);
  const [reason, channel] = [SuppressionReason.MANUAL, ContactChannel.EMAIL];
  const suppression = { ...Suppression.decode(new Uint8Array()), channel, reason, address: emails[0]!.address };
  await service.call('createSuppression', { suppression }, tenant.caller);
  return id;
}

const show = (token: string, acceptLanguage?: string) => readPage(service, 'showSurveyPage', { token, acceptLanguage });
const answer = (token: string, text: string) => {
  const form = { contentType: 'application/x-www-form-urlencoded', data: Buffer.from(text), extensions: [] };
  return readPage(service, 'answerSurveyPage', { token, form });
};

describe('a survey', () => {
  test('asks the customer of a solved ticket once, and its answer is the satisfaction with the ticket', async () => {
    await tenant.createSurvey();
    const ticketId = await tenant.solveNew();
    const [response] = await asked(1);
    expect(response).toMatchObject({ ticketId, kind: SurveyKind.CSAT, score: undefined, answerTime: undefined });
    const token = await tenant.nextToken();

    const { text } = await show(token);
    expect(text).toContain('Are you satisfied?');
    expect(text.match(/type="radio"/g)).toHaveLength(5);
    expect((await show(token, 'zh')).text).toContain('提交');
    expect((await tenant.responses())[0]?.etag).toBe(response?.etag);
    const missing = await answer(token, 'score=6');
    expect([missing.headers.get(':status'), missing.text.includes('Choose a score.')]).toEqual(['422', true]);

    const thanks = await answer(token, 'score=4&comment=+Thank+you%21+');
    expect([thanks.text.includes('Thank you for'), thanks.headers.get('tenant')]).toEqual([true, tenant.mail.tenantId]);
    expect(await tenant.responses()).toMatchObject([
      { score: 4, comment: 'Thank you!', answerTime: expect.any(String) as string },
    ]);
    expect(await tenant.tickets.getTicket(ticketId)).toMatchObject({ satisfaction: 4 });
    await expect(answer(token, 'score=1')).rejects.toMatchObject({ reason: 'PAGE_NOT_FOUND' });
    await expect(show(token)).rejects.toMatchObject({ reason: 'PAGE_NOT_FOUND' });
  });

  test('writes its mail by a template', async () => {
    const body = '<p>{{ ticket.subject }} <a href="{{ survey.url }}">{{ survey.question }}</a></p>';
    const template = newTemplate({
      key: 'survey',
      subject: 'Ticket {{ ticket.number }}',
      body,
      format: TemplateFormat.HTML,
    });
    const { id: templateId } = await service.call('createTemplate', { template }, tenant.caller);
    await service.call('publishTemplate', { id: templateId }, tenant.caller);
    await tenant.createSurvey({ templateId });
    await tenant.solveNew();
    await asked(1);
    const [claimed] = await tenant.mail.claim(1);
    expect(claimed?.message).toMatchObject({ subject: 'Ticket 1', html: expect.stringContaining('/s/') as string });
    await expect(service.call('deleteTemplate', { id: templateId }, tenant.caller)).rejects.toMatchObject({
      reason: 'RECORD_IN_USE',
    });
  });

  test('does not ask about a ticket that is open again, nor while it is paused', async () => {
    const { id } = await tenant.createSurvey({ delaySeconds: 3_600 });
    const ticketId = await tenant.solveNew();
    const pending = async () =>
      (await service.call('listTimers', { record: `tickets/${ticketId}` }, tenant.caller)).timers.map(
        ({ state }) => state,
      );
    const [first] = await pending();
    await service.call('reopenTicket', { id: ticketId }, tenant.caller);
    expect(await pending()).not.toContain(first);
    const survey = { ...(await service.call('getSurvey', { id }, tenant.caller)), state: SurveyState.PAUSED };
    await service.call('updateSurvey', { id, survey, updateMask: ['state'] }, tenant.caller);
    await service.call('solveTicket', { id: ticketId }, tenant.caller);
    expect(await pending()).not.toContain(first);
    expect(await tenant.responses()).toEqual([]);
  });

  test('asks a customer no more often than it says, about tickets of its queues', async () => {
    await tenant.createSurvey({ queueIds: [crypto.randomUUID()], question: 'Other queue?' });
    await tenant.createSurvey({ perCustomerSeconds: 86_400, question: 'How likely?', kind: SurveyKind.NPS });
    const customerId = await tenant.tickets.createRequester();
    await tenant.solveNew(customerId);
    expect(await asked(1)).toMatchObject([{ question: 'How likely?', customerId }]);
    const silent = await tenant.solveNew(customerId);
    const other = await tenant.solveNew();
    const both = await asked(2);
    expect(both.map(({ ticketId }) => ticketId)).toContain(other);
    expect(both.map(({ ticketId }) => ticketId)).not.toContain(silent);
    const token = await tenant.nextToken();
    expect((await show(token)).text.match(/type="radio"/g)).toHaveLength(11);
    await answer(token, 'score=0');
    expect((await tenant.responses()).map(({ score }) => score).filter((score) => score !== undefined)).toEqual([0]);
  });

  test('does not ask a suppressed address, also in an imported workspace', async () => {
    // As the import of an archive of another workspace leaves it.
    await new MergingTenant(service, tenant.caller).execute(
      'insert into suppression_space (tenant_id, space) values (?, gen_random_uuid())',
      [tenant.caller.tenantId],
    );
    await tenant.createSurvey();
    await tenant.solveNew(await suppressedRequester());
    const other = await tenant.solveNew();
    expect((await asked(1)).map(({ ticketId }) => ticketId)).toEqual([other]);
  });

  test('hides what customers say from callers without access to personal data', async () => {
    await tenant.createSurvey();
    await tenant.solveNew();
    await asked(1);
    await answer(await tenant.nextToken(), 'score=1&comment=Never+again');
    const { surveyResponses } = await service.call('listSurveyResponses', {}, { ...tenant.caller, hidesPii: true });
    expect(surveyResponses).toMatchObject([{ score: 1, comment: '***' }]);
  });
});
