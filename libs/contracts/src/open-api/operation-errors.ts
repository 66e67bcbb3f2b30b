import type { DescField } from '@bufbuild/protobuf';
import type { Contract } from '../descriptors/load-contract.js';
import { errorCodes, statusOfError } from '../errors/error-codes.js';
import type { ErrorCodeMeaning, requestErrorCodes } from '../errors/shared-error-codes.js';
import { recordContracts, type RecordContract } from '../records/record-contract.js';
import type { RestRoute } from '../rest/rest-route.js';
import { constantCase } from '../values/letter-case.js';

type RequestErrorCode = keyof typeof requestErrorCodes;

/** The codes of a contract, and the types of records that some are made of, by names such as `CUSTOMER`. */
export interface ContractCodes {
  all: ReadonlyMap<string, ErrorCodeMeaning>;
  records: ReadonlyMap<string, RecordContract>;
}

export function codesOfContract(contract: Contract): ContractCodes {
  const records = new Map(recordContracts(contract).map((record) => [constantCase(record.singular), record]));
  return { all: errorCodes([...records.keys()]), records };
}

/**
 * The codes of the problems that an operation can answer, with their HTTP statuses: those that follow from the parts of its request,
 * those that its policy and its comments name, and for the ids in its path, that there is no such resource.
 *
 * @throws Error for a code of the policy that no problem has
 */
export function codesOfOperation(
  contract: Contract,
  route: RestRoute,
  { all, records }: ContractCodes,
): Map<string, number> {
  const { method, fields, path } = route;
  const parameters: DescField[] = [...fields.path, ...fields.query, ...(fields.body ? [fields.body] : [])];
  const comments = [method.desc, ...parameters].map((each) => contract.comment(each)).join(' ');
  const named = statusesInComments(comments);
  const places = path.template.split('/').filter((_, index, steps) => steps[index + 1]?.startsWith('{'));
  const absent = places.map((place) => `${constantOf(place)}_NOT_FOUND`);
  // The name of the method says of what its path has the id, also where records are in the collection of a parent. The path of a
  // method on a collection has the id of the parent alone.
  if (fields.path.length > 0 && !/^(?:List(?!.*History$)|Create|Aggregate|Export|Import|Upsert)/.test(method.name)) {
    const subject = method.name.replace(/^[A-Z][a-z]+/, '').replace(/History$/, '');
    absent.push(`${constantOf(subject)}_NOT_FOUND`);
  }
  // The resource name of a record of any type.
  const isOfAnyRecord = fieldsOf(route).some((field) => contract.reference(field) === '*');
  const ofRecords = isOfAnyRecord ? [...records.keys()].map((constant) => `${constant}_NOT_FOUND`) : [];
  const { errors } = method.policy;
  const unknown = errors.find((code) => !all.has(code));
  if (unknown !== undefined) throw new Error(`${method.path}: no problem has the code ${unknown}.`);
  const found = [
    ...codesOfRequest(route),
    ...named.keys(),
    ...errors,
    ...absent,
    ...ofRecords,
    ...codesOfRecord(route, records),
  ];
  // What was erased is as absent as what never was.
  const erased = found.map((code) => code.replace(/_NOT_FOUND$/, '_ERASED'));
  const known = [...found, ...erased].flatMap((code) => {
    const meaning = all.get(code);
    return meaning ? [[code, named.get(code) ?? statusOfError(code, meaning)] as const] : [];
  });
  return new Map(known);
}

/**
 * The codes that comments name in backticks. A code without them is that of a field error. A status before the code is that of this
 * operation: restoring a deal fails with `409 PIPELINE_NOT_FOUND`.
 */
function statusesInComments(comments: string): ReadonlyMap<string, number | undefined> {
  const named = new Map<string, number | undefined>();
  for (const [, status, code = ''] of comments.matchAll(/`(?:(\d{3}) )?([A-Z][A-Z0-9_]*)`/g))
    named.set(code, status === undefined ? named.get(code) : Number(status));
  return named;
}

function fieldsOf({ fields: { path, query, body } }: RestRoute): DescField[] {
  return [...path, ...query, ...(body?.message?.fields ?? [])];
}

/** Codes by their HTTP status, lowest status first. */
export function byStatus(statuses: ReadonlyMap<string, number>): ReadonlyMap<number, string[]> {
  const groups = Map.groupBy(statuses.keys(), (name) => statuses.get(name) ?? 500);
  return new Map([...groups].toSorted(([one], [other]) => one - other));
}

