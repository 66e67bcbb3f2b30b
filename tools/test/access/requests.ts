import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import type { Contract, RestRoute } from '@rapport/contracts';
import { FieldBehavior } from '@rapport/contracts/google/api/field_behavior';
import { references, type Place } from './references.ts';
import { newMarker } from './markers.ts';
import type { TenantRecords } from './tenant-records.ts';

type Json = Record<string, unknown>;

/** A request to one operation, in the form of which both HTTP and gRPC are made. */
export interface OperationRequest {
  route: RestRoute;
  parts: { params: Json; query: Json; headers: Json; body: unknown };
  /** The upload of an operation that takes a file. */
  file: string | undefined;
}

const someStep = { key: 'end', raise: { code: 'END' } };

/** Fields that the body of an operation needs besides the required ones. */
const particulars: Readonly<Record<string, () => Json>> = {
  // Each end is one of two fields.
  CreateAssociation: () => ({ fromCustomerId: crypto.randomUUID(), to: `deals/${crypto.randomUUID()}` }),
  // A caller can grant only its own permissions.
  CreateApiKey: () => ({ permissions: ['apiKeys.write'] }),
  CreateRole: () => ({ displayName: newMarker(), permissions: ['roles.write'] }),
  CreateTeam: () => ({ displayName: newMarker() }),
  CreateUser: () => ({ email: `${newMarker()}@example.com` }),
  CreateOAuthClient: () => ({
    confidential: true,
    grantTypes: ['CLIENT_CREDENTIALS'],
    permissions: ['oauthClients.write'],
  }),
  UpdateOAuthClient: () => ({ grantTypes: ['CLIENT_CREDENTIALS'], permissions: ['oauthClients.write'] }),
  // File connections are read-only.
  CreateMapping: () => ({ customerKind: 'PERSON', direction: 'TO_CUSTOMERS' }),
  UpdateMapping: () => ({ maxDeletes: 30 }),
  CreateCustomObject: () => ({ key: newMarker() }),
  UpsertCustomObject: () => ({ key: newMarker() }),
  UpsertObjectRecord: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  CreateCustomField: () => ({ key: newMarker(), type: 'TEXT' }),
  ReplayWebhookEvents: () => ({ eventIds: [crypto.randomUUID()] }),
  CreateQuota: () => ({ ownerId: crypto.randomUUID() }),
  UpsertQuota: () => ({ ownerId: crypto.randomUUID() }),
  UpsertForecastSubmission: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  UpsertDeal: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  CreateAssignmentRule: () => ({ recordType: 'lead' }),
  AssignRecord: () => ({ recordType: 'lead' }),
  UpsertAssignmentRule: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  UpsertCalendar: () => ({ externalIds: [{ system: 'erp', value: newMarker() }], timeZone: 'Europe/Berlin' }),
  CreateCalendar: () => ({ timeZone: 'Europe/Berlin' }),
  UpsertLead: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  UpsertQuote: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  CreateProduct: () => ({ sku: newMarker() }),
  UpsertProduct: () => ({ sku: newMarker() }),
  CreatePriceBook: () => ({ key: newMarker() }),
  UpsertPriceBook: () => ({ key: newMarker() }),
  UpsertCampaign: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  CreateSegment: () => ({ key: newMarker(), kind: 'STATIC' }),
  BatchCreateSegments: () => ({ items: [{ segment: { key: newMarker(), name: newMarker(), kind: 'STATIC' } }] }),
  UpsertSegment: () => ({ key: newMarker(), kind: 'STATIC' }),
  CreateQueue: () => ({ key: newMarker() }),
  UpsertQueue: () => ({ key: newMarker() }),
  CreateSlaPolicy: () => ({ key: newMarker() }),
  UpsertSlaPolicy: () => ({ key: newMarker() }),
  UpsertMacro: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  AddStage: () => ({ stage: { key: newMarker(), name: newMarker(), kind: 'OPEN' } }),
  FindDueTime: () => ({ fromTime: '2026-11-27T09:00:00Z', durationSeconds: 60 }),
  ReorderStages: () => ({ stages: ['won', 'lost', 'proposal'] }),
  WinDeal: () => ({ stage: 'won' }),
  LoseDeal: () => ({ reason: 'price', stage: 'lost' }),
  // The deals move to another stage.
  RemoveStage: () => ({ stage: 'proposal', moveTo: 'won' }),
  UpsertTicket: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  CreateTicketStatus: () => ({ key: newMarker() }),
  UpsertTicketStatus: () => ({ key: newMarker() }),
  RedactTicketEntry: () => ({ spans: [{ start: 0, end: 1 }] }),
  RenderTemplate: () => ({ records: [{ type: 'customers', id: crypto.randomUUID() }] }),
  CreateTemplate: () => ({ key: newMarker() }),
  UpsertTemplate: () => ({ key: newMarker() }),
  CreateArticle: () => ({ slug: newMarker() }),
  UpsertArticle: () => ({ externalIds: [{ system: 'erp', value: newMarker() }], slug: newMarker() }),
  CreateArticleSection: () => ({ slug: newMarker() }),
  UpsertArticleSection: () => ({ slug: newMarker() }),
  CreateTopic: () => ({ key: newMarker() }),
  UpsertTopic: () => ({ key: newMarker() }),
  CreateForm: () => ({ key: newMarker() }),
  UpsertForm: () => ({ key: newMarker() }),
  UpsertSurvey: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  UpsertPipeline: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  UpsertTask: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  UpsertNote: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  UpsertCall: () => ({ externalIds: [{ system: 'erp', value: newMarker() }] }),
  UpsertEmail: () => ({ messageId: newMarker() }),
  CreateTask: () => ({ related: [{ type: 'deal', id: crypto.randomUUID() }] }),
  UpdateNote: () => ({ related: [{ type: 'deal', id: crypto.randomUUID() }] }),
  CreateMeeting: () => ({ allDay: true, startDate: '2026-09-30', endDate: '2026-10-01' }),
  BatchCreateMeetings: () => ({
    items: [{ meeting: { subject: newMarker(), startTime: '2026-09-30T09:00:00Z' } }],
  }),
  UpsertMeeting: () => ({
    ...{ allDay: true, startDate: '2026-09-30', endDate: '2026-10-01' },
    externalIds: [{ system: 'erp', value: newMarker() }],
  }),
  UpdateNotificationPreferences: () => ({ assigned: { inApp: false } }),
  CreateFlow: () => ({ key: newMarker(), definition: { trigger: { manual: {} }, steps: [someStep] } }),
  UpdateFlow: () => ({ definition: { trigger: { manual: {} }, steps: [someStep] } }),
  ValidateFlow: () => ({ trigger: { manual: {} }, steps: [someStep] }),
  MigrateFlowRuns: () => ({ fromVersion: 1, toVersion: 1 }),
  UpsertCustomer: () => ({ emails: [{ address: `${newMarker()}@example.com` }] }),
};

