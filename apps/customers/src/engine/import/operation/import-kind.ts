import { refuseUnderEncryption } from '../../query/filter/refuse-sealed.js';
import type { OperationKind } from '../../operations/operation-kind.js';
import { wrongState } from '../../operations/steer-operation.js';
import type { ImportRules } from '../import-rules.js';
import { importLeftovers } from './import.entity.js';
import { runImport } from './run-import.js';
import { undoImport } from './undo-import.js';

/** Imports files that CreateImport announces and UploadImportFile brings. */
export function importKind(rules: ImportRules): OperationKind {
  return {
    name: 'IMPORT',
    origin: 'import',
    run: (task) => runImport(rules, task),
    undo: {
      check(operation) {
        refuseUnderEncryption('An import can not be undone');
        if (operation.input.dryRun) throw wrongState(operation, 'A dry run has changed nothing that could be undone.');
      },
      run: undoImport,
    },
    checkResume: () => refuseUnderEncryption('Files can not be imported'),
    leftovers: importLeftovers,
  };
}
