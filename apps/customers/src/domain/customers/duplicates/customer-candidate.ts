import { CustomerKind, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { currentSeal } from '../../../engine/sealing/seal.js';
import { blockingKeys } from './blocking-keys.js';
import type { DuplicateCandidate } from './duplicate-candidate.js';

/**
 * The identifying data of a customer. External ids are excluded: live customers never share one, and a customer that
 * was entered twice in another system has two of them.
 */
export function customerCandidate(customer: Customer): DuplicateCandidate {
  const { id, displayName, givenName, familyName, birthDate, domains, addresses } = customer;
  return {
    id,
    kind: customer.kind === CustomerKind.COMPANY ? 'COMPANY' : 'PERSON',
    displayName,
    givenName,
    familyName,
    birthDate,
    emails: customer.emails.map(({ address }) => address),
    phones: customer.phones.map(({ number }) => number),
    domains,
    addresses,
    identifiers: [],
  };
}

/** The blocking keys of a customer, as the column `terms` stores them. They are derived from personal data. */
export function duplicateTerms(customer: Customer): string[] {
  const seal = currentSeal();
  return blockingKeys(customerCandidate(customer)).map((key) => `d:${seal?.blind('duplicate', key) ?? key}`);
}
