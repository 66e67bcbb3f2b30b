import { RecipientState, type CampaignRecipient } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { StatementTransaction } from '@rapport/persistence';
import { formatEtag } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { recordType } from '../../engine/fields/record-type.js';
import { survivors } from '../../engine/records/missing-record.js';
import { nextChange } from '../../engine/records/record-changes.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { insertRecords, liveRecords, lockRecords, updateRecords } from '../../engine/records/record-statements.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { campaignRecipients } from './campaign-recipients.js';

const noFields = new CustomFields([]);

/** Writes recipients of one campaign. @returns them, complete */
export async function insertRecipients(
  transaction: StatementTransaction,
  contents: readonly (Partial<CampaignRecipient> & { id: string })[],
): Promise<void> {
  if (contents.length === 0) return;
  const { principalId } = currentCaller();
  const now = new Date().toISOString();
  const made = contents.map((content) => ({
    ...campaignRecipients.empty(),
    ...content,
    ...{ etag: formatEtag(1), createTime: now, updateTime: now, createdBy: principalId, updatedBy: principalId },
  }));
  await currentSeal()?.prepare(made.map((recipient) => campaignRecipients.subjectOf(recipient)));
  transaction.later(insertRecords(campaignRecipients, made, noFields));
}

/**
 * Locks recipients and changes them. A claim changes no version: in the log, a claimed recipient is a planned one.
 *
 * @param change returns undefined for a recipient that stays as it is
 * @returns those that were changed
 */
export async function changeRecipients(
  transaction: StatementTransaction,
  ids: readonly string[],
  change: (before: CampaignRecipient) => Partial<CampaignRecipient> | undefined,
): Promise<CampaignRecipient[]> {
  if (ids.length === 0) return [];
  const rows = await transaction.rows<StoredRecord<CampaignRecipient>>(lockRecords(campaignRecipients, ids));
  const changed = (await openStored(campaignRecipients, rows)).flatMap((before) => {
    const changes = change(before);
    if (!changes) return [];
    return [{ ...before, ...changes, ...(!isUnlogged(before, changes) && nextChange(before)) }];
  });
  if (changed.length === 0) return [];
  await currentSeal()?.prepare(changed.map((recipient) => campaignRecipients.subjectOf(recipient)));
  transaction.later(updateRecords(campaignRecipients, changed, noFields));
  return changed;
}

/** A claim, and its end without an outcome, are not in the log: see the trigger of the table. */
function isUnlogged({ state: before }: CampaignRecipient, changes: Partial<CampaignRecipient>): boolean {
  const isOnlyState = Object.keys(changes).length === 1;
  return isOnlyState && isWaiting(before) && isWaiting(changes.state);
}

function isWaiting(state: RecipientState | undefined): boolean {
  return state === RecipientState.PLANNED || state === RecipientState.CLAIMED;
}

/** Live customers by their ids. */
export async function readCustomers(
  transaction: StatementTransaction,
  ids: readonly string[],
): Promise<Map<string, Customer>> {
  if (ids.length === 0) return new Map();
  const type = recordType<Customer>('rapport/Customer');
  const stored = await transaction.rows<StoredRecord<Customer>>(liveRecords(type, ids));
  return new Map((await openStored(type, stored)).map((customer) => [customer.id, customer]));
}

/** Live customers by the ids of them, or of customers that were merged into them. */
export async function readSurvivors(
  transaction: StatementTransaction,
  ids: readonly string[],
): Promise<Map<string, Customer>> {
  const customers = await readCustomers(transaction, ids);
  const gone = ids.filter((id) => !customers.has(id));
  const survivorOf = await survivors(transaction, recordType('rapport/Customer'), gone);
  const surviving = await readCustomers(transaction, [...new Set(survivorOf.values())]);
  for (const [id, survivor] of survivorOf) {
    const customer = surviving.get(survivor);
    if (customer) customers.set(id, customer);
  }
  return customers;
}

/** The domain of an address, in lower case. */
export function mailDomain(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}
