import { maskText } from '@rapport/contracts';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import type { SuppressedAddress } from '../suppressions/suppression-statements.js';

/** The addresses of a customer for each channel that can be suppressed. Leaves out addresses whose key was destroyed. */
export function addressesOf({ emails, phones }: CustomerMessage): SuppressedAddress[] {
  return [
    ...emails.map(({ address }) => ({ channel: 'EMAIL' as const, address })),
    ...phones.flatMap(({ number }) => [
      { channel: 'PHONE' as const, address: number },
      { channel: 'SMS' as const, address: number },
    ]),
  ].filter(({ address }) => address !== maskText);
}
