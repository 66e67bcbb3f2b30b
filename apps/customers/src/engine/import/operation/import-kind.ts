import type { BulkWork } from '../../pace/bulk-work.js';
import { refuseUnderEncryption } from '../../query/filter/refuse-sealed.js';
import type { OperationKind } from '../../operations/operation-kind.js';
import { wrongState } from '../../operations/steer-operation.js';
import type { ImportTypes } from '../import-rules.js';
import { importLeftovers } from './import.entity.js';
import { importable } from './mapping-rules.js';
import { runImport } from './run-import.js';
import { undoImport } from './undo-import.js';

/** Imports files that CreateImport announces and UploadImportFile brings. */
export function importKind(types: ImportTypes, { importChunkRows }: BulkWork): OperationKind {
  return {
    name: 'IMPORT',
    origin: 'import',
    run: (task) => runImport(types, task, importChunkRows),
    undo: {
      check(operation) {
        importable(types, operation.input.recordType, 'operation');
        refuseUnderEncryption('An import can not be undone');
        if (operation.input.dryRun) throw wrongState(operation, 'A dry run has no changes to undo.');
      },
      run: (task) => undoImport(types, task),
    },
    checkResume(operation) {
      importable(types, operation.input.recordType, 'operation');
      refuseUnderEncryption('Files can not be imported as operations');
    },
    leftovers: importLeftovers,
  };
}
