import {
  CustomerKind,
  LifecycleStage,
  type Customer as CustomerMessage,
} from '@rapport/contracts/rapport/customers/v1/customer';
import type { CustomFields } from './custom-fields/custom-fields.js';
import { messageOf } from './customer-row.js';
import { customerTerms } from './customer-terms.js';
import type { Customer } from './customer.entity.js';
import { duplicateTerms } from './duplicates/customer-candidate.js';
import { searchText, sortName } from './search-text.js';

/** A stored customer as the contract shows it. */
export function customerMessage(customer: Customer): CustomerMessage {
  return messageOf(customer, { companyId: customer.company?.[1], mergedIntoId: customer.mergedInto?.[1] });
}

/** The columns of a customer that its caller decides on, and those computed from them. */
export type CustomerContent = Required<
  Pick<
    Customer,
    | 'kind'
    | 'displayName'
    | 'givenName'
    | 'familyName'
    | 'jobTitle'
    | 'companyName'
    | 'company'
    | 'emails'
    | 'phones'
    | 'addresses'
    | 'externalIds'
    | 'domains'
    | 'tags'
    | 'lifecycleStage'
    | 'ownerId'
    | 'ownerTeamId'
    | 'source'
    | 'birthDate'
    | 'customFields'
    | 'searchText'
    | 'sortName'
    | 'familySortName'
    | 'companySortName'
    | 'terms'
    | 'orderValues'
    | 'indexVersion'
  >
>;

/**
 * Raised with every change of what the derived columns are made of: `migrate` makes those anew that an earlier release
 * has made.
 */
export const indexVersion = 1;

/** What a normalised customer is stored as. */
export function customerContent(
  tenantId: string,
  customer: CustomerMessage,
  customFields: CustomFields,
): CustomerContent {
  const displayName = customer.displayName ?? '';
  const custom = customFields.index(customer.customFields);
  return {
    kind: storedKind(customer.kind),
    displayName,
    givenName: customer.givenName ?? null,
    familyName: customer.familyName ?? null,
    jobTitle: customer.jobTitle ?? null,
    companyName: customer.companyName ?? null,
    company: customer.companyId === undefined ? null : [tenantId, customer.companyId],
    emails: customer.emails,
    phones: customer.phones,
    addresses: customer.addresses,
    externalIds: customer.externalIds,
    domains: customer.domains,
    tags: customer.tags,
    lifecycleStage: storedLifecycleStage(customer.lifecycleStage),
    ownerId: customer.ownerId ?? null,
    ownerTeamId: customer.ownerTeamId ?? null,
    source: customer.source ?? null,
    birthDate: customer.birthDate ?? null,
    customFields: customer.customFields ?? {},
    searchText: searchText(customer, custom.searchTexts),
    sortName: sortName(displayName),
    familySortName: customer.familyName === undefined ? null : sortName(customer.familyName),
    companySortName: customer.companyName === undefined ? null : sortName(customer.companyName),
    terms: [...customerTerms(customer), ...custom.terms, ...duplicateTerms(customer)],
    orderValues: custom.orderValues,
    indexVersion,
  };
}

function storedKind(kind: CustomerKind): Customer['kind'] {
  const name = CustomerKind[kind] as keyof typeof CustomerKind;
  if (name === 'UNSPECIFIED') throw new Error('A customer without a kind is not normalised.');
  return name;
}

function storedLifecycleStage(stage: LifecycleStage): Customer['lifecycleStage'] {
  const name = LifecycleStage[stage] as keyof typeof LifecycleStage;
  return name === 'UNSPECIFIED' ? null : name;
}
