import { configurationCheck } from '../check-configuration.js';
import { configurationError } from '../connector-error.js';
import type { ConfigurationSchema } from '../description.js';
import { webhookSecretPattern } from '../standard-webhook.js';

export type Paging = 'PAGE' | 'OFFSET' | 'CURSOR' | 'LINK';

export interface RestConfiguration {
  url: string;
  /** Exactly one of the two is given. */
  documentUrl?: string;
  document?: string;
  /** Exactly one of the two is given. */
  path?: string;
  listOperation?: string;
  readOperation?: string;
  createOperation?: string;
  updateOperation?: string;
  deleteOperation?: string;
  listPath?: string;
  recordPath?: string;
  bodyPath?: string;
  idField?: string;
  paging?: Paging;
  pageParameter?: string;
  sizeParameter?: string;
  pageSize: number;
  firstPage: number;
  nextPath?: string;
  listQuery?: string;
  updatedField?: string;
  changedSince?: string;
  lateSeconds: number;
  keyField?: string;
  findByKey?: string;
  preconditions?: 'ETAG' | 'NONE';
  username?: string;
  apiKeyHeader: string;
  password?: string;
  bearerToken?: string;
  apiKeySecret?: string;
  webhookSecret?: string;
}

const name = { type: 'string', minLength: 1, maxLength: 200 } as const;
const secret = { type: 'string', minLength: 1, maxLength: 4_000, pattern: '^[ -~]*$', writeOnly: true } as const;
const derived = 'Found in the document when it is absent.';

export const restConfigurationSchema: ConfigurationSchema = {
  type: 'object',
  properties: {
    url: {
      type: 'string',
      title: 'Address',
      description: 'What the paths of the document are put behind, such as https://crm.example/api.',
      pattern: '^https?://[^/?#@\\\\]+(?:/[^?#\\\\]*)?$',
      maxLength: 2_000,
      destination: true,
    },
    documentUrl: {
      type: 'string',
      title: 'Address of the OpenAPI document',
      description:
        'OpenAPI 3 as JSON. Credentials are sent there only when it is on the same host and port as the address.',
      pattern: '^https?://[^/?#@\\\\]+(?:/[^#\\\\]*)?$',
      maxLength: 2_000,
    },
    document: {
      type: 'string',
      title: 'OpenAPI document',
      description: 'The JSON itself, instead of documentUrl.',
      maxLength: 200_000,
    },
    path: {
      ...name,
      title: 'Path of the collection',
      description: 'Of the document, such as /contacts. The operations are those of this path and of /contacts/{id}.',
      pattern: '^/',
      maxLength: 1_000,
    },
    listOperation: { ...name, title: 'Operation that lists', description: 'Its operationId, instead of path.' },
    readOperation: { ...name, title: 'Operation that reads one record', description: derived },
    createOperation: { ...name, title: 'Operation that creates', description: derived },
    updateOperation: { ...name, title: 'Operation that updates (PATCH or PUT)', description: derived },
    deleteOperation: { ...name, title: 'Operation that deletes', description: derived },
    listPath: { ...name, title: 'Where the records are in a list', description: `Such as data; . for all. ${derived}` },
    recordPath: { ...name, title: 'Where one record is in its answer', description: `Such as data. ${derived}` },
    bodyPath: { ...name, title: 'Where one record is in a request', description: `Such as data. ${derived}` },
    idField: { ...name, title: 'Field with the id', description: 'id when it is absent.' },
    paging: {
      type: 'string',
      title: 'Paging',
      description:
        'PAGE counts pages, OFFSET records; CURSOR takes the next page from the answer, LINK from its header. ' +
        derived,
      enum: ['PAGE', 'OFFSET', 'CURSOR', 'LINK'],
    },
    pageParameter: { ...name, title: 'Query parameter with page, offset or cursor', description: derived },
    sizeParameter: { ...name, title: 'Query parameter with the size of a page', description: derived },
    pageSize: { type: 'integer', title: 'Size of a page', minimum: 1, maximum: 1_000, default: 100 },
    firstPage: { type: 'integer', title: 'Number of the first page', minimum: 0, maximum: 1, default: 1 },
    nextPath: {
      ...name,
      title: 'Where the cursor of the next page is',
      description: `In the answer, for CURSOR; an address is followed. ${derived}`,
    },
    listQuery: {
      ...name,
      title: 'More query parameters of lists',
      description: 'Such as sort=updated_at. With changedSince, it sorts by updatedField, the oldest first.',
      maxLength: 1_000,
    },
    updatedField: {
      ...name,
      title: 'Field with the time of the last change',
      description: 'Every change must set it, including a create, and it must not be null.',
    },
    changedSince: {
      ...name,
      title: 'Query parameter for what has changed since',
      description:
        'With {time} for the time, which is in it, such as updated_from={time}. Without it everything is read each time.',
      pattern: '^[^=]+=.*\\{time\\}',
      maxLength: 500,
    },
    lateSeconds: {
      type: 'integer',
      title: 'Wait for late changes',
      description:
        'A read skips records that changed less than this many seconds ago, since changes with an earlier time may still arrive.',
      minimum: 0,
      maximum: 3_600,
      default: 10,
    },
    keyField: {
      ...name,
      title: 'Field for the key of new records',
      description:
        'The other system must keep it unique. Without it and findByKey no records are created, since a retry could duplicate them.',
    },
    findByKey: {
      ...name,
      title: 'Query parameter that finds a key',
      description: 'With {key} for the key, such as external_id={key}.',
      pattern: '^[^=]+=.*\\{key\\}',
      maxLength: 500,
    },
    preconditions: {
      type: 'string',
      title: 'Preconditions',
      description:
        'ETAG: a write has If-Match with the ETag of the record. NONE: a change in the moment before a write is lost. ' +
        derived,
      enum: ['ETAG', 'NONE'],
    },
    username: { type: 'string', title: 'User name', minLength: 1, maxLength: 300, pattern: '^[^:]*$' },
    apiKeyHeader: {
      ...name,
      title: 'Header of the API key',
      pattern: '^[Xx]-[A-Za-z0-9-]{1,60}$|^[Aa]uthorization$|^[Aa]pi-?[Kk]ey$',
      default: 'X-API-Key',
    },
    password: { ...secret, title: 'Password', description: 'With the user name, for basic authentication.' },
    bearerToken: { ...secret, title: 'Token', description: 'For bearer authentication.' },
    apiKeySecret: { ...secret, title: 'API key', description: 'For apiKeyHeader.' },
    webhookSecret: {
      type: 'string',
      title: 'Secret of webhooks',
      description: 'Verifies the webhooks of the other system about changed records (Standard Webhooks).',
      pattern: webhookSecretPattern,
      writeOnly: true,
    },
  },
  required: ['url'],
  additionalProperties: false,
};

