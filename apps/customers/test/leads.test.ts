import {
  Consent,
  ConsentState,
  ContactChannel,
  LegalBasis,
} from '@rapport/contracts/rapport/customers/v1/consents_service';
import { LeadStatus } from '@rapport/contracts/rapport/sales/v1/lead';
import {
  IntakeMatchReason,
  LeadIntake,
  type LeadQualification,
} from '@rapport/contracts/rapport/sales/v1/lead_work_service';
import { beforeEach, describe, expect, test } from 'vitest';
import { MergingTenant } from './merging-tenant.js';
import { customerOf, person, sharedCustomers } from './running-customers.js';
import { deal, lead, SalesTenant } from './sales-tenant.js';

const service = await sharedCustomers();
let tenant: SalesTenant;
let ada: string;

beforeEach(async () => {
  tenant = new SalesTenant(service);
  const emails = [{ address: 'ada@example.com', label: undefined }];
  const phones = [{ number: '+493012345678', label: undefined }];
  const name = { givenName: 'Ada', familyName: 'Lovelace', displayName: 'Ada Lovelace', birthDate: '1815-12-10' };
  ada = (await service.create(tenant.caller, person({ ...name, emails, phones }))).id;
});

describe('a lead', () => {
  test('is new, and shows when its status changed', async () => {
    const created = await tenant.createLead(ada, { source: ' web form ' });

    expect(created).toMatchObject({ status: LeadStatus.NEW, statusTime: created.createTime, source: 'web form' });
    const working = await tenant.updateLead(created.id, { status: LeadStatus.WORKING });
    expect(working).toMatchObject({ status: LeadStatus.WORKING, statusTime: working.updateTime });
  });

  test('needs a live customer', async () => {
    await expect(tenant.createLead(crypto.randomUUID())).rejects.toMatchObject({
      violations: [{ field: 'lead.customerId', reason: 'CUSTOMER_NOT_FOUND' }],
    });
  });

  test('is qualified by the method only, and disqualified for a reason only', async () => {
    const { id } = await tenant.createLead(ada);

    await expect(tenant.updateLead(id, { status: LeadStatus.QUALIFIED })).rejects.toMatchObject({
      violations: [{ field: 'lead.status', reason: 'QUALIFY_REQUIRED' }],
    });
    await expect(tenant.updateLead(id, { status: LeadStatus.UNQUALIFIED })).rejects.toMatchObject({
      violations: [{ field: 'lead.disqualifyReason', reason: 'REQUIRED' }],
    });
    const disqualified = await service.call(
      'disqualifyLead',
      { id, disqualification: { reason: 'no budget' } },
      tenant.caller,
    );
    expect(disqualified).toMatchObject({ status: LeadStatus.UNQUALIFIED, disqualifyReason: 'no budget' });
    const reopened = await service.call('reopenLead', { id }, tenant.caller);
    expect(reopened).toMatchObject({ status: LeadStatus.WORKING, disqualifyReason: undefined });
  });

  test('moves with its customer to the surviving one, and is erased with it', async () => {
    const { id } = await tenant.createLead(ada, { message: 'Call me' });
    const { id: twin } = await service.create(tenant.caller, person());

    await new MergingTenant(service, tenant.caller).merge(twin, ada);
    expect(await service.call('getLead', { id }, tenant.caller)).toMatchObject({ customerId: twin });
    await service.call('eraseCustomer', { id: twin, erasure: { reason: 'asked' } }, tenant.caller);
    await expect(service.call('getLead', { id }, tenant.caller)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('qualifying a lead', () => {
  const qualify = (id: string, qualification: Partial<LeadQualification>, requestId?: string) =>
    service.call(
      'qualifyLead',
      { id, qualification: { deal: undefined, dealId: undefined, ...qualification }, requestId },
      tenant.caller,
    );

  test('creates its deal with the data of the lead', async () => {
    const { id: pipelineId } = await tenant.createPipeline();
    const expectedAmount = { amount: '100.00', currencyCode: 'EUR' };
    const ownerId = crypto.randomUUID();
    const { id } = await tenant.createLead(ada, { company: 'Engines', expectedAmount, ownerId });

    const answer = await qualify(id, { deal: deal({ pipelineId, title: '', stage: '' }) });

    expect(answer).toMatchObject({
      created: true,
      lead: { id, status: LeadStatus.QUALIFIED, dealId: answer.deal?.id },
      deal: { title: 'Engines', customerId: ada, stage: 'new', amount: expectedAmount, ownerId },
    });
    expect(await qualify(id, { deal: deal({ pipelineId }) })).toEqual({ ...answer, created: false });
    await expect(tenant.updateLead(id, { status: LeadStatus.WORKING })).rejects.toMatchObject({
      violations: [{ field: 'lead.status', reason: 'REOPEN_REQUIRED' }],
    });
  });

  test('follows the guards of the pipeline', async () => {
    const { id: pipelineId } = await tenant.createPipeline();
    const { id } = await tenant.createLead(ada);

    await expect(qualify(id, { deal: deal({ pipelineId, stage: 'proposal' }) })).rejects.toMatchObject({
      violations: [{ field: 'qualification.deal.amount', reason: 'REQUIRED' }],
    });
    expect((await tenant.leads()).map(({ status }) => status)).toEqual([LeadStatus.NEW]);
    expect(await tenant.deals('')).toEqual([]);
  });

  test('asks for what it needs only: a deal, or its pipeline, but no stage', async () => {
    const { id } = await tenant.createLead(ada);
    const refusals = (violations: object[]) => ({ violations });

    const either = 'is required, unless dealId is set';
    await expect(qualify(id, {})).rejects.toMatchObject(
      refusals([{ field: 'qualification.deal', reason: 'REQUIRED', description: either }]),
    );
    await expect(qualify(id, { deal: deal({ pipelineId: '', title: '', stage: '' }) })).rejects.toMatchObject(
      refusals([{ field: 'qualification.deal.pipelineId', reason: 'REQUIRED' }]),
    );
  });

  test('joins a live deal', async () => {
    const { id: dealId } = await tenant.createDeal(await tenant.createPipeline());
    const { id } = await tenant.createLead(ada);

    await expect(qualify(id, { dealId: crypto.randomUUID() })).rejects.toMatchObject({
      violations: [{ field: 'qualification.dealId', reason: 'DEAL_NOT_FOUND' }],
    });
    expect(await qualify(id, { dealId })).toMatchObject({ created: false, lead: { dealId }, deal: { id: dealId } });
  });

  test('can be undone once the deal is deleted', async () => {
    const { id: dealId } = await tenant.createDeal(await tenant.createPipeline());
    const { id } = await tenant.createLead(ada);
    await qualify(id, { dealId });
    const reopen = () => service.call('reopenLead', { id }, tenant.caller);

    await expect(reopen()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'LEAD_QUALIFIED' });
    await service.call('deleteDeal', { id: dealId }, tenant.caller);
    expect(await reopen()).toMatchObject({ status: LeadStatus.WORKING, dealId: undefined });
  });

  test('makes one deal in parallel', async () => {
    const { id: pipelineId } = await tenant.createPipeline();
    const { id } = await tenant.createLead(ada);

    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => qualify(id, { deal: deal({ pipelineId }) }, `request ${index}`)),
    );

    expect(new Set(answers.map((answer) => answer.deal?.id)).size).toBe(1);
    expect(await tenant.deals('')).toHaveLength(1);
  });
});

describe('the intake of a lead', () => {
  const intake = (given: Partial<LeadIntake>, requestId?: string) =>
    service.call(
      'intakeLead',
      { intake: { ...LeadIntake.decode(new Uint8Array()), ...given }, requestId },
      tenant.caller,
    );
  const email = (address: string) => [{ address, label: undefined }];
  const countCustomers = async () =>
    (await service.call('listCustomers', { pageSize: 200 }, tenant.caller)).customers.length;

  test('finds the customer by a unique value, and does not change it', async () => {
    const before = await service.get(tenant.caller, ada);

    const { lead: made, match } = await intake({
      customer: customerOf(person({ displayName: 'A. L.', emails: email('ADA@example.com') })),
      lead: lead({ source: 'web form' }),
    });

    expect(match).toMatchObject({ reason: IntakeMatchReason.UNIQUE_VALUE, field: 'emails[0].address' });
    expect(made).toMatchObject({ customerId: ada, source: 'web form' });
    expect(await service.get(tenant.caller, ada)).toEqual(before);
  });

  test('finds a probable duplicate, and names the evidence', async () => {
    const phones = [{ number: '+493012345678', label: undefined }];
    const twin = {
      givenName: 'Ada',
      familyName: 'Lovelace',
      displayName: 'Ada Lovelace',
      birthDate: '1815-12-10',
      phones,
    };

    const { lead: made, match } = await intake({ customer: customerOf(person(twin)) });

    expect(made).toMatchObject({ customerId: ada });
    expect(match).toMatchObject({ reason: IntakeMatchReason.PROBABLE_DUPLICATE });
    expect(match?.score).toBeGreaterThan(90);
    expect(match?.evidence).toEqual(expect.arrayContaining(['phone', 'birthDate']));
  });

  test('creates the customer with its consent otherwise', async () => {
    const consent: Consent = {
      ...Consent.decode(new Uint8Array()),
      ...{ purpose: 'newsletter', channel: ContactChannel.EMAIL, state: ConsentState.GIVEN, source: 'form' },
      legalBasis: LegalBasis.CONSENT,
    };

    const answer = await intake({
      customer: customerOf(person({ emails: email('bob@example.com') })),
      consents: [consent],
    });

    const customerId = answer.lead?.customerId ?? '';
    expect(answer.match).toMatchObject({ reason: IntakeMatchReason.CREATED });
    expect(answer.consents).toMatchObject([{ customerId, purpose: 'newsletter' }]);
    expect((await service.call('listConsents', { customerId }, tenant.caller)).consents).toEqual(answer.consents);
  });

  test('writes all or nothing, and names the invalid field', async () => {
    const before = await countCustomers();
    const consent = { ...Consent.decode(new Uint8Array()), purpose: 'x', source: ' ' };

    await expect(
      intake({
        customer: customerOf(person({ emails: email('bob@example.com') })),
        consents: [
          { ...consent, channel: ContactChannel.EMAIL, state: ConsentState.GIVEN, legalBasis: LegalBasis.CONSENT },
        ],
      }),
    ).rejects.toMatchObject({ violations: [{ field: 'intake.consents[0].source', reason: 'REQUIRED' }] });
    expect(await countCustomers()).toBe(before);
    expect(await tenant.leads()).toEqual([]);
  });

  test('creates one customer in parallel, and one lead for a request id', async () => {
    const before = await countCustomers();
    const customer = customerOf(person({ emails: email('bob@example.com') }));

    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => intake({ customer }, `request ${index}`)),
    );

    expect(new Set(answers.map((answer) => answer.lead?.customerId)).size).toBe(1);
    expect(await countCustomers()).toBe(before + 1);
    expect(await intake({ customer }, 'request 0')).toEqual(answers[0]);
    expect(await tenant.leads()).toHaveLength(8);
  });

  test('needs the permissions to read and write customers', async () => {
    const caller = { ...tenant.caller, permissions: ['leads.write', 'customers.read'] };
    const request = { intake: { ...LeadIntake.decode(new Uint8Array()), customer: customerOf(person()) } };

    await expect(service.call('intakeLead', request, caller)).rejects.toMatchObject({
      ...{ code: 'PERMISSION_DENIED', reason: 'PERMISSION_MISSING', metadata: { permission: 'customers.write' } },
    });
  });
});
