import { platformContract, restRoutes, type RestRoute } from '@rapport/contracts';
import { TrafficClass } from '@rapport/contracts/rapport/api/v1/options';
import { permissionForAll } from '@rapport/platform';
import { isSoak, printedSeed, printTally, sharedPlatform } from '@rapport/testing';
import { afterEach, beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { addWorkspaceImport } from './add-workspace-import.ts';
import { ChangingCallers, type ChangingCaller } from './changing-callers.ts';
import { makeAnswersEndless } from './endless-answers.ts';
import { OpenRequest } from './open-request.ts';
import { isLikeCustomers } from './printed-services.ts';
import { references } from './references.ts';
import { validRequest, withValue, type OperationRequest } from './requests.ts';
import { newMarker } from './markers.ts';
import { makeTenantRecords, type TenantRecords } from './tenant-records.ts';

const contract = platformContract();
const routes = restRoutes(contract).filter(({ method }) => !method.policy.public);
/**
 * Every operation that streams in either direction, or waits, without those that share the code of customers: the limit of
 * open streams of a tenant is too low for all.
 */
const lasting = routes.filter((route) => (isStream(route) || waits(route)) && !isLikeCustomers(route.method));

/** Streams that end before any right can change, and why. */
const short: readonly string[] = [
  // One message of at most 256 KiB.
  'DownloadHook',
  // One page.
  'RenderQuote',
  // At most 100 lines.
  'ExportQuoteUbl',
  // One definition.
  'ExportFlow',
  // At most 200 definitions.
  'ExportAllFlows',
  // The bytes of one mail, in the pieces of a file.
  'DownloadRawMessage',
];

/** The records that requests name, and those that are made endless. */
const living = [
  ...['customers', 'objects', 'consents', 'operations', 'workspaceExports', 'syncRuns', 'files'],
  ...lasting.flatMap((route) => references(contract, route).map(({ collection }) => collection)),
];

/** How long a call may stay open after its caller has lost rights, in milliseconds. */
const boundMs = isSoak ? 2_000 : 10_000;

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;
let callers: ChangingCallers;
let tenant: string;
let records: TenantRecords;
let open: OpenRequest[] = [];

beforeAll(async () => {
  const { apiKey, tenantId } = await platform.createTenant('Streams');
  tenant = tenantId;
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
  const needed = [
    ...lasting.map(({ method }) => permissionForAll(method.policy.permission)),
    'customers.read',
    'customers.write',
  ];
  callers = new ChangingCallers(platform, api, [...new Set(needed)]);
  records = await makeTenantRecords(platform, api, newMarker(), { living, deleted: [] });
  await makeAnswersEndless(platform, tenantId, records.living);
}, 120_000);
afterEach(() => {
  for (const each of open) each.close();
  open = [];
});

it('has every operation that streams or waits', () => {
  expect(lasting.map(({ method }) => method.name).toSorted()).toEqual([
    'DownloadFile',
    'DownloadHook',
    'DownloadOperationIssues',
    'DownloadPairing',
    'DownloadRawMessage',
    'DownloadWorkspaceExport',
    'ExportAllFlows',
    'ExportAuditEntries',
    'ExportCustomers',
    'ExportFlow',
    'ExportPersonalData',
    'ExportQuoteUbl',
    'ExportSecurityEvents',
    'ImportCustomers',
    'ListChanges',
    'ReceiveMail',
    'RenderQuote',
    'SnapshotCustomers',
    'UploadFile',
    'UploadImportFile',
    'UploadWorkspaceArchive',
    'WatchChanges',
    'WatchNotifications',
    'WatchOperation',
    'WatchSyncRun',
    'WatchTraffic',
  ]);
  const streams = contract.methods.filter(({ requestStream, responseStream }) => requestStream || responseStream);
  const inside = streams.filter(({ policy }) => policy.internal).map(({ name }) => name);
  // Mails go between sync and customers in pieces.
  const ofMail = ['StoreLargeMessage', 'ReadRawMessage', 'StoreAttachment', 'ReadOutgoingAttachment'];
  expect(inside).toEqual([...ofMail, 'Subscribe']);
});

interface Loss {
  how: string;
  caller: () => Promise<ChangingCaller>;
  /** The error of an ended call, and the status of a new one. */
  code: string;
  status: number;
}

const seed = printedSeed('rights on streams');
const losses: Loss[] = [
  {
    ...{ how: 'its key is revoked', code: 'CREDENTIAL_INVALID', status: 401 },
    caller: () => callers.key((id) => callers.revokeKey(id)),
  },
  {
    ...{ how: 'its key loses permissions', code: 'PERMISSION_MISSING', status: 403 },
    caller: () => callers.key((id) => callers.narrowKey(id)),
  },
  {
    ...{ how: 'its user is disabled', code: 'CREDENTIAL_INVALID', status: 401 },
    caller: () => callers.user((id) => callers.send('PATCH', `/v1/users/${id}`, { state: 'DISABLED' })),
  },
  {
    ...{ how: 'its role is narrowed', code: 'PERMISSION_MISSING', status: 403 },
    caller: () => ofRole({ permissions: ['account.read'] }),
  },
  {
    ...{ how: 'its scope becomes OWN', code: 'RIGHTS_CHANGED', status: 200 },
    caller: () => ofRole({ recordScope: 'OWN' }),
  },
  {
    ...{ how: 'personal data is hidden from it', code: 'RIGHTS_CHANGED', status: 200 },
    caller: () => ofRole({ hidesPii: true }),
  },
];

/** Each way opens every stream anew: three by the seed, all in the long form. */
const tried = isSoak ? losses : losses.filter((_, index) => (seed >> (index >> 1)) % 2 === index % 2);

it.each(tried)('every open call of a caller ends on both edges when $how', async ({ how, code, status, caller }) => {
  const { authorization, change } = await caller();
  await openAll(authorization);
  const [fed, files] = [open.filter(({ operation }) => isFeed(operation.route)), open.filter(isHeld)];
  const uploads = open.filter(({ operation }) => operation.file !== undefined);
  expect([fed.length, files.length, uploads.length]).toEqual([12, 9, 5]);
  expect([...fed, ...files, ...uploads].filter(({ hasEnded }) => hasEnded)).toEqual([]);

  await change();
  const changedAt = performance.now();
  const { id } = (await callers.send('POST', '/v1/customers', { kind: 'PERSON', displayName: newMarker() })) as {
    id: string;
  };

  await untilEnded([...fed, ...uploads]);
  const endedMs = Math.round(performance.now() - changedAt);
  await untilEnded(files.map((file) => file.read()));
  expect([...fed, ...uploads].map((each) => [each.name, each.code])).toEqual(
    [...fed, ...uploads].map(({ name }) => [name, code]),
  );
  // A file breaks off; events may have the reason.
  expect(files.filter((file) => file.isWhole && file.code !== code).map(({ name }) => name)).toEqual([]);
  expect(open.filter(({ text }) => text.includes(id)).map(({ name }) => name)).toEqual([]);
  for (const url of platform.edgeUrls) {
    const again = await fetch(`${url}/v1/changes`, { headers: { authorization } });
    expect(again.status).toBe(status);
  }
  printTally(how, { calls: open.length, endedMs });
});

/** A user with one role, which changes. */
function ofRole(changes: object): Promise<ChangingCaller> {
  return callers.user((_, roleId) => callers.send('PATCH', `/v1/roles/${roleId}`, changes));
}

/** Opens feeds on both edges, and each file and upload on one of them, because their number is limited. */
async function openAll(authorization: string): Promise<void> {
  const { nextCursor } = await endOfLog(authorization);
  // Uploads without a file.
  const imported = (await callers.send('POST', '/v1/imports', { contentType: 'text/csv' })) as { id: string };
  const file = { record: `customers/${records.living['customers']}`, name: 'open' };
  const upload = (await callers.send('POST', '/v1/fileUploads', file)) as { id: string };
  const workspaceImports = await addWorkspaceImport(platform, tenant);
  const uploads = { imports: imported.id, fileUploads: upload.id, workspaceImports };
  records = { ...records, living: { ...records.living, ...uploads } };
  const [first = '', second = ''] = platform.edgeUrls;
  const opened = lasting.filter(({ method: { name } }) => !short.includes(name));
  const requests = opened.flatMap((route, index) => {
    const operation = waits(route) ? waiting(route, nextCursor) : validRequest(contract, route, records);
    const urls = isFeed(route) ? [first, second] : [index % 2 === 0 ? first : second];
    return urls.map((url) => new OpenRequest(url, operation, authorization));
  });
  open = requests;
  for (const each of requests) if (!isHeld(each)) each.read();
  const notOpen = () => {
    // A busy machine refuses some because no connection is free, a watch also at a later poll.
    open = open.map((each) => (lacksConnection(each) ? each.again() : each));
    return open.filter(
      (each) =>
        each.hasEnded ||
        (isStreamOfAnswers(each.operation.route) &&
          (each.status !== 200 || (isFeed(each.operation.route) && each.text === ''))),
    );
  };
  await expect.poll(() => notOpen().map(described), { interval: 200 }).toEqual([]);
}

function lacksConnection({ status, hasEnded, code }: OpenRequest): boolean {
  return status === 503 || (hasEnded && code === 'DATABASE_UNAVAILABLE');
}

function waiting(route: RestRoute, cursor: string): OperationRequest {
  const request = withValue(validRequest(contract, route, records), ['query', 'waitSeconds'], 30);
  return withValue(request, ['query', 'cursor'], cursor);
}

async function endOfLog(authorization: string): Promise<{ nextCursor: string }> {
  for (let query = '?pageSize=1000'; ;) {
    const answer = await fetch(`${platform.edgeUrl}/v1/changes${query}`, { headers: { authorization } });
    const page = (await answer.json()) as { nextCursor: string; hasMore: boolean };
    expect(answer.status, JSON.stringify(page)).toBe(200);
    if (!page.hasMore) return page;
    query = `?pageSize=1000&cursor=${page.nextCursor}`;
  }
}

async function untilEnded(requests: readonly OpenRequest[]): Promise<void> {
  const left = () => requests.filter(({ hasEnded }) => !hasEnded).map(described);
  await expect.poll(left, { timeout: boundMs, interval: 10 }).toEqual([]);
}

function described({ name, status, code }: OpenRequest): string {
  return `${name} ${status ?? 'not answered'} ${code ?? ''}`;
}

/** Not read while it is open, so that it does not reach its end. */
function isHeld({ operation: { route } }: OpenRequest): boolean {
  return isStreamOfAnswers(route) && !isFeed(route);
}

function isFeed({ method }: RestRoute): boolean {
  return method.policy.trafficClass === TrafficClass.FEED;
}

function isStream({ method }: RestRoute): boolean {
  return method.requestStream || method.responseStream;
}

function isStreamOfAnswers({ method }: RestRoute): boolean {
  return method.responseStream;
}

function waits({ method }: RestRoute): boolean {
  return method.desc.input.fields.some(({ name }) => name === 'wait_seconds');
}
