import { Policy, TrafficClass } from '@rapport/contracts/rapport/api/v1/options';
import {
  camelCase,
  filterNames,
  filterTags,
  groupNames,
  listTags,
  orderNames,
  pathTags,
  permissionTo,
  searchNames,
  shapeTags,
  sumNames,
  type Declared,
} from './declared.ts';
import type { StandardMethod } from './standard-method.ts';

const shared = 'rapport.api.v1';
const bulk = { trafficClass: TrafficClass.BULK, cost: 100, deadlineMs: 3_600_000 };

/** Methods that change nothing. */
export const readVerbs = { get, list, batchGet, aggregate, export: exportRecords, listHistory };

function get(declared: Declared): StandardMethod {
  const { record, names } = declared;
  const { type, types, noun, collection, field } = names;
  return {
    name: `Get${type}`,
    comment: `Gets one ${noun}. NOT_FOUND when it does not exist, is deleted, or is not visible to the caller.`,
    request: `${shared}.GetRecordRequest`,
    response: type,
    http: { verb: 'get', path: `/v1/${collection}/{id}` },
    policy: Policy.fromPartial({
      permission: permissionTo(record, 'read'),
      idempotent: true,
      // Records of one parent are not got together with those of another.
      ...(record.parent === undefined && { joinedBy: `BatchGet${types}` }),
      cache: { ttlSeconds: 50, tags: [`${field}:{id}`, ...shapeTags(declared)], staleIfErrorSeconds: 600 },
    }),
    messages: [],
  };
}

function list(declared: Declared): StandardMethod {
  const { record, names } = declared;
  const { type, types, one, nouns, collection, fields } = names;
  const { order } = record.options;
  const { live, deleted } = orderNames(declared);
  const sentences = [
    `\`filter\` compares ${listed(filterNames(declared))}.`,
    `\`orderBy\` takes ${listed(live)}${record.options.readOnly ? '' : `; of deleted ${nouns} ${listed(deleted)}`}.`,
    ...(order === 'create_time' ? [] : [`The order is \`${camelCase(order)} desc\` when unset.`]),
    `\`q\` searches ${listed(searchNames(declared))}.`,
  ];
  return {
    name: `List${types}`,
    comment:
      `Lists ${nouns} page by page. Pages follow one total order: ${one} that does not change meanwhile is on exactly ` +
      `one page. INVALID_ARGUMENT names the position of an error in \`filter\`.\n\n${sentences.join(' ')}`,
    request: `${shared}.ListRecordsRequest`,
    response: `List${types}Response`,
    http: { verb: 'get', path: `/v1/${collection}` },
    policy: Policy.fromPartial({
      permission: permissionTo(record, 'read'),
      idempotent: true,
      cost: 2,
      cache: listCache(declared),
    }),
    messages: [
      {
        name: `List${types}Response`,
        comment: `Response of List${types}.`,
        fields: [
          { comment: `The ${nouns} of the page.`, declaration: `repeated ${type} ${fields} = 1` },
          {
            comment: 'Get the next page with it. Absent on the last page.',
            declaration: 'optional string next_page_token = 2',
          },
          {
            comment: `Number of ${nouns} of all pages, as exact as \`total\` asks for. Absent when it asks for none.`,
            declaration: 'optional int32 total_size = 3',
          },
        ],
      },
    ],
  };
}

