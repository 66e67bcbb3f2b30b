import { areaOf, platformContract, restRoutes, serviceDefinitions, type RestRoute } from '@rapport/contracts';
import { permissionForAll } from '@rapport/platform';
import { drawnBy, isSoak, printedSeed, sharedPlatform, sizeOf } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { makeCredentials } from './credentials.ts';
import { differences } from './differences.ts';
import { edgeDoor, serviceDoor, type Door } from './doors.ts';
import { references, serverOwned } from './references.ts';
import { forMissing } from './deleted-records.ts';
import { everything } from './everything.ts';
import { campaignMethods, digestMethods, mailMethods } from './mail-methods.ts';
import { needMore, open, withoutIds } from './reviewed-operations.ts';
import { forgedValue, validRequest, withValue } from './requests.ts';
import type { SeenAnswer } from './rest-caller.ts';
import { ServiceCaller } from './service-caller.ts';
import { newMarker } from './markers.ts';
import { makeTenantRecords, type TenantRecords, type Wanted } from './tenant-records.ts';
import { uselessPrincipals } from './useless-principals.ts';

/** Number of operations checked in parallel: each waits for a tenant's records in turn. */
const workers = 6;
const contract = platformContract();
const routes = restRoutes(contract);
const guarded = routes.filter(({ method }) => !method.policy.public);
const permissions = [...new Set(guarded.map(({ method }) => permissionForAll(method.policy.permission)))];
const theirMarker = newMarker();

const seed = printedSeed('access matrix');
/** The operations whose ids, fields and permission are tried: all, or a part in the short form. */
const tried = drawnBy(seed, routes, sizeOf('MATRIX_OPERATIONS', { short: 48, long: routes.length }));
const used = isSoak ? undefined : ['customers', 'objects', 'fileUploads', ...tried.flatMap(collectionsOf)];
/** Each operation has a number, by which the short form asks for it over one transport, and with one useless credential. */
const numberOf = (route: RestRoute) => seed + routes.indexOf(route);
const collections = [...new Set(routes.flatMap(collectionsOf))];
/** The records of requests that are refused before they are looked for. */
const [unsought, otherUnsought] = [unknownRecords(), unknownRecords()];
const isOfEdge = ({ method }: RestRoute) => areaOf(method.path) === 'edge';

const platform = await sharedPlatform(inject('platformUrl'));
let services: ServiceCaller;
let theirs: TenantRecords;
let theirApi: ApiClient;
let theirDataBefore: string;

beforeAll(async () => {
  services = await ServiceCaller.of(platform);
  theirApi = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Theirs')).apiKey);
  theirs = await makeTenantRecords(platform, theirApi, theirMarker, wanted());
  theirDataBefore = await everything(theirApi, theirs.living);
}, 120_000);

afterAll(() => services.close());

it('has every operation of the contract, with each of its ids', () => {
  const unreachable = contract.methods.filter(({ http }) => !http).map(({ path }) => path);
  expect(unreachable).toEqual([
    '/rapport.auth.v1.UsersService/ClaimUserStates',
    '/rapport.auth.v1.UsersService/ConfirmUserStates',
    '/rapport.auth.v1.UsersService/FindOwners',
    '/rapport.auth.v1.UsersService/GetPrincipalRights',
    '/rapport.auth.v1.UsersService/FindUsers',
    '/rapport.auth.v1.AuthService/AuthenticateApiKey',
    '/rapport.auth.v1.AuthService/AuthenticateAccessToken',
    '/rapport.auth.v1.AuthService/ListAllowedOrigins',
    '/rapport.auth.v1.AuthService/VouchForPrincipal',
    '/rapport.auth.v1.AuthService/VouchForAddress',
    '/rapport.auth.v1.SecurityEventsService/RecordDenials',
    '/rapport.auth.v1.WorkspaceClosingsService/ListOpenClosings',
    '/rapport.auth.v1.WorkspaceClosingsService/ReportClosingPass',
    ...mailMethods.map(([service, name]) => `/rapport.content.v1.${service}/${name}`),
    '/rapport.customers.v1.ChangeFeedService/Subscribe',
    '/rapport.customers.v1.ChangeFeedService/CheckRecordFilters',
    '/rapport.customers.v1.ChangeFeedService/MatchChanges',
    '/rapport.customers.v1.ChangeFeedService/ReleaseFlowEffects',
    ...campaignMethods.map((name) => `/rapport.marketing.v1.CampaignOutboxService/${name}`),
    '/rapport.work.v1.AssignmentActionsService/ReportUserStates',
    ...digestMethods.map((name) => `/rapport.work.v1.DigestOutboxService/${name}`),
    '/rapport.work.v1.NotificationsService/NotifyApprovers',
    '/rapport.work.v1.WorkspaceService/RemoveClosedTenant',
  ]);
  const unguarded = routes.filter((route) => !guarded.includes(route));
  expect(unguarded.map(({ method }) => method.name).toSorted()).toEqual(open);
  const idless = routes.filter((route) => references(contract, route).length === 0);
  expect(idless.map(({ method }) => method.name).toSorted()).toEqual(withoutIds.toSorted());
});

