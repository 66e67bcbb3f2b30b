import * as icons from '../gen/icons.ts';
import { theContract, type Field, type Resource } from '../contract/contract.ts';
import { textAt, type Json } from '../contract/json.ts';
import type { IconType } from '../kit/ui.tsx';

/** What the contract does not say about a resource. One that is not known here is shown as its fields suggest. */
export interface Hints {
  icon: IconType;
  /** Field that names a record. */
  title: string;
  /** Field that refers to the record without which the name says little: the connection of a mapping. */
  within?: string;
  /** Field that refers to the other record that it links: beside one of both, the other is shown in its place. */
  link?: string;
  /** Columns of its list after the name, unless a view has others. */
  columns: readonly string[];
  /** Columns of the second line of a row, on a phone: at the left, and at the right of the first line. */
  detail?: string;
  figure?: string;
  /** The sign of a record; none for what is neither a party nor a machine. */
  face?: (record: Json) => 'person' | 'company' | 'machine';
  /** Where a record is opened, if not at its own screen. */
  path?: (record: Json) => string;
  board?: BoardHint;
}

/** How a collection is shown as a board: which fields make the columns and the cards. */
export interface BoardHint {
  /** Field that says the column of a card. */
  column: string;
  /** Field that refers to the pipeline whose stages are the columns; without it, the columns are the values of the enum. */
  pipeline?: string;
  title: string;
  /** Field that refers to the company or person of a card. */
  subject?: string;
  /** Money, summed in the head of a column. */
  amount?: string;
  date?: string;
  /** When the card entered its column. */
  since: string;
}

const auditEntry: Hints = {
  icon: icons.Link,
  title: 'kind',
  columns: ['number', 'actor', 'origin', 'records', 'recordCount', 'requestId', 'time'],
  detail: 'actor',
  figure: 'number',
};

/** What the contract does not say, by the name of a resource or of its items. */
const known: Readonly<Record<string, Hints>> = {
  auditEntries: auditEntry,
  articles: {
    icon: icons.Table2,
    title: 'title',
    columns: ['state', 'changedSincePublish', 'sectionId', 'locale', 'audience', 'updateTime'],
    detail: 'state',
    figure: 'locale',
  },
  campaignRecipients: {
    icon: icons.Send,
    title: 'state',
    columns: ['customerId', 'reason', 'variantKey', 'handOverTime', 'isHumanClick', 'relayReply'],
    detail: 'customerId',
    figure: 'handOverTime',
  },
  campaigns: {
    icon: icons.Megaphone,
    title: 'name',
    columns: ['state', 'topicKey', 'startTime', 'doneTime', 'winnerKey', 'updateTime'],
    detail: 'state',
    figure: 'startTime',
    path: (record) => `/campaigns/${textAt(record, 'id')}/mailing`,
  },
  customObjects: {
    icon: icons.Boxes,
    title: 'displayNamePlural',
    columns: ['key', 'displayName', 'description', 'updateTime'],
    detail: 'key',
    path: ({ key }) => `/objects/${String(key)}`,
  },
  customers: {
    icon: icons.Users,
    title: 'displayName',
    columns: ['lifecycleStage', 'companyName', 'countryCode', 'ownerId', 'emails', 'updateTime'],
    detail: 'lifecycleStage',
    figure: 'countryCode',
    face: ({ kind }) => (kind === 'COMPANY' ? 'company' : 'person'),
    board: { column: 'lifecycleStage', title: 'displayName', since: 'lifecycleStageTime' },
  },
  deals: {
    icon: icons.SquareKanban,
    title: 'title',
    columns: ['stage', 'status', 'customerId', 'ownerId', 'amount', 'closeDate', 'updateTime'],
    detail: 'stage',
    figure: 'amount',
    board: {
      column: 'stage',
      pipeline: 'pipelineId',
      title: 'title',
      subject: 'customerId',
      amount: 'amount',
      date: 'closeDate',
      since: 'stageTime',
    },
  },
  deliveryLimits: {
    icon: icons.Gauge,
    title: 'match',
    columns: ['state', 'rate', 'connections', 'lastReply'],
    detail: 'state',
  },
  erasures: {
    icon: icons.EyeOff,
    title: 'reason',
    columns: ['customerIds', 'createdBy', 'createTime'],
    detail: 'customerIds',
    figure: 'createTime',
  },
  flowEnrollments: {
    icon: icons.Route,
    title: 'state',
    columns: ['customerId', 'flowId', 'step', 'nextTime', 'exitReason', 'entryTime', 'endTime'],
    detail: 'customerId',
  },
  flowRuns: {
    icon: icons.ListTree,
    title: 'flowId',
    columns: ['record', 'state', 'startTime', 'endTime'],
    detail: 'record',
    figure: 'state',
  },
  flows: {
    icon: icons.Workflow,
    title: 'name',
    columns: ['state', 'activeVersion', 'hasUnpublishedChanges', 'updateTime', 'updatedBy'],
    detail: 'state',
  },
  forms: {
    icon: icons.FileInput,
    title: 'name',
    columns: ['state', 'topicKeys', 'isDoubleOptIn', 'createsLead', 'campaignId', 'updateTime'],
    detail: 'state',
    path: (record) => `/forms/${textAt(record, 'id')}/design`,
  },
  mailboxes: {
    icon: icons.Mail,
    title: 'address',
    columns: ['state', 'kind', 'relayId', 'lagSeconds', 'isDefault', 'stateReason'],
    detail: 'state',
  },
  mappings: {
    icon: icons.ArrowLeftRight,
    title: 'recordType',
    within: 'connectionId',
    columns: ['state', 'customerKind', 'direction', 'policy', 'errorReason', 'updateTime'],
    detail: 'state',
  },
  objectRecords: {
    icon: icons.Box,
    title: 'name',
    columns: ['ownerId', 'updateTime'],
    detail: 'ownerId',
  },
  pipelines: {
    icon: icons.Milestone,
    title: 'name',
    columns: ['stages', 'transitions', 'updateTime', 'updatedBy'],
    detail: 'transitions',
    path: (record) => `/pipelines/${textAt(record, 'id')}/stages`,
  },
  securityEvents: auditEntry,
  segmentMembers: {
    icon: icons.Users,
    title: 'customerId',
    link: 'segmentId',
    columns: ['segmentId', 'joinTime'],
    detail: 'segmentId',
    figure: 'joinTime',
    path: (record) => `/customers/${textAt(record, 'customerId')}`,
  },
  segments: {
    icon: icons.Users,
    title: 'name',
    columns: ['kind', 'state', 'size', 'filter', 'updateTime'],
    detail: 'state',
    figure: 'size',
    path: (record) => `/segments/${textAt(record, 'id')}/definition`,
  },
  slaPolicies: {
    icon: icons.Timer,
    title: 'name',
    columns: ['state', 'order', 'filter', 'calendarId', 'updateTime'],
    detail: 'state',
    path: (record) => `/slaPolicies/${textAt(record, 'id')}/targets`,
  },
  syncRuns: {
    icon: icons.RefreshCw,
    title: 'kind',
    columns: ['mappingId', 'state', 'dryRun', 'isAutomatic', 'errorReason', 'startTime', 'endTime'],
    detail: 'mappingId',
    figure: 'state',
  },
  tickets: {
    icon: icons.Ticket,
    title: 'subject',
    columns: ['number', 'status', 'priority', 'customerId', 'ownerId', 'queueId', 'nextDueTime', 'updateTime'],
    detail: 'status',
    figure: 'number',
  },
  topics: {
    icon: icons.Tags,
    title: 'name',
    columns: ['key', 'legalBasis', 'isDoubleOptIn', 'cap', 'updateTime'],
    detail: 'legalBasis',
  },
  users: {
    icon: icons.UserRound,
    title: 'displayName',
    columns: ['email', 'state', 'roleIds', 'teamId', 'twoFactor', 'updateTime'],
    detail: 'email',
    face: () => 'person',
  },
  webhookDeliveries: {
    icon: icons.Webhook,
    title: 'eventType',
    columns: ['state', 'endpointId', 'attemptCount', 'createTime'],
    detail: 'state',
    face: () => 'machine',
  },
};