function batchGet(declared: Declared): StandardMethod {
  const { record, names } = declared;
  const { type, types, nouns, collection, field, fields } = names;
  return {
    name: `BatchGet${types}`,
    comment:
      `Gets up to 100 ${nouns} at once, in the order of \`ids\`. Ids that Get${type} would not find are listed apart. With ` +
      `\`filter\` the response also lists the ${nouns} that do not meet it. INVALID_ARGUMENT names the position of an error ` +
      'in `filter`.',
    request: `${shared}.BatchGetRecordsRequest`,
    response: `BatchGet${types}Response`,
    http: { verb: 'get', path: `/v1/${collection}:batchGet` },
    policy: Policy.fromPartial({
      permission: permissionTo(record, 'read'),
      idempotent: true,
      cost: 2,
      cache: {
        ttlSeconds: 50,
        tags: [`${field}:{ids}`, ...shapeTags(declared)],
        filterTags,
        staleIfErrorSeconds: 600,
      },
    }),
    messages: [
      {
        name: `BatchGet${types}Response`,
        comment: `Response of BatchGet${types}.`,
        fields: [
          {
            comment: `The ${nouns} found, in the order of the ids. A repeated id is answered once.`,
            declaration: `repeated ${type} ${fields} = 1`,
          },
          { comment: 'The ids that were not found.', declaration: 'repeated string missing_ids = 2' },
          {
            comment: `The ids of those \`${fields}\` that do not meet \`filter\`. Empty without a filter.`,
            declaration: 'repeated string unmet_ids = 3',
          },
        ],
      },
    ],
  };
}

function aggregate(declared: Declared): StandardMethod {
  const { record, names } = declared;
  const { types, nouns, collection } = names;
  return {
    name: `Aggregate${types}`,
    comment:
      `Counts ${nouns} and sums numbers over a filter, optionally in groups. \`groupBy\` takes ${listed(groupNames(declared))}; ` +
      `\`sum\` takes ${listed(sumNames(declared))}.`,
    request: `${shared}.AggregateRecordsRequest`,
    response: `${shared}.AggregateRecordsResponse`,
    http: { verb: 'get', path: `/v1/${collection}:aggregate` },
    policy: Policy.fromPartial({
      permission: permissionTo(record, 'read'),
      idempotent: true,
      cost: 10,
      trafficClass: TrafficClass.BULK,
      cache: listCache(declared),
    }),
    messages: [],
  };
}

function exportRecords({ record, names }: Declared): StandardMethod {
  const { types, nouns, collection } = names;
  const imported = record.options.readOnly
    ? ''
    : `\n\nImport${types} reads these files, and an unchanged export changes nothing. A CSV file does not hold values of deleted ` +
      'custom fields, parts of list items other than the required one, `etag`, `created_by` and `updated_by`. NDJSON has all ' +
      'fields.';
  return {
    name: `Export${types}`,
    comment:
      `Exports all live ${nouns} that a filter meets, as of one moment, in the order of their ids. The file is written while the ` +
      'caller reads it; a file that is not complete ends with a broken connection. ABORTED READER_TOO_SLOW for a caller that ' +
      `reads fewer than 200 ${nouns} a minute, or fewer than 100 a second while another tenant waits for a place. ` +
      `RESOURCE_EXHAUSTED while two exports of the tenant run, or too many of other tenants.${imported}`,
    request: `${shared}.ExportRecordsRequest`,
    response: 'stream google.api.HttpBody',
    http: { verb: 'get', path: `/v1/${collection}:export` },
    policy: Policy.fromPartial({ permission: permissionTo(record, 'read'), idempotent: true, ...bulk }),
    messages: [],
  };
}

function listHistory({ record, names }: Declared): StandardMethod {
  const { type, one, collection } = names;
  return {
    name: `List${type}History`,
    comment:
      `Lists the changes of ${one}, the newest first, also after its deletion. NOT_FOUND when neither the change log nor the ` +
      'tenant has it.',
    request: `${shared}.ListRecordHistoryRequest`,
    response: `${shared}.ListRecordHistoryResponse`,
    http: { verb: 'get', path: `/v1/${collection}/{id}/history` },
    policy: Policy.fromPartial({ permission: permissionTo(record, 'read'), idempotent: true, cost: 2 }),
    messages: [],
  };
}

/** How answers about all records that a filter meets may be kept. */
function listCache(declared: Declared) {
  return {
    ttlSeconds: 20,
    tags: listTags(declared),
    filterTags,
    // What the list itself depends on need not be said again.
    pathTags: pathTags(declared).filter((tag) => !listTags(declared).includes(tag)),
    staleIfErrorSeconds: 600,
  };
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'no field' : names.join(', ').replace(/, ([^,]+)$/, ' and $1');
}