describe.each(['REST', 'gRPC'] as const)('over %s', (name) => {
  // The edge answers its own operations over REST only.
  const routesHere = routes.filter((route) =>
    isOfEdge(route) ? name === 'REST' : isSoak || (numberOf(route) % 2 === 0) === (name === 'REST'),
  );
  const guardedHere = guarded.filter((route) => routesHere.includes(route));
  const triedHere = tried.filter((route) => routesHere.includes(route));
  let ourApi: ApiClient;
  let ours: TenantRecords;
  let door: Door;

  beforeAll(async () => {
    const { tenantId, apiKey } = await platform.createTenant(`Ours over ${name}`);
    ourApi = await ApiClient.connect(platform.edgeUrl, apiKey);
    ours = await makeTenantRecords(platform, ourApi, newMarker(), wanted());
    const { edgeUrl } = platform;
    door =
      name === 'REST'
        ? edgeDoor(edgeUrl, ourApi.described, await makeCredentials(edgeUrl, ourApi, apiKey, permissions))
        : serviceDoor(services, tenantId, permissions, await uselessPrincipals(platform, tenantId, permissions));
  });

  const refusedRequest = (route: RestRoute) =>
    validRequest(contract, route, {
      ...ours,
      living: { ...unsought, ...ours.living },
      others: { ...otherUnsought, ...ours.others },
    });

  it('callers without a valid credential are refused', async () => {
    const faults: string[] = [];
    for (const route of guardedHere) {
      const useless = Object.entries(door.askAsNobody);
      const one = (numberOf(route) >> 1) % useless.length;
      for (const [who, ask] of isSoak ? useless : useless.slice(one, one + 1)) {
        const answer = await ask(refusedRequest(route));
        const isRight =
          answer.status === door.refusals.unauthenticated &&
          ['CREDENTIAL_MISSING', 'CREDENTIAL_INVALID', 'PRINCIPAL_MISSING', 'PRINCIPAL_INVALID'].includes(
            answer.reason ?? '',
          );
        if (!isRight) faults.push(described(route, who, answer));
      }
    }
    expect(faults).toEqual([]);
  });

  it('a caller without the permission is refused, whatever its other permissions', async () => {
    const faults: string[] = [];
    for (const route of guardedHere) {
      const request = refusedRequest(route);
      const answer = await door.askWithoutPermission(request);
      const { permission } = route.method.policy;
      // The edge resolves the object in the path.
      const named = permission.replace(/\{(\w+)\}/, (_, field: string) => String(request.parts.params[field]));
      const isRight =
        answer.status === door.refusals.denied &&
        answer.reason === 'PERMISSION_MISSING' &&
        [permission, named].some((each) => answer.rest.includes(`"metadata":{"permission":"${each}"}`));
      if (!isRight) faults.push(described(route, permission, answer));
    }
    expect(faults).toEqual([]);
  });

  it("another tenant's id answers byte for byte like an unknown one", { timeout: 300_000 }, async () => {
    const faults: string[] = [];
    for (const ids of [theirs.living, theirs.deleted]) {
      for (const route of triedHere.filter(({ method }) => method.name !== 'SaveImportMapping'))
        faults.push(...(await differences(contract, door, route, ours, ids, theirMarker)));
    }
    expect(faults).toEqual([]);
  });

  it('a deleted id answers like an unknown one', { timeout: 300_000 }, async () => {
    const faults: string[] = [];
    for (const route of triedHere)
      faults.push(...(await differences(contract, door, route, ours, ours.deleted, theirMarker, forMissing)));
    expect(faults).toEqual([]);
  });

  it("a custom field can't refer to a record of another tenant", async () => {
    const key = newMarker();
    await ourApi.send('POST', '/v1/customFields', { body: { key, type: 'REFERENCE' } });
    const route = routes.find(({ method }) => method.name === 'CreateCustomer');
    const refer = async (id = '') => {
      const request = withValue(validRequest(contract, route!, ours), ['body', 'customFields', key], id);
      const { status, reason, rest } = await door.ask(request);
      return { status, reason, rest: rest.replaceAll(id, '<id>') };
    };
    const nowhere = await refer(crypto.randomUUID());
    expect(nowhere).toMatchObject({ status: door.refusals.invalid });
    expect(await refer(theirs.living.customers)).toEqual(nowhere);
    expect(await refer(theirs.deleted.customers)).toEqual(nowhere);
    expect(await refer(ours.others.customers)).toMatchObject({ reason: undefined });
  });

  it('output-only fields are refused or ignored', async () => {
    const faults: string[] = [];
    for (const route of triedHere) {
      const request = validRequest(contract, route, ours);
      for (const { field, place } of serverOwned(contract, route)) {
        const forged = forgedValue(field);
        const answer = await door.ask(withValue(request, place, forged));
        const isRight =
          name === 'REST'
            ? answer.status === 400 && answer.rest.includes(`"/${place.slice(1).join('/')}","code":"READ_ONLY_FIELD"`)
            : // A record may have many a `true`.
              typeof forged === 'boolean' || !answer.rest.includes(String(forged));
        if (!isRight) faults.push(described(route, place.join('.'), answer));
      }
    }
    expect(faults).toEqual([]);
  });

  it('the permission alone is enough', { timeout: 300_000 }, async () => {
    const faults: string[] = [];
    const ask = async (route: RestRoute) => {
      const { name } = route.method;
      const living = collectionsOf(route);
      // An operation without ids changes none of the test's records.
      const isHarmless = route.verb === 'GET' || living.length === 0;
      const deleted = name.startsWith('Undelete') ? living : [];
      const records = isHarmless ? ours : await makeTenantRecords(platform, ourApi, newMarker(), { living, deleted });
      const answer = await door.askWithPermission(validRequest(contract, route, records));
      if (!isAdmitted(answer) && !(name in needMore)) faults.push(described(route, 'admitted', answer));
    };
    const left = guardedHere.filter((route) => triedHere.includes(route));
    const worker = async () => {
      for (let route = left.shift(); route; route = left.shift()) await ask(route);
    };
    await Promise.all(Array.from({ length: workers }, worker));
    expect(faults).toEqual([]);
  });
});

