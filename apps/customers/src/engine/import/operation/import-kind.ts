import { AppError } from '@rapport/platform';
import type { BulkWork } from '../../pace/bulk-work.js';
import type { OperationKind, OperationTask, OperationWork } from '../../operations/operation-kind.js';
import type { Operation } from '../../operations/operation.entity.js';
import { wrongState } from '../../operations/steer-operation.js';
import { currentSeal, withSeal } from '../../sealing/seal.js';
import { sealError } from '../../sealing/sealed-report.js';
import { Sealing } from '../../sealing/sealing.js';
import type { ImportTypes } from '../import-rules.js';
import { importErased } from './import-file.js';
import { importLeftovers } from './import.entity.js';
import { importable } from './mapping-rules.js';
import { runImport } from './run-import.js';
import { undoImport } from './undo-import.js';

/** Imports files that CreateImport announces and UploadImportFile brings. */
export function importKind(types: ImportTypes, { importChunkRows }: BulkWork): OperationKind {
  return {
    name: 'IMPORT',
    origin: 'import',
    run: (task) => sealing(task, () => runImport(types, task, importChunkRows)),
    undo: {
      check(operation) {
        importable(types, operation.input.recordType, 'operation');
        refuseCleared(operation, currentSeal() !== undefined);
        if (operation.input.dryRun) throw wrongState(operation, 'A dry run has no changes to undo.');
      },
      run: (task) => sealing(task, () => undoImport(types, task)),
    },
    checkResume(operation) {
      importable(types, operation.input.recordType, 'operation');
      refuseCleared(operation, currentSeal() !== undefined);
    },
    failedRefusal({ error }) {
      const erased = importErased();
      return error?.reason === erased.reason ? erased.message : undefined;
    },
    leftovers: importLeftovers,
  };
}

/** Runs work on an import with the keys of its workspace, and encrypts its error, which can quote the file. */
async function sealing({ em, job, operation }: OperationTask, work: () => ReturnType<OperationWork>): Promise<void> {
  const state = Sealing.of(em);
  state.forget(job.tenantId);
  const seal = await state.sealOf(em, job.tenantId);
  refuseCleared(operation, seal !== undefined);
  await withSeal(seal, async () => {
    try {
      await work();
    } catch (error) {
      throw error instanceof AppError ? await sealError(operation, error) : error;
    }
  });
}

/** @throws AppError FAILED_PRECONDITION for an import from before the encryption, which removed its file and undo data */
function refuseCleared({ sealed }: Operation, isEncrypted: boolean): void {
  if (!isEncrypted || sealed) return;
  const message = 'The encryption of personal data removed the file and the undo data of the import.';
  throw new AppError('FAILED_PRECONDITION', 'PERSONAL_DATA_ENCRYPTED', message);
}
