import type { EntityManager } from '@mikro-orm/postgresql';
import { transactionPipeline } from '@rapport/persistence';
import { effectsOf } from '../../records/effects.js';
import { insertKeys, releaseValues } from '../../records/claim-unique-values.js';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { LinkedRecords } from '../../records/references.js';
import type { RecordStore } from '../chunks/import-chunk.js';
import type { ImportRules } from '../import-rules.js';
import type { PreparedRow } from '../rows/prepare-row.js';
import { addedKeys, removedKeys } from './added-keys.js';
import type { ImportRecords } from './import-record.js';
import { findCandidates, lockCandidates, type Candidates } from './find-records.js';
import type { MetRecords } from './met-records.js';
import { writeRecords } from './write-records.js';

/** The records of the tenant, which an import changes. */
export class StoredRecords implements RecordStore {
  /** @param operationId of the operation that can be undone; without it no undo data is stored */
  constructor(
    private readonly rules: ImportRules,
    private readonly met: MetRecords,
    private readonly operationId?: string,
  ) {}

  candidates(em: EntityManager, rows: PreparedRow[]): Promise<Candidates> {
    return findCandidates(em, this.rules, rows);
  }

  find(em: EntityManager, candidates: Candidates, linked: LinkedRecords): Promise<ImportRecords> {
    return lockCandidates(em, this.rules, candidates, { met: this.met, linked });
  }

  async write(em: EntityManager, records: ImportRecords, customFields: CustomFields): Promise<void> {
    const { type } = this.rules;
    const met = [...records.all].filter((record) => record.met);
    const written = met.filter((record) => record.changed);
    const changes = await writeRecords(em, type, written, {
      linked: records.linked,
      customFields,
      operationId: this.operationId,
    });
    const added = addedKeys(type, written);
    await transactionPipeline(em, [
      // First, so that another record of the chunk can claim them.
      ...releaseValues(type, removedKeys(type, written)),
      ...(added.length > 0 ? [insertKeys(type, added)] : []),
      ...(met.length > 0 ? [this.met.remember(met)] : []),
      ...effectsOf(type, changes),
    ]);
  }
}
