import {
  CustomerKind,
  LifecycleStage,
  type Customer as CustomerMessage,
} from '@rapport/contracts/rapport/customers/v1/customer';
import { formatEtag } from '@rapport/persistence';
import type { Customer } from './customer.entity.js';

/** The columns of a row that are shown to callers, as the driver gives them: times as text in UTC, JSON parsed. */
export interface CustomerRow extends Pick<
  Customer,
  'id' | 'kind' | 'emails' | 'phones' | 'addresses' | 'domains' | 'tags' | 'source' | 'version'
> {
  display_name: string;
  given_name: string | null;
  family_name: string | null;
  job_title: string | null;
  external_ids: Customer['externalIds'];
  lifecycle_stage: Customer['lifecycleStage'];
  owner_id: string | null;
  company_id: string | null;
  company_name: string | null;
  create_time: string;
  update_time: string;
  delete_time: string | null;
  created_by: string;
  updated_by: string;
  birth_date: string | null;
  custom_fields: Customer['customFields'];
  lifecycle_stage_time: string | null;
  merged_into_id: string | null;
}

const columns: Record<keyof CustomerRow, true> = {
  ...{ id: true, kind: true, display_name: true, given_name: true, family_name: true, job_title: true, emails: true },
  ...{ phones: true, addresses: true, external_ids: true, domains: true, tags: true, lifecycle_stage: true },
  ...{ owner_id: true, source: true, company_id: true, company_name: true, version: true, create_time: true },
  ...{ update_time: true, delete_time: true, created_by: true, updated_by: true, birth_date: true },
  ...{ custom_fields: true, lifecycle_stage_time: true, merged_into_id: true },
};

/** For `select`: what is stored beside these is only for finding and ordering, and as large. */
export const shownColumns = Object.keys(columns)
  .map((column) => `customer.${column}`)
  .join(', ');

/**
 * A row as the contract shows it, as `customerMessage` shows an entity. MikroORM's own `map` takes ten times as long as the
 * query does for each row, since it keeps a copy to tell changes by.
 */
export function messageOfRow(row: CustomerRow): CustomerMessage {
  return {
    id: row.id,
    kind: CustomerKind[row.kind],
    displayName: row.display_name,
    givenName: row.given_name ?? undefined,
    familyName: row.family_name ?? undefined,
    jobTitle: row.job_title ?? undefined,
    emails: row.emails,
    phones: row.phones,
    addresses: row.addresses,
    domains: row.domains,
    tags: row.tags,
    lifecycleStage: LifecycleStage[row.lifecycle_stage ?? 'UNSPECIFIED'],
    ownerId: row.owner_id ?? undefined,
    source: row.source ?? undefined,
    externalIds: row.external_ids,
    companyId: row.company_id ?? undefined,
    companyName: row.company_name ?? undefined,
    etag: formatEtag(row.version),
    createTime: isoTime(row.create_time),
    updateTime: isoTime(row.update_time),
    deleteTime: row.delete_time === null ? undefined : isoTime(row.delete_time),
    createdBy: row.created_by,
    updatedBy: row.updated_by,
    birthDate: row.birth_date ?? undefined,
    customFields: Object.keys(row.custom_fields).length > 0 ? row.custom_fields : undefined,
    lifecycleStageTime: row.lifecycle_stage_time === null ? undefined : isoTime(row.lifecycle_stage_time),
    mergedIntoId: row.merged_into_id ?? undefined,
  };
}

/** PostgreSQL's text of a time in milliseconds, such as `2026-01-31 09:30:00.5+00`, as the text of a JavaScript Date. */
function isoTime(text: string): string {
  const [, day, time, fraction = ''] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,3}))?\+00$/.exec(text) ?? [];
  if (day === undefined) throw new Error(`The database has a time that is not of this form: ${text}`);
  return `${day}T${time}.${fraction.padEnd(3, '0')}Z`;
}
