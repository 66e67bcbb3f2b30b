import { isTimeZone } from '@rapport/contracts/filters';
import { configurationCheck } from '../check-configuration.js';
import { configurationError } from '../connector-error.js';
import type { ConfigurationSchema } from '../description.js';
import { webhookSecretPattern } from '../standard-webhook.js';

export interface SqlConfiguration {
  engine: 'POSTGRESQL' | 'MARIADB';
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  tls: 'VERIFIED' | 'OFF';
  certificateAuthority?: string;
  schema: string;
  table: string;
  /** Exactly one of the two is given: the columns that identify a row. */
  idColumn?: string;
  idColumns?: string[];
  updatedColumn: string;
  keyColumn?: string;
  deletedColumn?: string;
  versionColumn?: string;
  timeZone?: string;
  lateCommitSeconds: number;
  webhookSecret?: string;
}

const name = { type: 'string', minLength: 1, maxLength: 64 } as const;

export const sqlConfigurationSchema: ConfigurationSchema = {
  type: 'object',
  properties: {
    engine: { type: 'string', title: 'Database system', enum: ['POSTGRESQL', 'MARIADB'], destination: true },
    host: { type: 'string', title: 'Host', pattern: '^[A-Za-z0-9.:-]{1,253}$', destination: true },
    port: { type: 'integer', title: 'Port', minimum: 1, maximum: 65_535, destination: true },
    database: { ...name, title: 'Database' },
    user: { ...name, title: 'User' },
    password: { type: 'string', title: 'Password', maxLength: 1_000, writeOnly: true },
    tls: {
      type: 'string',
      title: 'Encryption',
      description: 'VERIFIED requires a certificate for the host name. OFF sends records and password in plain text.',
      enum: ['VERIFIED', 'OFF'],
      default: 'VERIFIED',
      destination: true,
    },
    certificateAuthority: {
      type: 'string',
      title: 'Certificate authority',
      description: 'In PEM. Required when no public authority has issued the certificate of the server.',
      maxLength: 20_000,
      destination: true,
    },
    schema: { ...name, title: 'Schema', description: 'Of PostgreSQL.', default: 'public' },
    table: { ...name, title: 'Table' },
    idColumn: {
      ...name,
      title: 'Column with the id',
      description: 'The primary key, or another column with a unique index of its own.',
    },
    idColumns: {
      type: 'array',
      title: 'Columns with the id',
      description: 'Instead of idColumn, for an id of several columns: exactly the columns of one unique index.',
      items: name,
      minItems: 1,
      maxItems: 8,
      uniqueItems: true,
    },
    updatedColumn: {
      ...name,
      title: 'Column with the time of the last change',
      description: 'Every change must set it, and it must not be null. Create an index on it and the id.',
    },
    keyColumn: {
      ...name,
      title: 'Column for the key of new rows',
      description:
        'With a unique index of its own; can be the column of the id. Without it no rows are created, since a retry could duplicate them.',
    },
    deletedColumn: {
      ...name,
      title: 'Column that marks deleted rows',
      description:
        'A time, or true. Without it rows are deleted permanently, and only a comparison of keys finds deletes.',
    },
    versionColumn: { ...name, title: 'Column that counts versions', description: 'A number; each write adds one.' },
    timeZone: {
      type: 'string',
      title: 'Time zone',
      description:
        'IANA name of the zone of times without one, such as Europe/Berlin. Without it these times identify no instant.',
      minLength: 1,
      maxLength: 64,
    },
    lateCommitSeconds: {
      type: 'integer',
      title: 'Longest transaction',
      description:
        'A row that was changed less than so many seconds ago waits for the next read: a transaction that set an earlier ' +
        'time may still commit.',
      minimum: 0,
      maximum: 3_600,
      default: 10,
    },
    webhookSecret: {
      type: 'string',
      title: 'Secret of webhooks',
      description:
        'Verifies webhooks about changed rows, from an application that writes to the table (Standard Webhooks).',
      pattern: webhookSecretPattern,
      writeOnly: true,
    },
  },
  required: ['engine', 'host', 'port', 'database', 'user', 'password', 'table', 'updatedColumn'],
  additionalProperties: false,
};

const checkSchema = configurationCheck<SqlConfiguration>(sqlConfigurationSchema);

/** @throws ConnectorError INVALID with a violation for each wrong field */
export function checkSqlConfiguration(value: unknown): SqlConfiguration {
  const configuration = checkSchema(value);
  const { idColumn, idColumns } = configuration;
  if (idColumn === undefined && idColumns === undefined) {
    throw configurationError('/idColumn', { reason: 'REQUIRED', description: 'is missing' });
  }
  if (idColumn !== undefined && idColumns !== undefined) {
    throw configurationError('/idColumns', { reason: 'INVALID', description: 'must not be given besides idColumn' });
  }
  if (configuration.timeZone !== undefined && !isTimeZone(configuration.timeZone)) {
    throw configurationError('/timeZone', { reason: 'INVALID', description: 'must be the IANA name of a time zone' });
  }
  return configuration;
}
