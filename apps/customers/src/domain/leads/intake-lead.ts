import type { Consent } from '@rapport/contracts/rapport/customers/v1/consents_service';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Lead } from '@rapport/contracts/rapport/sales/v1/lead';
import {
  IntakeMatchReason,
  type IntakeLeadRequest,
  type IntakeLeadResponse,
  type IntakeMatch,
} from '@rapport/contracts/rapport/sales/v1/lead_work_service';
import type { StatementTransaction } from '@rapport/persistence';
import { invalidArgument } from '@rapport/platform';
import { checkNamedOwners } from '../../engine/records/scope/named-owners.js';
import { checkRequest } from '../../engine/values/contract.js';
import { createRecord } from '../../engine/write/write-record.js';
import { createConsent } from '../consents/create-consent.js';
import { customers } from '../customers/customers.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { within } from '../../engine/values/within.js';
import { leads } from './leads.js';
import { keepLive, ownerOfValues, type Matched } from './match-customer.js';

/**
 * Handles IntakeLead in one transaction.
 *
 * @param probable the probable duplicate when the call started
 */
export async function intakeLead(
  transaction: StatementTransaction,
  { intake }: IntakeLeadRequest,
  { probable, key }: { probable: Matched | undefined; key: SuppressionKey },
): Promise<IntakeLeadResponse> {
  if (!intake?.customer) {
    throw invalidArgument([{ field: 'intake.customer', reason: 'REQUIRED', description: 'is required' }]);
  }
  const { customer, lead = leads.empty() } = intake;
  await within({ customer: 'intake.customer' }, () => checkNamedOwners(customers, customer));
  await within({ lead: 'intake.lead' }, () => checkNamedOwners(leads, lead));
  const { customerId, match } = await customerOfIntake(transaction, customer, probable);
  const created = await createIntakeLead(transaction, lead, customerId);
  const consents: Consent[] = [];
  for (const [index, consent] of intake.consents.entries()) {
    const create = () => createConsent(transaction, key, { customerId, consent, requestId: undefined });
    consents.push(await within({ consent: `intake.consents[${index}]` }, create));
  }
  return { lead: created, match, consents };
}

/** Creates the lead of a customer. Violations name its fields in `intake.lead`. */
export function createIntakeLead(transaction: StatementTransaction, given: Lead, customerId: string): Promise<Lead> {
  const lead = { ...given, customerId };
  return within({ lead: 'intake.lead' }, () => {
    checkRequest(leads.method('create').path, { lead });
    return createRecord(transaction, leads, { lead } as object);
  });
}

/** Finds the customer of an intake, or creates it. Violations name its fields in `intake.customer`. */
export async function customerOfIntake(
  transaction: StatementTransaction,
  customer: Customer,
  probable: Matched | undefined,
): Promise<{ customerId: string; match: IntakeMatch }> {
  const owner = await ownerOfValues(transaction, customer);
  if (owner && (await keepLive(transaction, owner.customerId))) return owner;
  if (probable && (await keepLive(transaction, probable.customerId))) return probable;
  const { id } = await within({ customer: 'intake.customer' }, () =>
    createRecord(transaction, customers, { customer } as object),
  );
  const match = { reason: IntakeMatchReason.CREATED, field: undefined, score: undefined, evidence: [] };
  return { customerId: id, match };
}
