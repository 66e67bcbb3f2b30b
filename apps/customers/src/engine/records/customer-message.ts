import {
  CustomerKind,
  LifecycleStage,
  type Customer as CustomerMessage,
} from '@rapport/contracts/rapport/customers/v1/customer';
import type { CustomFields } from '../fields/custom-fields.js';
import { customerTerms } from '../fields/customer-terms.js';
import { duplicateTerms } from '../../domain/customers/duplicates/customer-candidate.js';
import { currentSeal } from '../sealing/seal.js';
import { openCustomer, openRows, sealMissing, storedPart } from '../sealing/sealed-messages.js';
import { searchText, sortName } from '../values/search-text.js';
import type { Customer } from './customer.entity.js';
import { messageOf } from './customer-row.js';

/** A stored customer as the contract shows it. When it is sealed, `loadKeysOf` comes first. */
export function customerMessage(customer: Customer): CustomerMessage {
  const message = sealedMessage(customer);
  const seal = currentSeal();
  if (seal) return openCustomer(seal, message);
  if (customer.sealed) throw sealMissing();
  return message;
}

/** Has the keys at hand with which customers are sealed. */
export async function loadKeysOf(customers: readonly Customer[]): Promise<void> {
  const seal = currentSeal();
  if (seal) await openRows(seal, customers.map(sealedMessage));
}

function sealedMessage(customer: Customer): CustomerMessage {
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
    | 'sealed'
  >
>;

/**
 * Raised with every change of what the derived columns are made of: `migrate` makes those anew that an earlier release
 * has made.
 */
export const indexVersion = 3;

/** What a normalised customer is stored as: sealed, when the call seals. `Seal.prepare` comes first then. */
export function customerContent(
  tenantId: string,
  customer: CustomerMessage,
  customFields: CustomFields,
): CustomerContent {
  const seal = currentSeal();
  const { displayName = '', familyName, companyName } = customer;
  const stored = storedPart(customer.id, customer);
  const custom = customFields.index(customer.customFields);
  return {
    kind: storedKind(customer.kind),
    displayName: stored.displayName ?? '',
    givenName: stored.givenName ?? null,
    familyName: stored.familyName ?? null,
    jobTitle: stored.jobTitle ?? null,
    companyName: stored.companyName ?? null,
    company: customer.companyId === undefined ? null : [tenantId, customer.companyId],
    emails: stored.emails,
    phones: stored.phones,
    addresses: stored.addresses,
    externalIds: customer.externalIds,
    domains: customer.domains,
    tags: customer.tags,
    lifecycleStage: storedLifecycleStage(customer.lifecycleStage),
    ...storedOwner(customer),
    source: customer.source ?? null,
    birthDate: stored.birthDate ?? null,
    customFields: customer.customFields ?? {},
    searchText: searchText(seal ? withoutPersonalData(customer) : customer, custom.searchTexts),
    sortName: sortedName('display_name', displayName),
    familySortName: familyName === undefined ? null : sortedName('family_name', familyName),
    companySortName: companyName === undefined ? null : sortName(companyName),
    terms: [...customerTerms(customer), ...custom.terms, ...duplicateTerms(customer)],
    orderValues: custom.orderValues,
    indexVersion,
    sealed: seal !== undefined,
  };
}

function storedOwner({ ownerId, ownerTeamId }: CustomerMessage): Pick<CustomerContent, 'ownerId' | 'ownerTeamId'> {
  return { ownerId: ownerId ?? null, ownerTeamId: ownerTeamId ?? null };
}

/** What a name is found by: when names are sealed, equal ones only. */
function sortedName(field: 'display_name' | 'family_name', name: string): string {
  return currentSeal()?.blind(field, sortName(name)) ?? sortName(name);
}

function withoutPersonalData(customer: CustomerMessage): CustomerMessage {
  return { ...customer, displayName: undefined, givenName: undefined, familyName: undefined, emails: [], phones: [] };
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
