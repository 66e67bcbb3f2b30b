import {
  Consent,
  ConsentState,
  ContactChannel,
  LegalBasis,
} from '@rapport/contracts/rapport/customers/v1/consents_service';
import { SuppressionReason } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import type { Caller } from '@rapport/platform';
import pg from 'pg';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { changesOf } from './change-feeds.js';
import { newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let caller: Caller;
let ada: string;

const { GIVEN, WITHDRAWN } = ConsentState;
const { EMAIL, PHONE, SMS, POST } = ContactChannel;
const address = 'Ada@example.com';
const number = '+493012345678';

beforeEach(async () => {
  caller = newCaller();
  ada = (await customers.create(caller, person({ emails: [{ address, label: undefined }], phones: [{ number }] }))).id;
});

function say(changes: Partial<Consent> = {}, customerId = ada, requestId?: string): Promise<Consent> {
  const consent = {
    ...Consent.decode(new Uint8Array()),
    ...{ purpose: 'newsletter', channel: EMAIL, state: GIVEN, legalBasis: LegalBasis.CONSENT, source: 'web form' },
    ...changes,
  };
  return customers.call('createConsent', { customerId, consent, requestId }, caller);
}

async function list(request: object = {}, customerId = ada): Promise<Consent[]> {
  const { consents } = await customers.call('listConsents', { customerId, ...request }, caller);
  return consents;
}

/** Why the address is suppressed for a purpose; undefined when it is not. */
async function suppressed(channel: ContactChannel, checked: string, purpose?: string, by = caller) {
  const check = { channel, addresses: [checked], purpose };
  const { verdicts } = await customers.call('checkSuppressions', { check }, by);
  return verdicts[0]?.suppressed ? verdicts[0].reasons : undefined;
}

test('is recorded with purpose, channel, legal basis, source, time and evidence', async () => {
  const time = '2026-01-31T09:30:00.000Z';
  const said = await say({ time, source: ' web form ', evidence: ' Yes. ' });

  expect(said).toEqual({
    ...{ id: said.id, customerId: ada, purpose: 'newsletter', channel: EMAIL, state: GIVEN },
    ...{ legalBasis: LegalBasis.CONSENT, source: 'web form', time, evidence: 'Yes.' },
    ...{ createTime: said.createTime, createdBy: caller.principalId },
  });
  expect(await customers.call('getConsent', { id: said.id }, caller)).toEqual(said);
  expect(await list()).toEqual([said]);
});

test('retains every record, and marks the effective one: the newest by time', async () => {
  const first = await say({ time: '2026-01-01T00:00:00.000Z' });
  const second = await say({ time: '2026-03-01T00:00:00.000Z', state: WITHDRAWN });
  const late = await say({ time: '2026-02-01T00:00:00.000Z' });
  const other = await say({ purpose: 'surveys', channel: POST, time: '2025-01-01T00:00:00.000Z' });

  expect(await list()).toEqual([second, late, first, other]);
  expect(await list({ currentOnly: true })).toEqual([second, other]);
  expect(await list({ channel: POST })).toEqual([other]);
  expect(await list({ purpose: 'newsletter', currentOnly: true })).toEqual([second]);
  expect(await suppressed(EMAIL, address, 'newsletter')).toEqual([SuppressionReason.CONSENT_WITHDRAWN]);
});

test('pages through the history, each record once', async () => {
  const times = ['2026-01-01', '2026-01-01', '2026-01-02', '2026-01-03', '2026-01-03'];
  for (const day of times) await say({ time: `${day}T00:00:00.000Z` });
  const seen: string[] = [];
  let pageToken: string | undefined;
  do {
    const page = await customers.call('listConsents', { customerId: ada, pageSize: 2, pageToken }, caller);
    seen.push(...page.consents.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken);

  expect(seen).toEqual((await list()).map(({ id }) => id));
  expect(new Set(seen).size).toBe(times.length);
  const { nextPageToken } = await customers.call('listConsents', { customerId: ada, pageSize: 1 }, caller);
  await expect(list({ pageToken: nextPageToken, currentOnly: true })).rejects.toMatchObject({
    violations: [{ field: 'pageToken' }],
  });
});

test('a withdrawal suppresses the addresses of its channel for its purpose, and new consent lifts that again', async () => {
  await say({ state: WITHDRAWN });

  expect(await suppressed(EMAIL, ' aDA@example.com', 'newsletter')).toEqual([SuppressionReason.CONSENT_WITHDRAWN]);
  expect(await suppressed(EMAIL, address, 'surveys')).toBeUndefined();
  expect(await suppressed(EMAIL, address)).toBeDefined();
  expect(await suppressed(SMS, number, 'newsletter')).toBeUndefined();
  expect(await suppressed(EMAIL, address, 'newsletter', newCaller())).toBeUndefined();

  await say({ state: WITHDRAWN, channel: SMS });
  expect(await suppressed(SMS, '+49 30 12345678', 'newsletter')).toBeDefined();
  expect(await suppressed(PHONE, number, 'newsletter')).toBeUndefined();

  await say({ state: GIVEN });
  expect(await suppressed(EMAIL, address, 'newsletter')).toBeUndefined();
  expect(await suppressed(SMS, number, 'newsletter')).toBeDefined();
});

test('consent of one customer does not lift the suppression of another one with the same number', async () => {
  const twin = await customers.create(caller, person({ phones: [{ number }] }));
  await say({ state: WITHDRAWN, channel: SMS });
  await say({ state: WITHDRAWN, channel: SMS }, twin.id);

  await say({ state: GIVEN, channel: SMS }, twin.id);

  expect(await suppressed(SMS, number, 'newsletter')).toBeDefined();
});

test('a customer has the records of those merged into it, until the merge is undone', async () => {
  const other = await customers.create(caller, person());
  const before = await say({ time: '2026-01-01T00:00:00.000Z' });
  const withdrawn = await say({ time: '2026-02-01T00:00:00.000Z', state: WITHDRAWN }, other.id);
  const request = { id: ada, merge: { mergedId: other.id, preferMerged: [] } };
  const { merge } = await customers.call('mergeCustomers', request, caller);

  expect(await list()).toEqual([withdrawn, before]);
  expect(await list({ currentOnly: true })).toEqual([withdrawn]);
  await customers.call('unmergeCustomers', { id: merge?.id ?? '' }, caller);
  expect(await list({ currentOnly: true })).toEqual([before]);
});

test('a statement without a time counts at once, also after one whose time is ahead', async () => {
  const ahead = () => new Date(Date.now() + 4_000).toISOString();
  await say({ time: ahead() });
  const withdrawn = await say({ state: WITHDRAWN });

  expect(await list({ currentOnly: true })).toEqual([withdrawn]);
  expect(await suppressed(EMAIL, address, 'newsletter')).toBeDefined();
});

test('what is withdrawn while two customers are merged is withdrawn for both after the undo', async () => {
  const twin = { address: 'grace@example.com', label: undefined };
  const other = await customers.create(caller, person({ emails: [twin] }));
  for (const purpose of ['newsletter', 'surveys', 'offers']) {
    await say({ purpose });
    await say({ purpose }, other.id);
  }
  const request = { id: ada, merge: { mergedId: other.id, preferMerged: [] } };
  const { merge } = await customers.call('mergeCustomers', request, caller);
  await say({ state: WITHDRAWN });
  await say({ purpose: 'offers', state: WITHDRAWN });
  await say({ purpose: 'offers' });
  await say({ purpose: 'parties' });
  await customers.call('unmergeCustomers', { id: merge?.id ?? '' }, caller);
  // Lifts the suppressions of the surviving customer, which has had both addresses.
  await say();

  const states = async (id: string) =>
    Object.fromEntries((await list({ currentOnly: true }, id)).map(({ purpose, state }) => [purpose, state]));
  expect(await states(other.id)).toEqual({ newsletter: WITHDRAWN, surveys: GIVEN, offers: GIVEN });
  expect(await states(ada)).toEqual({ newsletter: GIVEN, surveys: GIVEN, offers: GIVEN, parties: GIVEN });
  expect(await suppressed(EMAIL, twin.address, 'newsletter')).toEqual([SuppressionReason.CONSENT_WITHDRAWN]);
  expect(await suppressed(EMAIL, address, 'newsletter')).toBeUndefined();
});

test('with many concurrent records, the suppression follows the effective one', async () => {
  const states = [GIVEN, WITHDRAWN, GIVEN, WITHDRAWN, GIVEN, WITHDRAWN];
  await Promise.all(states.map((state) => say({ state })));

  const [counting] = await list({ currentOnly: true });
  expect((await suppressed(EMAIL, address, 'newsletter')) !== undefined).toBe(counting?.state === WITHDRAWN);
});

test('returns the same record to a repeated call, and writes none for validateOnly', async () => {
  const said = await say({}, ada, 'key-1');
  expect(await say({}, ada, 'key-1')).toEqual(said);
  const consent = { ...said, state: WITHDRAWN };
  await customers.call('createConsent', { customerId: ada, consent, validateOnly: true }, caller);

  expect(await list()).toEqual([said]);
  expect(await suppressed(EMAIL, address)).toBeUndefined();
});

test('refuses a future time, and missing customers', async () => {
  await expect(say({ time: new Date(Date.now() + 60_000).toISOString() })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'consent.time', reason: 'IN_FUTURE' }],
  });
  await expect(say({ source: ' ' })).rejects.toMatchObject({ violations: [{ field: 'consent.source' }] });
  await expect(say({ channel: 0, legalBasis: 0 })).rejects.toMatchObject({
    violations: [{ field: 'consent.channel' }, { field: 'consent.legalBasis' }],
  });
  const gone = await customers.create(caller, person());
  await customers.delete(caller, gone.id);
  for (const id of [gone.id, v7()]) {
    await expect(say({}, id)).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND' });
    await expect(list({}, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  }
});

test('hides another tenant’s records', async () => {
  const { id } = await say();

  await expect(customers.call('getConsent', { id }, newCaller())).rejects.toMatchObject({
    code: 'NOT_FOUND',
    reason: 'CONSENT_NOT_FOUND',
  });
  await expect(customers.call('listConsents', { customerId: ada }, newCaller())).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});

test('is in the change log, and immutable in the database', async () => {
  const said = await say({ evidence: 'Yes.' });
  const [, change] = await changesOf(customers, caller, 2);
  expect(change).toMatchObject({ type: 'consent', recordId: said.id, version: 1 });
  expect(change?.after).toMatchObject({ purpose: 'newsletter', channel: 'EMAIL', state: 'GIVEN', time: said.time });

  const app = new pg.Client(customers.urls.appUrl);
  await app.connect();
  await app.query(`select set_config('app.tenant_id', $1, false)`, [caller.tenantId]);
  await expect(app.query(`update consent set state = 'WITHDRAWN'`)).rejects.toMatchObject({ code: '23001' });
  await app.end();
});
