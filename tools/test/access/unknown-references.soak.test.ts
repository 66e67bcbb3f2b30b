import { platformContract, restRoutes, snakeCase, type RestRoute } from '@rapport/contracts';
import { permissionForAll } from '@rapport/platform';
import { drawnBy, printedSeed, sharedPlatform, sizeOf } from '@rapport/testing';
import { expect, inject, it } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { makeCredentials } from './credentials.ts';
import { edgeDoor } from './doors.ts';
import type { Ids } from './make-each.ts';
import { newMarker } from './markers.ts';
import { references, type Place } from './references.ts';
import { validRequest, withValue } from './requests.ts';
import { makeTenantRecords } from './tenant-records.ts';

const platform = await sharedPlatform(inject('platformUrl'));
const contract = platformContract();
const routes = restRoutes(contract).filter(({ method }) => !method.policy.public);
/** Each place of a body with the id of a record, a user or a team. Those that `id-fields.ts` leaves out have their reason there. */
const named = routes.flatMap((route) =>
  references(contract, route)
    .filter(({ place }) => place[0] === 'body')
    .map(({ place, collection, write = String }) => ({ route, place, collection, write })),
);
const seed = printedSeed('unknown references');
const tried = drawnBy(seed, named, sizeOf('REFERENCES', { short: 60, long: named.length }));

type Values = Readonly<Record<string, unknown>>;

/** What a message with a reference needs besides, by its field. */
const inside: Readonly<Record<string, (ids: Ids) => Values>> = {
  splits: () => ({ share: '100' }),
  lineItems: () => ({ description: 'Seats', quantity: '1', unitPrice: '1' }),
  stages: () => ({ key: 'proposal', name: 'Proposal', kind: 'OPEN' }),
  guards: () => ({ kind: 'ROLE' }),
  related: () => ({ type: 'deal' }),
  targets: () => ({ metric: 'FIRST_RESPONSE', withinSeconds: 3_600 }),
  members: ({ users }) => ({ userId: users }),
  customer: () => ({ kind: 'PERSON', displayName: 'Ada' }),
  deal: ({ pipelines }) => ({ title: 'Renewal', pipelineId: pipelines, stage: 'proposal' }),
};

/** What the message around a field with a reference needs besides. */
const around: Readonly<Record<string, (route: RestRoute) => Values>> = {
  lineItems: ({ method }) => (method.name.includes('Quote') ? {} : { lineCurrency: 'EUR' }),
  teamIds: ({ method }) => (method.name.includes('Macro') ? { visibility: 'TEAMS' } : {}),
};

/** The same of the body of an operation. */
const bodies: Readonly<Record<string, (ids: Ids) => Values>> = {
  SendMessage: ({ customers }) => ({ customerId: customers }),
  IntakeLead: () => ({ customer: { kind: 'PERSON', displayName: 'Ada' } }),
};

/** Requests that are answered otherwise, by the operation and the field, and why. */
const others: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['CloneDeal', 'MoveDeal', 'CheckDealMove', 'WinDeal', 'LoseDeal', 'ReopenDeal', 'TransferDeal'].map((operation) => [
      `${operation} set.pipelineId`,
      'NOT_ALLOWED: the pipeline is given beside it',
    ]),
  ),
  'QualifyLead deal.customerId': 'the deal gets the customer of the lead',
  'IntakeLead lead.customerId': 'the lead gets the customer of the intake',
  'RemoveSegmentMembers customerIds': 'what is no member needs no removal',
  'ResolveSyncConflict customerId': 'only conflicts of the kind PAIRING have one, which must be a candidate',
  'CreateAssociation from': 'OTHER_RECORD: an end is given by one of two fields',
  'CreateAssociation toCustomerId': 'OTHER_RECORD: an end is given by one of two fields',
  'CreateMapping fields.referenceMappingId': 'REFERENCE_UNFIT',
  'UpdateMapping fields.referenceMappingId': 'REFERENCE_UNFIT, once the rest of the field is valid',
  'BackfillFlow segmentId': 'the flow has another trigger',
  'EnrollCustomers customerIds': 'the flow has another trigger',
  'ReopenDeal set.customerId': 'the deal is open',
  'ReopenDeal set.lineItems.productId': 'the deal is open',
  'RerouteMessage ticketId': 'the message is cancelled',
  'ReplyToTicket fileIds': 'NOT_ALLOWED: the ticket has no mailbox',
  'ReplyToTicket templateId': 'CONFLICTING_FIELDS: the reply has a text',
  'TestCampaign customerId': 'NOT_ALLOWED: the address of the test comes first',
};

it('a request that names a record, a user or a team that does not exist is refused as such', async () => {
  const { apiKey } = await platform.createTenant('References');
  const api = await ApiClient.connect(platform.edgeUrl, apiKey);
  const { living, ...more } = await makeTenantRecords(platform, api, newMarker());
  const permissions = [...new Set(routes.map(({ method }) => permissionForAll(method.policy.permission)))];
  const credentials = await makeCredentials(platform.edgeUrl, api, apiKey, permissions);
  const door = edgeDoor(platform.edgeUrl, api.described, credentials);
  const faults: string[] = [];

  for (const { route, place, collection, write } of tried) {
    const unknown = (living[collection] ?? '-').includes('-') ? crypto.randomUUID() : newMarker();
    const values = [...completions(route, place, living), [place, write(unknown)] as const];
    const records = { ...more, living: route.method.name === 'QualifyLead' ? await withNewLead(api, living) : living };
    const request = values.reduce(
      (made, [at, value]) => withValue(made, at, value),
      validRequest(contract, route, records),
    );
    const { status, rest } = await door.ask(request);
    const name = `${route.method.name} ${fieldOf(place)}`;
    if (/_(?:NOT_FOUND|UNKNOWN)"/.test(rest) === name in others) faults.push(`${name}: ${status} ${rest}`);
  }

  expect(faults).toEqual([]);
}, 300_000);

/** A lead is qualified once. */
async function withNewLead(api: ApiClient, living: Ids): Promise<Ids> {
  const made = await api.send('POST', '/v1/leads', { body: { customerId: living['customers'], company: 'Engines' } });
  return { ...living, leads: (made.body as { id: string }).id };
}

/** The values that make a request with one more reference complete. */
function completions(route: RestRoute, place: Place, ids: Ids): [Place, unknown][] {
  const { name } = route.method;
  const at = (path: Place, values: Values = {}) =>
    Object.entries(values).map(([field, value]): [Place, unknown] => [[...path, field], value]);
  return [
    ...at(['body'], bodies[name]?.(ids)),
    ...place.flatMap((step, index) => {
      const path = place.slice(0, index);
      const item = place[index + 1] === 0 ? [step, 0] : [step];
      // An action of a macro has one kind.
      const only: [Place, unknown][] = step === 'setAssignee' ? [[path, {}]] : [];
      return [...only, ...at(path, around[step]?.(route)), ...at([...path, ...item], inside[step]?.(ids))];
    }),
    ...(name.startsWith('BatchUpdate') && place.length > 4
      ? at(place.slice(0, 3), { updateMask: maskOf(route, String(place[4])) })
      : []),
  ];
}

/** An item of a batch writes the fields of its mask only. */
function maskOf(route: RestRoute, field: string): string[] {
  return [field, ...Object.keys(around[field]?.(route) ?? {})].map(snakeCase);
}

/** Such as `items.task.ownerId`. */
function fieldOf(place: Place): string {
  return place
    .slice(1)
    .filter((step) => typeof step === 'string')
    .join('.');
}
