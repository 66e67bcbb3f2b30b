// The folders of apps/customers/src and what each may import: lint zones are made of this (eslint.config.js).

/** Lowest first. A file imports from its own folder and from those before it. */
export const folders: readonly string[] = [
  'engine/values',
  'engine/pace',
  'engine/sealing',
  'engine/fields',
  'engine/records',
  'engine/query',
  'engine/write',
  'engine/changes',
  'engine/operations',
  'engine/export',
  'engine/import',
  'engine/merge',
  'engine/encryption',
  'domain/customers',
  'domain/custom-fields',
  'domain/associations',
  'domain/suppressions',
  'domain/consents',
  'domain/privacy',
];

/** Folders of `domain` import each other only here: they have to ask. */
export const domainImports: Readonly<Record<string, readonly string[]>> = {
  'domain/consents': ['domain/suppressions'],
  'domain/privacy': ['domain/customers', 'domain/consents', 'domain/suppressions'],
};

/** Imports from a higher folder that are still to be removed, by importing file. The list may only shrink. */
export const exceptions: Readonly<Record<string, readonly string[]>> = {
  'domain/privacy/export-personal-data.ts': [
    'domain/associations/association-message.ts',
    'domain/associations/association.entity.ts',
  ],
  'engine/changes/history/record-values.ts': [
    'domain/associations/association-message.ts',
    'domain/associations/association.entity.ts',
    'domain/consents/consent-message.ts',
    'domain/custom-fields/custom-field-message.ts',
    'domain/suppressions/suppression-message.ts',
    'engine/merge/find-merge.ts',
    'engine/merge/merge-message.ts',
  ],
  'engine/import/chunks/prepare-chunks.ts': ['domain/customers/import/map-row.ts'],
  'engine/import/columns/columns.ts': [
    'domain/customers/import/guess-columns.ts',
    'domain/customers/import/import-target.ts',
  ],
  'engine/import/columns/suggest-field.ts': [
    'domain/customers/import/country-code.ts',
    'domain/customers/import/import-target.ts',
  ],
  'engine/import/records/apply-row.ts': ['domain/customers/import/merge-customer.ts'],
  'engine/import/rows/prepare-row.ts': ['domain/customers/import/map-row.ts', 'domain/customers/normalise-customer.ts'],
  'engine/merge/merge-customers.ts': ['domain/customers/merges/merged-content.ts'],
  'engine/merge/merge-undo.ts': ['domain/customers/merges/merged-content.ts'],
  'engine/merge/merges.controller.ts': [
    'domain/customers/merges/find-duplicates.ts',
    'domain/customers/merges/list-duplicates.ts',
    'domain/customers/merges/tenant-frequencies.ts',
  ],
  'engine/merge/three-way.ts': ['domain/customers/merges/merged-content.ts'],
  'engine/merge/unmerge-customers.ts': ['domain/customers/merges/merged-content.ts'],
  'engine/operations/operation-issues.ts': ['engine/import/chunks/import-chunk.ts'],
  'engine/operations/operation.entity.ts': ['engine/import/operation/import-rules.ts'],
  'engine/operations/operations.controller.ts': [
    'engine/import/operation/create-import.ts',
    'engine/import/operation/import-mappings.ts',
    'engine/import/operation/upload-import-file.ts',
  ],
  'engine/operations/work-on-operation.ts': [
    'engine/encryption/encrypt-tenant.ts',
    'engine/import/operation/run-import.ts',
    'engine/import/operation/undo-import.ts',
    'engine/import/rows/row-issue.ts',
  ],
  'engine/records/apply-update.ts': ['domain/customers/lifecycle-stage.ts', 'domain/customers/normalise-customer.ts'],
  'engine/records/customer-message.ts': ['domain/customers/duplicates/customer-candidate.ts'],
  'engine/sealing/sealing.ts': ['engine/changes/log/change-entry.ts'],
  'engine/write/batch-records.ts': ['domain/customers/normalise-customer.ts'],
  'engine/write/upsert-customer.ts': ['domain/customers/normalise-customer.ts'],
};

/** The zones of `import-x/no-restricted-paths` for a file, or for all files that are no exception. */
export function importZones(file?: string) {
  const path = (folder: string) => `apps/customers/src/${folder}`;
  return folders.map((folder, place) => {
    const higher = folders.slice(place + 1);
    const beside = folder.startsWith('domain/')
      ? folders.slice(0, place).filter((each) => each.startsWith('domain/'))
      : [];
    const forbidden = [...higher, ...beside].filter((each) => !domainImports[folder]?.includes(each));
    return {
      target: path(folder),
      from: ['*.ts', ...forbidden.map((each) => `${each}/**/*`)].map(path),
      // Patterns of whole paths, unlike those above.
      except: (exceptions[file ?? ''] ?? []).map((each) => `**/${path(each)}`),
      message: `${folder} imports only from folders before it (apps/customers/folders.ts).`,
    };
  });
}