const checkSchema = configurationCheck<RestConfiguration>(restConfigurationSchema);

/** Pairs of settings of which exactly one is given, or of which one requires the other. */
const either = [
  ['documentUrl', 'document'],
  ['path', 'listOperation'],
] as const;
const together = [
  ['username', 'password'],
  ['changedSince', 'updatedField'],
  ['keyField', 'findByKey'],
] as const;

/** @throws ConnectorError INVALID with a violation for the first wrong field */
export function checkRestConfiguration(value: unknown): RestConfiguration {
  const configuration = checkSchema(value);
  const isThere = (field: keyof RestConfiguration) => configuration[field] !== undefined;
  for (const [one, other] of either) {
    const count = [one, other].filter(isThere).length;
    if (count === 0) throw configurationError(`/${one}`, { reason: 'REQUIRED', description: `or ${other} is missing` });
    if (count === 2) throw invalid(other, `must not be given besides ${one}`);
  }
  for (const [one, other] of together) {
    const [first, second] = isThere(one) ? [one, other] : [other, one];
    if (isThere(first) && !isThere(second)) {
      throw configurationError(`/${second}`, { reason: 'REQUIRED', description: `is missing: ${first} needs it` });
    }
  }
  const [, ...more] = (['password', 'bearerToken', 'apiKeySecret'] as const).filter(isThere);
  if (more[0]) throw invalid(more[0], 'must not be given besides other credentials');
  return configuration;
}

function invalid(field: string, description: string) {
  return configurationError(`/${field}`, { reason: 'INVALID', description });
}