/** What makes the message of each method. */
const empty = new Map(
  serviceDefinitions.flatMap((service) =>
    Object.values(service).map(({ path, requestDeserialize }) => [path, requestDeserialize] as const),
  ),
);

/** Internal methods that only customers or sync may call. */
const ofOneService = [
  ...['FindOwners', 'GetPrincipalRights', 'FindUsers'],
  ...['VouchForPrincipal', 'VouchForAddress', 'ListOpenClosings', 'ReportClosingPass', 'RemoveClosedTenant'],
  ...['ReleaseFlowEffects', 'NotifyApprovers', 'ClaimUserStates', 'ConfirmUserStates', 'ReportUserStates'],
  ...mailMethods.map(([, name]) => name),
  ...campaignMethods,
  ...digestMethods,
];

/** Methods whose messages have more rules than this test keeps: their rules come first. */
const checkedFirst: Readonly<Record<string, string>> = Object.fromEntries(
  ['StoreMessages', 'StoreLargeMessage', 'FileMessage'].map((name) => [name, 'INVALID_ARGUMENT']),
);

/** The outcome of an e-mail: of a message, of a recipient or of a digest. */
const settledItem = () => ({
  ...{ messageId: crypto.randomUUID(), recipientId: crypto.randomUUID(), userId: crypto.randomUUID() },
  ...{ attempt: 1, outcome: 1, afterPosition: 0 },
});

