import { LifecycleStage, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomersServiceService } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, type FieldViolation } from '@rapport/platform';
import { phoneDigits } from '@rapport/contracts/filters';
import { defineRecord } from '../../engine/fields/record-type.js';
import { typoWords } from '../../engine/fields/terms.js';
import { listFields, uniteLists } from '../../engine/records/customers/customer-lists.js';
import { duplicateTerms } from './duplicates/customer-candidate.js';
import { leftByPeople } from './leave-companies.js';
import { lifecycleViolation } from './lifecycle-stage.js';
import { composeDisplayName, normaliseCustomer } from './normalise-customer.js';

/** Customers: people and companies. */
export const customers = defineRecord<Customer>('rapport/Customer', CustomersServiceService, {
  indexVersion: 4,
  sortColumns: { display_name: 'sort_name', family_name: 'family_sort_name', company_name: 'company_sort_name' },
  alwaysSet: ['display_name'],
  normalise(sent, customFields, before) {
    const { customer: record, violations } = normaliseCustomer(sent, customFields, { before });
    return { record, violations };
  },
  lists: { fields: listFields, unite: uniteLists },
  composedFields: (before) => (before.displayName === composeDisplayName(before) ? ['displayName'] : []),
  guard({ before, after }) {
    const violation = before && lifecycleViolation(before.lifecycleStage, after.lifecycleStage);
    return violation ? [violation] : [];
  },
  stamp({ before, after: { lifecycleStage } }, now) {
    if (lifecycleStage === before?.lifecycleStage) return {};
    return { lifecycleStageTime: lifecycleStage === LifecycleStage.UNSPECIFIED ? undefined : now };
  },
  targets: {
    companyId: {
      ...{ reason: 'COMPANY_NOT_FOUND', description: 'must be the id of a live customer of kind COMPANY' },
      ...{ column: 'kind', value: 'COMPANY' },
    },
  },
  searchTexts({ displayName = '', givenName = '', familyName = '', emails, domains, phones }) {
    return [
      displayName,
      ...[givenName, familyName].filter((name) => !displayName.includes(name)),
      ...emails.map(({ address }) => address),
      ...domains,
      ...phones.flatMap(({ number }) => searchableDigits(number)),
    ];
  },
  openTexts: ({ domains }) => domains,
  typoWords: ({ displayName = '', givenName = '', familyName = '' }) => typoWords([displayName, givenName, familyName]),
  moreTerms: duplicateTerms,
  deleted: leftByPeople,
  checkUndelete: refuseMerged,
  explainTaken: mergeOffer,
  metViolations: kindViolations,
});

/** A part of the stored number is found in its digits. */
function searchableDigits(number: string): string[] {
  const [kept = '', national = ''] = phoneDigits(number);
  return kept.includes(national) ? [kept] : [kept, national];
}

/** Only undoing the merge restores a merged customer. */
async function refuseMerged(transaction: StatementTransaction, customer: Customer): Promise<void> {
  if (customer.mergedIntoId === undefined) return;
  const [merge] = await transaction.rows<{ id: string }>({
    sql: 'select id from customer_merge where tenant_id = $1 and merged_id = $2 and undo_time is null',
    values: [currentCaller().tenantId, customer.id],
  });
  // The caller may have access to neither the surviving customer nor the merge.
  const action = merge ? `POST /v1/merges/${merge.id}:undo` : 'Undoing the merge';
  const message = `The customer was merged into another. ${action} restores it.`;
  const metadata: Record<string, string> = merge ? { mergeId: merge.id } : {};
  throw new AppError('FAILED_PRECONDITION', 'CUSTOMER_MERGED', message, { metadata });
}

/** A unique value that another customer has taken meanwhile may mean that both are the same. */
function mergeOffer(error: AppError, deleted: Customer): AppError {
  const { code, reason, violations, metadata } = error;
  if (code !== 'ALREADY_EXISTS' || metadata['customerId'] === undefined) return error;
  const merge = `POST /v1/customers/${metadata['customerId']}:merge with the mergedId ${deleted.id}`;
  const message = `${error.message}. If both are the same, ${merge} combines them.`;
  return new AppError('ALREADY_EXISTS', reason, message, { violations, metadata, cause: error });
}

function kindViolations(met: Customer, wanted: Customer): FieldViolation[] {
  if (met.kind === wanted.kind) return [];
  const description = `must be ${CustomerKind[met.kind]}, the kind of the customer that has the value to match`;
  return [{ field: 'kind', reason: 'KIND_MISMATCH', description }];
}
