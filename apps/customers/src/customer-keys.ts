import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { currentSeal } from './sealing/seal.js';

/** A value that only one live customer of a tenant may have. */
export interface UniqueValue {
  type: 'EMAIL' | 'DOMAIN' | 'EXTERNAL_ID';
  /** As compared and stored in customer_key. */
  value: string;
  /** As it may be stored of a customer that is not sealed yet, while a tenant's customers are being sealed. */
  plainValue?: string | undefined;
  /** Path in the customer by JSON names, such as `emails[0].address`. */
  path: string;
}

/** The unique values of a normalised customer, each once. */
export function uniqueValues({ emails, domains, externalIds }: Customer): UniqueValue[] {
  return [
    ...emails.map(({ address }, index) => ({
      type: 'EMAIL' as const,
      ...emailValue(address),
      path: `emails[${index}].address`,
    })),
    ...domains.map((domain, index) => ({ type: 'DOMAIN' as const, value: domain, path: `domains[${index}]` })),
    ...externalIds.map(({ system, value }, index) => ({
      type: 'EXTERNAL_ID' as const,
      value: externalIdKey(system, value),
      path: `externalIds[${index}].value`,
    })),
  ];
}

/** What stands for an e-mail address in customer_key. */
export function emailValue(address: string): Pick<UniqueValue, 'value' | 'plainValue'> {
  const plain = emailKey(address);
  const seal = currentSeal();
  if (!seal) return { value: plain };
  return { value: seal.blind('email', plain), plainValue: seal.isComplete ? undefined : plain };
}

/** E-mail addresses are compared without case. */
export function emailKey(address: string): string {
  return address.toLowerCase();
}

/** A system's name has no slash, so that the first one ends it. */
export function externalIdKey(system: string, value: string): string {
  return `${system}/${value}`;
}
