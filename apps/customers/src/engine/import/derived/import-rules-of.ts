import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import type { ImportRules } from '../import-rules.js';
import { absentValues } from '../records/merge-values.js';
import { error } from '../rows/row-issue.js';
import { simpleName } from '../columns/simple-name.js';
import { derivedFields } from './derived-fields.js';
import { mergeDerived } from './derived-merge.js';
import { readDerivedRow } from './derived-row.js';

/**
 * The default import rules of a record type: columns are the fields of its contract, and a row matches the record with
 * its id, or else with its external ids or other unique values.
 */
export function importRulesOf<Message extends RecordMessage>(type: RecordType<Message>): ImportRules<Message> {
  const { fields: contractFields } = type.contract;
  const title = contractFields.find(({ index, desc }) => index.search && desc.fieldKind === 'scalar')?.name;
  const fields = derivedFields(type, title);
  const externalIds = simpleName(fields.get('external_id')?.plural ?? '');
  return {
    type,
    fields,
    serverFields: new Set(
      contractFields
        .filter(({ writable, name }) => writable === 'NEVER' && name !== 'id')
        .flatMap(({ name, column }) => [name, column]),
    ),
    looks: [],
    guess: (column) => (column === externalIds ? { field: 'external_id', label: undefined } : undefined),
    readRow: (cells, defaults, customFields) =>
      readDerivedRow(cells, { type, fields, defaults, customFields }) as { record: Message } & ReturnType<
        typeof readDerivedRow
      >,
    normalise(given, customFields) {
      // The rules of the type expect the contract's empty values instead of undefined.
      const absent = absentValues(type, given);
      const { record, violations } = type.definition.normalise({ ...given, ...absent }, customFields);
      return { record: withoutAbsent(record, absent), violations, issues: [], givesName: false };
    },
    merge: (before, row, options) =>
      mergeDerived(type, before, row, options) as ReturnType<ImportRules<Message>['merge']>,
    nameOf: (record) => (title === undefined ? '' : ((record as unknown as Values)[title] as string | undefined)) ?? '',
    missing({ field, description }) {
      return error('REQUIRED', `The row lacks ${field}, which ${description.replace(/\.$/, '')}.`, { field });
    },
  };
}

type Values = Record<string, unknown>;

/** Absent values become undefined again, so that a merge skips them. */
function withoutAbsent<Message extends object>(record: Message, absent: object): Message {
  const values = { ...record } as Values;
  for (const [name, value] of Object.entries(absent)) if (values[name] === value) values[name] = undefined;
  return values as Message;
}