it('internal methods refuse external callers and processes that may not call', async () => {
  const otherProcess = await ServiceCaller.of(platform, 'auth');
  const { tenantId } = await platform.createTenant('Curious');
  const caller = { tenantId, principalId: `apiKey:${crypto.randomUUID()}`, permissions };
  const internal = contract.methods.filter(({ policy }) => policy.internal);
  expect(internal.map(({ name, http }) => [name, http])).toEqual([
    ['ClaimUserStates', undefined],
    ['ConfirmUserStates', undefined],
    ['FindOwners', undefined],
    ['GetPrincipalRights', undefined],
    ['FindUsers', undefined],
    ['ListAllowedOrigins', undefined],
    ['VouchForPrincipal', undefined],
    ['VouchForAddress', undefined],
    ['RecordDenials', undefined],
    ['ListOpenClosings', undefined],
    ['ReportClosingPass', undefined],
    ...mailMethods.map(([, name]) => [name, undefined]),
    ['Subscribe', undefined],
    ['CheckRecordFilters', undefined],
    ['MatchChanges', undefined],
    ['ReleaseFlowEffects', undefined],
    ...campaignMethods.map((name) => [name, undefined]),
    ['ReportUserStates', undefined],
    ...digestMethods.map((name) => [name, undefined]),
    ['NotifyApprovers', undefined],
    ['RemoveClosedTenant', undefined],
  ]);
  for (const { path, name } of internal) {
    const { tenantId: vouchedFor, principalId } = caller;
    const first = {
      ...(empty.get(path)?.(Buffer.alloc(0)) as object),
      ...{ types: [], withValues: false, credit: 1, denials: [], tenantId: vouchedFor, principalId },
      ...{ filters: [], changes: [], hidesPersonalData: false, runIds: [crypto.randomUUID()] },
      ...{ approvalId: crypto.randomUUID(), approverIds: [], actor: 'forged' },
      ...{ messageId: crypto.randomUUID(), mailboxId: crypto.randomUUID(), folder: 'INBOX', uidValidity: 1 },
      ...{ reason: 'forged', token: 'forged', address: 'forged@example.com', fileId: crypto.randomUUID() },
      ...(name.startsWith('Settle') && { items: [settledItem()] }),
      ...{ customersRows: 0, syncRows: 0, isComplete: true, closingToken: 'forged' },
    };
    expect(await services.askByBothTransports(path, first, caller), name).toMatchObject({
      status: 'PERMISSION_DENIED',
    });
    expect(await otherProcess.askByBothTransports(path, first, undefined)).toMatchObject({
      status: 'PERMISSION_DENIED',
      reason: 'CALLER_NOT_ALLOWED',
    });
    // The edge always has its caller's credential, and removes nothing.
    const ofEdge = ofOneService.includes(name) ? (checkedFirst[name] ?? 'PERMISSION_DENIED') : 'OK';
    expect(await services.askByBothTransports(path, first, undefined), name).toMatchObject({ status: ofEdge });
  }
  otherProcess.close();
});

it('no request has changed or shown anything of the other tenant', async () => {
  expect(await everything(theirApi, theirs.living)).toBe(theirDataBefore);
});

function collectionsOf(route: RestRoute): string[] {
  return references(contract, route).map(({ collection }) => collection);
}

function unknownRecords(): Record<string, string> {
  return Object.fromEntries(collections.map((each) => [each, crypto.randomUUID()]));
}

/** The records that requests name. */
function wanted(): Wanted {
  return used ? { living: used, deleted: used } : {};
}

/** A refusal because of a record's state, or because the caller is a program, proves that the permission was enough. */
function isAdmitted({ status, reason }: SeenAnswer): boolean {
  return (
    ['USER_NEEDED', 'TOO_MANY_EXPORTS'].includes(reason ?? '') ||
    [200, 201, 202, 204, 409, 'OK', 'ALREADY_EXISTS', 'FAILED_PRECONDITION', 'ABORTED'].includes(status)
  );
}

function described({ method }: RestRoute, what: string, { status, reason, rest }: SeenAnswer): string {
  return `${method.name} ${what}: ${status} ${reason ?? ''} ${rest.slice(-300)}`;
}
