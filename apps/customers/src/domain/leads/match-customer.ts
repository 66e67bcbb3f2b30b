import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { IntakeMatchReason, type IntakeMatch } from '@rapport/contracts/rapport/sales/v1/lead_work_service';
import { queryRows, type StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { isHiding } from '../../engine/fields/hidden-data.js';
import { ownersOf, takenError, valueText, type OwnerRow } from '../../engine/records/claim-unique-values.js';
import { uniqueValues, type UniqueValue } from '../../engine/records/unique-values.js';
import { customers } from '../customers/customers.js';
import { duplicatesOf } from '../customers/merges/find-duplicates.js';
import type { TenantFrequencies } from '../customers/merges/tenant-frequencies.js';

/** An existing customer, and why it is that of an intake. */
export interface Matched {
  customerId: string;
  match: IntakeMatch;
}

const defaultMinScore = 90;

/** The order in which unique values decide. */
const priorities = ['EXTERNAL_ID', 'EMAIL', 'DOMAIN'];

/**
 * The owner of a unique value of a customer. Undefined when no customer has one.
 *
 * @param fieldOf path in the request of a unique value, by default that of an intake
 * @throws AppError ALREADY_EXISTS when the owner is hidden from the caller
 */
export async function ownerOfValues(
  source: EntityManager | StatementTransaction,
  customer: Customer,
  fieldOf: (value: UniqueValue) => string = fieldOfIntake,
): Promise<Matched | undefined> {
  const values = uniqueValues(customers, normalised(customer)).toSorted(
    (one, other) => priorities.indexOf(one.type) - priorities.indexOf(other.type),
  );
  if (values.length === 0) return undefined;
  const rows = await queryRows<OwnerRow>(source, ownersOf(customers, values));
  const owners = new Map(rows.map((row) => [valueText(row), row.record_id]));
  const value = values.find((each) => owners.has(valueText(each)));
  if (!value) return undefined;
  const owner = owners.get(valueText(value));
  if (!owner) throw takenError(customers, [value], null, fieldOf);
  const match = { reason: IntakeMatchReason.UNIQUE_VALUE, field: value.path, score: undefined, evidence: [] };
  return { customerId: owner, match };
}

/** The most probable duplicate. None for callers to whom personal data is hidden: a score would reveal it. */
export async function probableDuplicate(
  em: EntityManager,
  frequencies: TenantFrequencies,
  customer: Customer,
  minScore = defaultMinScore,
): Promise<Matched | undefined> {
  if (isHiding()) return undefined;
  const [best] = await duplicatesOf(em, frequencies, { ...normalised(customer), id: '' });
  if (!best?.customer || best.score < minScore) return undefined;
  const supporting = best.evidence.filter(({ weight }) => weight > 0).sort((one, other) => other.weight - one.weight);
  const evidence = supporting.map(({ field }) => field);
  const match = { reason: IntakeMatchReason.PROBABLE_DUPLICATE, field: undefined, score: best.score, evidence };
  return { customerId: best.customer.id, match };
}

/** Locks a customer that was found. False when it is not live any more. */
export async function keepLive(transaction: StatementTransaction, customerId: string): Promise<boolean> {
  const rows = await transaction.rows({
    name: 'keep_customer_of_intake',
    sql: 'select from customer where tenant_id = $1 and id = $2 and delete_time is null for share',
    values: [currentCaller().tenantId, customerId],
  });
  return rows.length > 0;
}

/** Unique values do not depend on custom fields, which the creation of the customer checks. */
function normalised(customer: Customer): Customer {
  return customers.definition.normalise({ ...customer, customFields: undefined }, new CustomFields([])).record;
}

function fieldOfIntake({ path }: UniqueValue): string {
  return `intake.customer.${path}`;
}
