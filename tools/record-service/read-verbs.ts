import { camelCase } from '@rapport/contracts';
import { Policy, TrafficClass } from '@rapport/contracts/rapport/api/v1/options';
import {
  filterNames,
  filterTags,
  groupNames,
  listTags,
  notFoundCode,
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

const invalidFilter = 'An invalid `filter` fails with `400 VALIDATION_FAILED`, which has the position of the error.';

/** Methods that change nothing. */
export const readVerbs = { get, list, batchGet, aggregate, export: exportRecords, listHistory };

function get(declared: Declared): StandardMethod {
  const { record, names } = declared;
  const { type, types, one, collection, field } = names;
  return {
    name: `Get${type}`,
    comment: `Gets ${one}. Fails with ${notFoundCode(names)} if it does not exist, is deleted, or is not visible to the caller.`,
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
    `\`filter\` supports ${listed(filterNames(declared))}.`,
    `\`orderBy\` supports ${listed(live)}${record.options.readOnly ? '' : `; for deleted ${nouns}, ${listed(deleted)}`}.`,
    ...(order === 'create_time' ? [] : [`\`orderBy\` defaults to \`${camelCase(order)} desc\`.`]),
    `\`q\` searches ${listed(searchNames(declared).map(camelCase))}.`,
  ];
  return {
    name: `List${types}`,
    comment:
      `Lists ${nouns} page by page. Pages follow one total order: ${one} that does not change meanwhile is on exactly one page. ` +
      `${invalidFilter}\n\n${sentences.join(' ')}`,
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
        comment: `A page of ${nouns}.`,
        fields: [
          { comment: `The ${nouns} of the page.`, declaration: `repeated ${type} ${fields} = 1` },
          {
            comment: 'Token of the next page, to send as `pageToken`. Absent on the last page.',
            declaration: 'optional string next_page_token = 2',
          },
          {
            comment: `Number of ${nouns} on all pages, as exact as \`total\` requests. Absent if not requested.`,
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
      `Gets up to 100 ${nouns} at once, in the order of \`ids\`. Ids that are not found are listed in \`missingIds\`. With ` +
      `\`filter\`, the response also lists the ${nouns} that do not match it in \`unmetIds\`. ${invalidFilter}`,
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
        comment: `The requested ${nouns}.`,
        fields: [
          {
            comment: `The ${nouns} found, in the order of the ids. A repeated id is returned once.`,
            declaration: `repeated ${type} ${fields} = 1`,
          },
          { comment: 'The ids that were not found.', declaration: 'repeated string missing_ids = 2' },
          {
            comment: `The ids of those \`${camelCase(fields)}\` that do not match \`filter\`. Empty without a filter.`,
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
      `Counts ${nouns} and sums numbers over a filter, optionally in groups. \`groupBy\` supports ${listed(groupNames(declared))}; ` +
      `\`sum\` supports ${listed(sumNames(declared))}.`,
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
    : `\n\n\`POST /v1/${collection}:import\` accepts the exported files, and importing an unchanged export changes nothing. A CSV ` +
      'file omits values of deleted custom fields, parts of list items other than the required one, `etag`, `createdBy` and ' +
      '`updatedBy`. NDJSON has all fields.';
  return {
    name: `Export${types}`,
    comment:
      `Exports all live ${nouns} that match a filter, as of one moment, ordered by id. The file is streamed; an incomplete file ends ` +
      'with a broken connection. Errors: `409 READER_TOO_SLOW` if the client reads fewer than 200 ' +
      `${nouns} a minute, or fewer than 100 a second while another tenant waits; \`429 TOO_MANY_EXPORTS\` while two exports of the ` +
      `tenant run, or too many of all tenants.${imported}`,
    request: `${shared}.ExportRecordsRequest`,
    response: 'stream google.api.HttpBody',
    http: { verb: 'get', path: `/v1/${collection}:export` },
    policy: Policy.fromPartial({ permission: permissionTo(record, 'read'), idempotent: true, ...bulk }),
    messages: [],
  };
}

function listHistory({ record, names }: Declared): StandardMethod {
  const { type, noun, nouns, one, collection } = names;
  return {
    name: `List${type}History`,
    comment:
      `Lists the changes of ${one}, newest first. Includes deleted ${nouns}. Fails with ${notFoundCode(names)} if neither the change ` +
      `log nor the tenant has the ${noun}.`,
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
