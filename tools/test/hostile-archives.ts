import type { Archive } from './workspaces.ts';

/** Changes of an archive that no export would write, by what they make of it. Its manifest is right again afterwards. */
export const hostileEdits: [name: string, edit: (archive: Archive) => void][] = [
  ['a record without its reference', (hostile) => hostile.dropFolder('records/pipeline')],
  [
    'a record of which a field has another type',
    (hostile) => hostile.edit('records/deal', (line) => ({ ...line, title: 7 })),
  ],
  ['a record with a field that there is not', (hostile) => hostile.edit('records/deal', (line) => ({ ...line, x: 1 }))],
  ['a record twice', (hostile) => hostile.repeat('records/deal')],
  ['a record whose id is none', (hostile) => hostile.edit('records/deal', (line) => ({ ...line, id: 'x' }))],
  ['a row with a column that there is not', (hostile) => hostile.edit('rows/consent', (line) => ({ ...line, x: 1 }))],
  [
    'a row of another tenant',
    (hostile) => hostile.edit('rows/consent', (line) => ({ ...line, tenant_id: line['id'] })),
  ],
  ['a text where a number belongs', (hostile) => hostile.edit('rows/file', (line) => ({ ...line, size_bytes: 'x' }))],
  ['a file that is a page', (hostile) => hostile.edit('rows/file', (line) => ({ ...line, content_type: 'text/html' }))],
  [
    'a file of a record of another type',
    (hostile) => hostile.edit('rows/file', (line) => ({ ...line, record_table: 'pipeline' })),
  ],
  [
    'a history with a change that there is not',
    (hostile) =>
      hostile.edit('rows/sla_event', (line) => ({
        ...line,
        events: [{ cause: 'x', time: '2026-01-01T00:00:00Z', changes: [{}] }],
      })),
  ],
  ['a timer without its history', (hostile) => hostile.edit('records/slaTimer', (line) => ({ ...line, cycle: 7 }))],
  ['a policy that is none', (hostile) => hostile.edit('rows/sla_definition', (line) => ({ ...line, content: 1 }))],
  ['a folder that there is not', (hostile) => hostile.rename('rows/consent', 'rows/nothing')],
  ['a path out of the archive', (hostile) => hostile.rename('rows/consent', '../../rows/consent')],
  ['another order', (hostile) => hostile.moveFirst('rows/consent')],
];
