import type { EntityManager } from '@mikro-orm/postgresql';
import { CustomFields } from '../../fields/custom-fields.js';
import type { LineIssue } from '../chunks/import-chunk.js';
import { warning } from '../rows/row-issue.js';
import { doneOf, doStep } from '../../operations/checkpoint.js';
import { addIssues } from '../../operations/operation-issues.js';
import type { OperationTask } from '../../operations/operation-kind.js';
import type { Operation } from '../../operations/operation.entity.js';
import {
  blockedIds,
  formerKeyOwners,
  linkedIds,
  lockCustomers,
  missingCompanies,
  purgeCustomers,
  restoreCustomers,
  type Change,
} from './undo-customers.js';

/** Customers that are seen to in one step. */
const customersPerStep = 500;

/**
 * Takes back what an import did, in steps. What a step has seen to is no longer in import_change, so that the next one,
 * whoever does it, finds what is left.
 *
 * @throws OperationMoved when somebody else has changed the operation
 */
export async function undoImport({ em, job, operation, signal }: OperationTask): Promise<void> {
  const checkpoint = { state: operation.state, done: doneOf(operation) };
  let seenTo: number | undefined;
  while (seenTo !== 0 && !signal.aborted) {
    seenTo = await doStep(em, job, checkpoint, async (transaction, stored) => {
      const changes = await takeChanges(transaction, stored);
      if (changes.length > 0) await undoChanges(transaction, stored, changes);
      else [stored.state, stored.endTime] = ['UNDONE', new Date()];
      return changes.length;
    });
    checkpoint.done += seenTo;
  }
}

/**
 * With those of customers that have by now what the others had before: only together all can become what they were. At the end
 * of a longer chain of such customers one stays as it is.
 */
async function takeChanges(em: EntityManager, { tenantId, id }: Operation): Promise<Change[]> {
  const changes = await em.execute<Change[]>(
    `delete from import_change where (tenant_id, operation_id, customer_id) in (
       select tenant_id, operation_id, customer_id from import_change
       where tenant_id = ? and operation_id = ? order by customer_id limit ${customersPerStep})
     returning customer_id, before, version`,
    [tenantId, id],
  );
  for (let found = changes; found.length > 0 && changes.length < 2 * customersPerStep; changes.push(...found)) {
    const owners = [...(await formerKeyOwners(em, found)).values()];
    found =
      owners.length === 0
        ? []
        : await em.execute<Change[]>(
            `delete from import_change where tenant_id = ? and operation_id = ? and customer_id in (?)
             returning customer_id, before, version`,
            [tenantId, id, owners],
          );
  }
  return changes;
}

async function undoChanges(em: EntityManager, operation: Operation, changes: Change[]): Promise<void> {
  const ids = changes.map(({ customer_id }) => customer_id);
  const versions = await lockCustomers(em, ids);
  const linked = await linkedIds(
    em,
    changes.filter(({ before }) => !before).map(({ customer_id }) => customer_id),
  );
  const lost = await missingCompanies(
    em,
    changes.flatMap(({ before }) => before?.companyId ?? []),
  );
  const issues: LineIssue[] = [];
  const free: Change[] = [];
  for (const change of changes) {
    const { customer_id: id, before, version } = change;
    if (versions.get(id) !== version) issues.push(staysAs(id, 'The customer was changed after the import and stays.'));
    else if (linked.has(id)) issues.push(staysAs(id, 'Other records refer to the customer by now, so it stays.'));
    else if (lost.has(before?.companyId ?? '')) issues.push(staysAs(id, 'Its former company is gone, so it stays.'));
    else free.push(change);
  }
  const blocked = await blockedIds(em, free);
  for (const id of blocked)
    issues.push(staysAs(id, 'Another customer has a unique value of its former ones, so it stays.'));
  const undone = free.filter(({ customer_id }) => !blocked.has(customer_id));
  await purgeCustomers(
    em,
    undone.filter(({ before }) => !before).map(({ customer_id }) => customer_id),
  );
  await restoreCustomers(
    em,
    undone.flatMap(({ before }) => before ?? []),
    await CustomFields.load(em),
  );
  operation.counts = { ...operation.counts, undone: operation.counts.undone + undone.length };
  await addIssues(em, operation, issues);
}

/** An issue of no row. */
function staysAs(customerId: string, message: string): LineIssue {
  return { ...warning('CHANGED_SINCE', message, { customerId }), line: 0 };
}
