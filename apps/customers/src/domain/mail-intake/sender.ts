import { allFormats } from '@rapport/contracts';
import { Customer, CustomerKind, EmailAddress } from '@rapport/contracts/rapport/customers/v1/customer';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { createRecord } from '../../engine/write/write-record.js';
import { customers } from '../customers/customers.js';
import { keepLive, ownerOfValues } from '../leads/match-customer.js';

/**
 * The customer with an address, locked, if there is one.
 *
 * @param field path of the address in the request
 * @throws AppError ALREADY_EXISTS when the customer is hidden from the caller
 */
export async function customerOf(
  transaction: StatementTransaction,
  address: string,
  field = 'from',
): Promise<string | undefined> {
  if (!isEmail(address)) return undefined;
  const owner = await ownerOfValues(transaction, withAddress(address, undefined), () => field);
  return owner && (await keepLive(transaction, owner.customerId)) ? owner.customerId : undefined;
}

/** Creates the customer of a sender without one. @throws AppError ALREADY_EXISTS when another call has done so meanwhile */
export async function createSender(
  transaction: StatementTransaction,
  address: string,
  name: string | undefined,
): Promise<string> {
  const customer = withAddress(address, name ?? address);
  const { id } = await createRecord(transaction, customers, { customer } as object);
  return id;
}

/** Whether a customer can have the address. */
export function isEmail(address: string): boolean {
  return allFormats.find(({ name }) => name === 'email')?.test(address) === true;
}

function withAddress(address: string, displayName: string | undefined): Customer {
  const emails = isEmail(address) ? [{ ...EmailAddress.decode(new Uint8Array()), address }] : [];
  return { ...Customer.decode(new Uint8Array()), kind: CustomerKind.PERSON, displayName, emails };
}

/** Most attempts of a filing whose sender other calls create meanwhile. */
const maxTries = 5;

/** Tries again while another call has created the customer of the sender: the next attempt finds it. */
export async function senderTries<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'ALREADY_EXISTS' || tries === maxTries) throw error;
    }
  }
}