/** The column of the import file. */
const fileColumns: Readonly<Record<string, string>> = {
  ImportDeals: 'title',
  ImportPipelines: 'name',
  ImportProducts: 'name',
  ImportPriceBooks: 'name',
  ImportLeads: 'company',
  ImportQueues: 'name',
  ImportMacros: 'name',
  ImportSlaPolicies: 'name',
  ImportAssignmentRules: 'name',
  ImportQuotas: 'name',
  ImportQuotes: 'title',
  ImportCalendars: 'name',
  ImportForecastSubmissions: 'note',
  ImportObjectRecords: 'name',
  ImportNotes: 'body',
  ImportTasks: 'subject',
  ImportCalls: 'subject',
  ImportMeetings: 'subject',
  ImportEmails: 'subject',
  ImportTickets: 'subject',
  ImportTicketStatuses: 'name',
  ImportTemplates: 'name',
  ImportArticles: 'title',
  ImportArticleSections: 'name',
  ImportSurveys: 'name',
  ImportTopics: 'name',
  ImportForms: 'name',
  ImportSegments: 'name',
  ImportCampaigns: 'name',
};

/** The content type of the file of an operation. */
export function fileTypeOf({ method }: RestRoute): string {
  return method.name === 'ReceiveMail' ? 'message/rfc822' : 'text/csv';
}

/** Files of another form. */
const files: Readonly<Record<string, () => string>> = {
  ImportAllFlows: () =>
    JSON.stringify({
      flow: {
        ...{ key: newMarker(), name: 'X' },
        definition: { trigger: { manual: {} }, steps: [someStep] },
      },
    }),
  ImportReferenceRates: () => 'Date,USD\n2026-11-27,1.0834\n',
  ImportFlow: () =>
    JSON.stringify({
      document: { dsl: '1.0.0', namespace: 'a', name: newMarker(), version: '1.0.0' },
      evaluate: { language: 'cel' },
      do: [{ pause: { wait: { seconds: 1 } } }],
    }),
};

/** The same of the query. */
const queryParticulars: Readonly<Record<string, Json>> = {
  ExplainPermission: { permission: 'customers.read' },
  UpsertEmail: { match: 'message_id' },
  UpsertPriceBook: { match: 'key' },
  UpsertQueue: { match: 'key' },
  UpsertProduct: { match: 'sku' },
  UpsertTemplate: { match: 'key' },
  UpsertForm: { match: 'key' },
  UpsertArticle: { match: 'external_ids', matchSystem: 'erp' },
  UpsertArticleSection: { match: 'slug' },
  SearchArticles: { q: 'password' },
  UpsertQuote: { match: 'external_ids', matchSystem: 'erp' },
};

