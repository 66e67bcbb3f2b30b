import type { DescField } from '@bufbuild/protobuf';
import type { Contract } from '../descriptors/load-contract.js';
import { requestErrorCodes, statusOfError, type ErrorCodeMeaning } from '../errors/error-codes.js';
import type { RestRoute } from '../rest/rest-route.js';

type RequestErrorCode = keyof typeof requestErrorCodes;

/**
 * The codes of the problems that an operation can answer: those that follow from the parts of its request, those that its policy and
 * its comments name, and for the ids in its path, that there is no such resource.
 */
export function codesOfOperation(
  contract: Contract,
  route: RestRoute,
  codes: ReadonlyMap<string, ErrorCodeMeaning>,
): string[] {
  const { method, fields, path } = route;
  const parameters: DescField[] = [...fields.path, ...fields.query, ...(fields.body ? [fields.body] : [])];
  const comments = [method.desc, ...parameters].map((each) => contract.comment(each)).join(' ');
  const named = comments.match(/[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+/g) ?? [];
  const places = [...path.template.matchAll(/(\w+)\/\{/g)].map(([, collection = '']) => collection);
  const absent = places.map((place) => [...codes.keys()].find((code) => code === `${constantOf(place)}_NOT_FOUND`));
  // The resource name of a record of any type.
  const isOfAnyRecord = fieldsOf(route).some((field) => contract.reference(field) === '*');
  const records = isOfAnyRecord
    ? [...codes.keys()].filter(
        (code) => /_NOT_FOUND$/.test(code) && codes.has(code.replace(/NOT_FOUND$/, 'CREATED_BEFORE')),
      )
    : [];
  const found = [
    ...codesOfRequest(route),
    ...named,
    ...method.policy.errors,
    ...absent,
    ...records,
    ...codesOfRecord(route, codes),
  ];
  return [...new Set(found)].filter((code) => code !== undefined && codes.has(code)) as string[];
}

function fieldsOf({ fields: { path, query, body } }: RestRoute): DescField[] {
  return [...path, ...query, ...(body?.message?.fields ?? [])];
}

/** Codes by their HTTP status, lowest status first. */
export function byStatus(
  names: readonly string[],
  codes: ReadonlyMap<string, ErrorCodeMeaning>,
): ReadonlyMap<number, string[]> {
  const status = (name: string) => statusOfError(name, codes.get(name) ?? ['INTERNAL', '']);
  return Map.groupBy(
    names.toSorted((one, other) => status(one) - status(other)),
    status,
  );
}

function codesOfRequest({ method: { policy }, fields, verb, isConditional }: RestRoute): RequestErrorCode[] {
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
    ...(['DATABASE_UNAVAILABLE', 'DATABASE_TIMEOUT', 'DEADLINE_EXCEEDED'] as const),
  ];
  return [
    ...every,
    ...(policy.public && !policy.provenBy ? [] : (['CREDENTIAL_MISSING', 'CREDENTIAL_INVALID'] as const)),
    ...(policy.public ? [] : (['PERMISSION_MISSING'] as const)),
    ...(has('if-match') ? (['ETAG_MISMATCH'] as const) : []),
    ...(has('idempotency-key')
      ? (['IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_KEY_IN_USE', 'IDEMPOTENCY_ANSWER_ERASED'] as const)
      : []),
    ...(verb === 'GET' ? [] : (['CONCURRENT_WRITE'] as const)),
    ...(fields.body ? (['BODY_TOO_LARGE', 'CONTENT_TYPE_UNSUPPORTED', 'REQUEST_TIMEOUT'] as const) : []),
    ...(has('range') && !isConditional ? (['RANGE_NOT_SATISFIABLE'] as const) : []),
  ];
}

/** What the record engine answers to the standard methods of a type. */
function codesOfRecord({ method }: RestRoute, codes: ReadonlyMap<string, ErrorCodeMeaning>): string[] {
  const [, verb = '', type = ''] = standardMethod.exec(method.name) ?? [];
  const constant = constantOf(type);
  if (!codes.has(`${constant}_CREATED_BEFORE`)) return [];
  const written = ['EXTERNAL_ID_TAKEN', 'OWNER_OUT_OF_SCOPE', ...(ownUniqueValues[constant] ?? [])];
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
    default:
      return written;
  }
}

const standardMethod = /^(BatchCreate|BatchUpdate|Create|Update|Undelete|Upsert|Import|Export)(\w+)$/;

const ownUniqueValues: Readonly<Record<string, readonly string[]>> = {
  CUSTOMER: ['EMAIL_TAKEN', 'DOMAIN_TAKEN'],
  CUSTOM_OBJECT: ['KEY_TAKEN'],
};

/** `CUSTOM_FIELD` for `customFields` and `CustomField`. */
function constantOf(name: string): string {
  const singular = name.replace(/ies$/, 'y').replace(/s$/, '');
  return singular.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}
