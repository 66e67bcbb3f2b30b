import type { EntityManager } from '@mikro-orm/postgresql';
import { etagVersion } from '@rapport/persistence';
import { CustomFields } from '../../fields/custom-fields.js';
import type { LineIssue } from '../chunks/import-chunk.js';
import { warning } from '../rows/row-issue.js';
import { doneOf, doStep } from '../../operations/checkpoint.js';
import { addIssues } from '../../operations/operation-issues.js';
import type { OperationTask } from '../../operations/operation-kind.js';
import type { Operation } from '../../operations/operation.entity.js';
import { currentSeal } from '../../sealing/seal.js';
import { openRecord, sealedTexts } from '../../sealing/sealed-messages.js';
import type { RecordType } from '../../fields/record-type.js';
import type { ImportTypes } from '../import-rules.js';
import { linkedIds, lostReferences, type Change } from './undo-links.js';
import { blockedIds, formerKeyOwners, lockForUndo, purgeRecords, restoreRecords, ruleAgainst } from './undo-records.js';

/** Records per step. */
const recordsPerStep = 500;

/**
 * Undoes an import in steps. Each step deletes the rows of import_change that it has handled, so the next step finds
 * the rest, in whichever process it runs.
 *
 * @throws OperationMoved when another process or call has changed the operation
 */
export async function undoImport(types: ImportTypes, { em, job, operation, signal }: OperationTask): Promise<void> {
  const { type } = types.of(operation.input.recordType);
  const checkpoint = { state: operation.state, done: doneOf(operation) };
  let seenTo: number | undefined;
  while (seenTo !== 0 && !signal.aborted) {
    seenTo = await doStep(em, job, checkpoint, async (transaction, stored) => {
      const changes = await takeChanges(transaction, type, stored);
      if (changes.length > 0) await undoChanges(transaction, type, stored, changes);
      else [stored.state, stored.endTime] = ['UNDONE', new Date()];
      return changes.length;
    });
    checkpoint.done += seenTo;
  }
}

/**
 * Includes the records that now have the former unique values of these: they can only be reverted together. At the end
 * of a longer chain of such records, one is not reverted.
 */
async function takeChanges(em: EntityManager, type: RecordType, { tenantId, id }: Operation): Promise<Change[]> {
  const take = async (ids: string, values: readonly unknown[]): Promise<Change[]> => {
    const taken = await em.execute<Change[]>(
      `delete from import_change where tenant_id = ? and operation_id = ? and customer_id in (${ids})
       returning customer_id, before, version`,
      [tenantId, id, ...values],
    );
    return openChanges(type, taken);
  };
  const changes = await take(
    `select customer_id from import_change
     where tenant_id = ? and operation_id = ? order by customer_id limit ${recordsPerStep}`,
    [tenantId, id],
  );
  for (let found = changes; found.length > 0 && changes.length < 2 * recordsPerStep; changes.push(...found)) {
    const owners = [...(await formerKeyOwners(em, type, found)).values()];
    found = owners.length === 0 ? [] : await take('?', [owners]);
  }
  return changes;
}

/** Changes with the former records in plain, and with fields that an earlier release, which ran the import, did not know. */
async function openChanges(type: RecordType, changes: readonly Change[]): Promise<Change[]> {
  const seal = currentSeal();
  const sealed = ({ before }: Change) => (before ? sealedTexts(type, before) : []);
  await seal?.load(changes.flatMap(sealed));
  return changes.map((change) => {
    const { before } = change;
    if (!before) return change;
    const record = { ...type.empty(), ...(seal ? openRecord(seal, type, before) : before) };
    return { ...change, before: record, isErased: sealed(change).some((text) => seal?.isDestroyed(text)) };
  });
}

async function undoChanges(
  em: EntityManager,
  type: RecordType,
  operation: Operation,
  changes: Change[],
): Promise<void> {
  const { singular } = type;
  const lostOther = await lostReferences(em, type, changes, false);
  const locked = await lockForUndo(em, type, changes);
  const created = (some: readonly Change[]) =>
    some.filter(({ before }) => !before).map(({ customer_id }) => customer_id);
  const linked = await linkedIds(em, type, created(changes));
  const lostOwn = await lostReferences(em, type, changes, true);
  const why = ({ customer_id: id, before, isErased, version }: Change): string | undefined => {
    const now = locked.records.get(id);
    if (!now || etagVersion(now.etag) !== version) return `The ${singular} was changed after the import and stays.`;
    if (linked.has(id)) return `Other records refer to the ${singular}, so it stays.`;
    if (!before) return undefined;
    if (isErased) return `An erasure removed former values of the ${singular}, so it stays.`;
    const lost = lostOther(before) ?? lostOwn(before);
    if (lost) return `Its former ${lost.name.replace(/Id$/, '')} is gone, so it stays.`;
    const rule = ruleAgainst(type, before, locked);
    return rule && `It can not be reverted, so it stays: ${rule}.`;
  };
  const issues: LineIssue[] = [];
  const free: Change[] = [];
  for (const change of changes) {
    const reason = why(change);
    if (reason === undefined) free.push(change);
    else issues.push(staysAs(change.customer_id, reason));
  }
  const blocked = await blockedIds(em, type, free);
  for (const id of blocked)
    issues.push(staysAs(id, `Another ${singular} has one of its former unique values, so it stays.`));
  const undone = free.filter(({ customer_id }) => !blocked.has(customer_id));
  await purgeRecords(em, type, created(undone));
  await restoreRecords(
    em,
    type,
    undone.flatMap(({ before }) => before ?? []),
    { ...locked, customFields: await CustomFields.load(em, type) },
  );
  operation.counts = { ...operation.counts, undone: operation.counts.undone + undone.length };
  await addIssues(em, operation, issues);
}

/** An issue without a row. */
function staysAs(recordId: string, message: string): LineIssue {
  return { ...warning('CHANGED_SINCE', message, { recordId }), line: 0 };
}