const names = 'displayName title subject name email purpose eventType url address key type'.split(' ');
/** What names a record that has no name of its own: a lead its customer, a price its product, a rate its currency. */
const subjects = 'customerId productId userId baseCurrency'.split(' ');
const titles = [...names, 'stage', 'kind', 'id'];
const unfit = new Set(
  'id etag tenantId previousHash hash traceparent createdBy updatedBy deleteTime currency'.split(' '),
);

/** The hints of a resource: those that are known, else what its fields suggest. Each row of a list asks for them. */
export function hintsOf(resource: Resource): Hints {
  const found = known[resource.name] ?? known[resource.items] ?? suggested.get(resource);
  if (found) return found;
  const hints = suggestedHints(resource);
  suggested.set(resource, hints);
  return hints;
}

const suggested = new WeakMap<Resource, Hints>();

function suggestedHints({ message }: Resource): Hints {
  const fields = theContract().fields(message);
  const called = [...names, ...subjects, ...titles].find((each) => fields.some((field) => field.name === each));
  const title = called ?? fields[0]?.name ?? 'id';
  const plain = fields.filter(
    (field) => field.name !== title && !unfit.has(field.name) && !field.secret && isColumn(field),
  );
  const best = new Set(plain.toSorted((one, other) => rank(one) - rank(other)).slice(0, 7));
  const columns = plain.filter((field) => best.has(field));
  const enums = columns.filter(({ type }) => type === 'enum');
  const detail =
    enums.find(({ name: each }) => isState(each)) ?? enums[0] ?? columns.find(({ type }) => type === 'text');
  const figure = columns.find(({ of }) => of === 'Money');
  return {
    ...{ icon: icons.Table2, title, columns: columns.map((field) => field.name) },
    ...(detail && { detail: detail.name }),
    ...(figure && { figure: figure.name }),
  };
}

function isColumn({ type, of, list }: Field): boolean {
  return of === 'Money' ? !list : !['message', 'object', 'bytes', 'mask'].includes(type);
}

function isState(name: string): boolean {
  return name === 'state' || name === 'status';
}

/** The state, the sum and the people of a record come before its other fields, and texts to read after them. */
function rank({ name, of, maxLength = 0 }: Field): number {
  if (isState(name) || name === 'customerId' || name === 'ownerId' || of === 'Money') return 0;
  return maxLength > 300 || name === 'createTime' ? 2 : 1;
}

/** The name of a record: its field by the hints of its resource, or the first one that names things. */
export function titleOf(record: Json | undefined, resource?: Resource): string {
  const fields = resource ? [hintsOf(resource).title, ...titles] : titles;
  return fields.map((name) => textAt(record, name)).find((name) => name !== '') ?? '';
}