/** Parameters that may name fields with personal data. */
const hidden = ['filter', 'order_by', 'q', 'group_by', 'sum'];

function codesOfRequest({ method: { policy }, fields, verb, isConditional }: RestRoute): string[] {
  const has = (name: string) => fields.header.some((header) => header.name === name);
  const every: RequestErrorCode[] = [
    ...(['VALIDATION_FAILED', 'REQUEST_MALFORMED', 'RATE_LIMITED', 'TOO_MANY_CONCURRENT'] as const),
    ...([
      'TOO_MANY_FAILED_AUTHENTICATIONS',
      'INTERNAL',
      'OVERLOADED',
      'SERVICE_UNAVAILABLE',
      'SERVICE_STOPPING',
    ] as const),
    ...(['DATABASE_UNAVAILABLE', 'DATABASE_TIMEOUT', 'DEADLINE_EXCEEDED', 'KEYS_UNAVAILABLE', 'KEYS_LOST'] as const),
  ];
  return [
    ...every,
    ...(policy.public && !policy.provenBy ? [] : (['CREDENTIAL_MISSING', 'CREDENTIAL_INVALID'] as const)),
    ...(policy.public ? [] : (['PERMISSION_MISSING'] as const)),
    ...(policy.permission.startsWith('account.') ? (['USER_NEEDED'] as const) : []),
    ...(fields.query.some(({ name }) => hidden.includes(name)) ? (['FIELD_HIDDEN'] as const) : []),
    ...(fields.query.some(({ name }) => name === 'as_of') ? (['HISTORY_EXPIRED', 'HISTORY_ERASED'] as const) : []),
    ...(has('if-match') ? (['ETAG_MISMATCH'] as const) : []),
    ...(has('idempotency-key')
      ? (['IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_KEY_IN_USE', 'IDEMPOTENCY_ANSWER_ERASED'] as const)
      : []),
    // Reads that sort more than fits into memory can meet a full volume, too: that is one of the rare 5XX.
    ...(verb === 'GET' ? [] : (['CONCURRENT_WRITE', 'STORAGE_FULL'] as const)),
    // A request may bring a body that the operation does not have.
    ...(verb !== 'GET' ? (['BODY_TOO_LARGE', 'CONTENT_TYPE_UNSUPPORTED', 'REQUEST_TIMEOUT'] as const) : []),
    ...(has('range') && !isConditional ? (['RANGE_NOT_SATISFIABLE'] as const) : []),
  ];
}

/** What the record engine answers to the standard methods of a type. */
function codesOfRecord({ method }: RestRoute, records: ContractCodes['records']): string[] {
  const [, verb = '', type = ''] = standardMethod.exec(method.name) ?? [];
  const constant = constantOf(type);
  const record = records.get(constant);
  if (!record) return [];
  const unique = record.fields.filter(({ index, parts }) => index.unique || parts.some((part) => part.index.unique));
  const taken = unique.map(({ name }) => `${constantOf(name)}_TAKEN`);
  const written = ['EXTERNAL_ID_TAKEN', 'OWNER_OUT_OF_SCOPE', ...taken];
  switch (verb) {
    case 'Export':
      return ['TOO_MANY_EXPORTS', 'READER_TOO_SLOW'];
    case 'Import':
      return ['TOO_MANY_IMPORTS', 'IMPORT_CONFLICT', 'UPLOAD_CANCELLED'];
    case 'Undelete':
      return [...written, `${constant}_NOT_DELETED`];
    case 'Create':
    case 'Upsert':
      return [...written, `${constant}_CREATED_BEFORE`];
    case 'BatchUpdate':
    case 'BatchDelete':
      return [...written, `${constant}_NOT_FOUND`, 'ETAG_MISMATCH'];
    default:
      return written;
  }
}

const standardMethod = /^(BatchCreate|BatchUpdate|BatchDelete|Create|Update|Undelete|Upsert|Import|Export)(\w+)$/;

/** `CUSTOM_FIELD` for `customFields` and `CustomField`. */
function constantOf(name: string): string {
  return constantCase(
    name
      .replace(/ies$/, 'y')
      .replace(/uses$/, 'us')
      .replace(/(?<!u)s$/, ''),
  );
}
