import {
  CustomerKind,
  LifecycleStage,
  type Customer as CustomerMessage,
} from '@rapport/contracts/rapport/customers/v1/customer';
import { formatEtag } from '@rapport/persistence';
import { currentSeal } from '../sealing/seal.js';
import { recordContract } from '../values/contract.js';
import { openRows, sealMissing } from '../sealing/sealed-messages.js';
import type { Customer } from './customer.entity.js';

/**
 * The columns of a row that are shown to callers, by the names of the entity's properties, as the driver gives them: times
 * as text in UTC, JSON parsed.
 */
export interface CustomerRow extends Shown<string>, References {
  /** Whether its personal data is sealed. */
  sealed: boolean;
}

/** What of a stored customer is shown. */
interface Shown<Time> extends Pick<
  Customer,
  | ('id' | 'kind' | 'displayName' | 'givenName' | 'familyName' | 'jobTitle' | 'emails' | 'phones' | 'addresses')
  | (
      | 'domains'
      | 'tags'
      | 'lifecycleStage'
      | 'ownerId'
      | 'ownerTeamId'
      | 'source'
      | 'externalIds'
      | 'companyName'
      | 'version'
    )
  | ('createdBy' | 'updatedBy' | 'birthDate' | 'customFields')
> {
  createTime: Time;
  updateTime: Time;
  deleteTime?: Time | null;
  lifecycleStageTime?: Time | null;
}

/** Ids of the customers that one points to. */
interface References {
  companyId?: string | null | undefined;
  mergedIntoId?: string | null | undefined;
}

const columns: readonly [property: string, column: string][] = [
  ...recordContract('rapport/Customer')
    .fields.filter(({ column }) => column !== 'etag')
    .map(({ name, column }): [string, string] => [name, column]),
  ['version', 'version'],
  ['sealed', 'sealed'],
];

/** For `select`, each by its property's name: what is stored beside these is only for finding and ordering, and as large. */
export const shownColumns = columns.map(([property, column]) => `customer.${column} as "${property}"`).join(', ');

/**
 * Rows as the contract shows them. MikroORM's own `map` takes ten times as long as the query does for each row, since it
 * keeps a copy to tell changes by.
 *
 * @throws AppError UNAVAILABLE when they are sealed and the keys can't be reached
 */
export async function messagesOfRows(rows: readonly CustomerRow[]): Promise<CustomerMessage[]> {
  const messages = rows.map((row) => messageOf(row, row));
  const seal = currentSeal();
  if (seal) return openRows(seal, messages);
  if (rows.some(({ sealed }) => sealed)) throw sealMissing();
  return messages;
}

/**
 * A stored customer as the contract shows it, and sealed as it is stored. A row is both its arguments, so that nothing more
 * is made for it.
 */
export function messageOf(source: Shown<Date | string>, references: References): CustomerMessage {
  return {
    id: source.id,
    kind: CustomerKind[source.kind],
    displayName: source.displayName,
    givenName: source.givenName ?? undefined,
    familyName: source.familyName ?? undefined,
    jobTitle: source.jobTitle ?? undefined,
    emails: source.emails,
    phones: source.phones,
    addresses: source.addresses,
    domains: source.domains,
    tags: source.tags,
    lifecycleStage: LifecycleStage[source.lifecycleStage ?? 'UNSPECIFIED'],
    ownerId: source.ownerId ?? undefined,
    ownerTeamId: source.ownerTeamId ?? undefined,
    source: source.source ?? undefined,
    externalIds: source.externalIds,
    companyId: references.companyId ?? undefined,
    companyName: source.companyName ?? undefined,
    etag: formatEtag(source.version),
    createTime: isoTime(source.createTime),
    updateTime: isoTime(source.updateTime),
    deleteTime: source.deleteTime ? isoTime(source.deleteTime) : undefined,
    createdBy: source.createdBy,
    updatedBy: source.updatedBy,
    birthDate: source.birthDate ?? undefined,
    customFields: Object.keys(source.customFields).length > 0 ? source.customFields : undefined,
    lifecycleStageTime: source.lifecycleStageTime ? isoTime(source.lifecycleStageTime) : undefined,
    mergedIntoId: references.mergedIntoId ?? undefined,
  };
}

/** Of a Date, or of PostgreSQL's text of a time in milliseconds, such as `2026-01-31 09:30:00.5+00`. */
export function isoTime(time: Date | string): string {
  if (typeof time !== 'string') return time.toISOString();
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,3})?\+00$/.test(time))
    throw new Error(`The database has a time that is not of this form: ${time}`);
  return `${time.slice(0, 10)}T${time.slice(11, 19)}.${time.slice(20, -3).padEnd(3, '0')}Z`;
}