/** A valid request about existing records. */
export function validRequest(contract: Contract, route: RestRoute, records: TenantRecords): OperationRequest {
  const { path, query, body } = route.fields;
  const isFile = route.bodyUsage === 'file' || route.method.name in files;
  const hasJsonBody = route.bodyUsage === 'input' || route.bodyUsage === 'patch';
  const parts = {
    params: Object.fromEntries(path.map((field) => [field.jsonName, exampleOf(contract, field)])),
    query: { ...requiredOf(contract, query), ...queryParticulars[route.method.name] },
    headers: {},
    body:
      body?.message && hasJsonBody
        ? { ...exampleBody(contract, route, body.message), ...particulars[route.method.name]?.() }
        : undefined,
  };
  const request: OperationRequest = {
    route,
    parts,
    file: isFile
      ? (files[route.method.name]?.() ?? `${fileColumns[route.method.name] ?? 'displayName'}\n${newMarker()}\n`)
      : undefined,
  };
  const used = new Set<string>();
  return references(contract, route).reduce((filled, { place, collection, write = String }) => {
    if (valueAt(filled.parts, place) === undefined) return filled;
    const ids = used.has(collection) ? records.others : idsFor(route, records);
    used.add(collection);
    const id = ids[collection];
    if (id === undefined) throw new Error(`${route.method.name}: no record of ${collection} to ask for.`);
    return withValue(filled, place, write(id));
  }, request);
}

/** The request with another value in one place. */
export function withValue(request: OperationRequest, place: Place, value: unknown): OperationRequest {
  const parts = structuredClone(request.parts) as unknown as Json;
  const [last = '', ...before] = [...place].reverse();
  const target = before.reverse().reduce<Json>((object, step, index) => {
    const isList = typeof (place[index + 1] ?? '') === 'number';
    return (object[step] ??= isList ? [] : {}) as Json;
  }, parts);
  target[last] = value;
  return { ...request, parts: parts as unknown as OperationRequest['parts'] };
}

/** A value of a field's type, in JSON, that is not what any record has. */
export function forgedValue(field: DescField): unknown {
  const value = forgedItem(field);
  return field.fieldKind === 'list' ? [value] : value;
}

function forgedItem({ enum: values, message, scalar }: DescField): unknown {
  if (values) return values.values.at(-1)?.localName;
  if (message?.typeName === 'google.protobuf.Timestamp') return '2001-02-03T04:05:06Z';
  if (message) return {};
  if (scalar === ScalarType.BOOL) return true;
  return scalar === undefined || scalar === ScalarType.STRING ? crypto.randomUUID() : 4711;
}

/** Undelete needs a deleted record. */
function idsFor({ method }: RestRoute, records: TenantRecords) {
  return method.name.startsWith('Undelete') ? { ...records.living, ...records.deleted } : records.living;
}

function exampleBody(contract: Contract, { bodyUsage }: RestRoute, message: DescMessage): Json {
  const settable = message.fields.filter(
    (field) =>
      !contract.is(field, FieldBehavior.OUTPUT_ONLY) &&
      (bodyUsage !== 'patch' || !contract.is(field, FieldBehavior.IMMUTABLE)),
  );
  const required = bodyUsage === 'patch' ? {} : requiredOf(contract, settable);
  const other = settable.find(
    (field) => field.scalar !== undefined && !(field.jsonName in required) && contract.rules(field).example !== '',
  );
  return { ...required, ...(other && { [other.jsonName]: exampleOf(contract, other) }) };
}

function requiredOf(contract: Contract, fields: readonly DescField[]): Json {
  const required = fields.filter((field) => contract.is(field, FieldBehavior.REQUIRED));
  return Object.fromEntries(required.map((field) => [field.jsonName, exampleOf(contract, field)]));
}

function exampleOf(contract: Contract, field: DescField): unknown {
  const value = exampleItem(contract, field);
  return field.fieldKind === 'list' ? [value] : value;
}

function exampleItem(contract: Contract, field: DescField): unknown {
  const { example } = contract.rules(field);
  if (example !== '') return JSON.parse(example) as unknown;
  if (field.message && !field.message.typeName.startsWith('google.'))
    return requiredOf(
      contract,
      field.message.fields.filter((inner) => !contract.is(inner, FieldBehavior.OUTPUT_ONLY)),
    );
  return field.enum ? field.enum.values[1]?.localName : forgedItem(field);
}

function valueAt(value: unknown, place: Place): unknown {
  return place.reduce<unknown>((inner, step) => (inner as Json | undefined)?.[step], value);
}
