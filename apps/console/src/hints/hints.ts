import { Table2 } from 'lucide-react';
import { theContract, type Resource } from '../contract/contract.ts';
import { textAt, type Json } from '../contract/json.ts';
import type { IconType } from '../kit/ui.tsx';

/** What the contract does not say about a resource: a file of this folder, named as the resource or its items, exports it as `hints`. */
export interface Hints {
  icon: IconType;
  /** Field that names a record. */
  title: string;
  /** Columns of its list after the name, unless a view has others. */
  columns: readonly string[];
  /** Columns of the second line of a row, on a phone: at the left, and at the right of the first line. */
  detail?: string;
  figure?: string;
  /** The sign of a record; none for what is neither a party nor a machine. */
  face?: (record: Json) => 'person' | 'company' | 'machine';
  /** Where a record is opened, if not at its own screen. */
  path?: (record: Json) => string;
  board?: BoardHint;
}

/** How a collection is shown as a board: which fields make the columns and the cards. */
export interface BoardHint {
  /** Field that says the column of a card. */
  column: string;
  /** Field that refers to the pipeline whose stages are the columns; without it, the columns are the values of the enum. */
  pipeline?: string;
  title: string;
  /** Field that refers to the company or person of a card. */
  subject?: string;
  /** Money, summed in the head of a column. */
  amount?: string;
  date?: string;
  /** When the card entered its column. */
  since: string;
}

const files = import.meta.glob<Hints>(['./*.ts', '!./hints.ts'], { eager: true, import: 'hints' });

const known = new Map(Object.entries(files).map(([file, hints]) => [file.slice(2, -3), hints]));

const titles = [
  'displayName',
  'title',
  'subject',
  'name',
  'email',
  'purpose',
  'eventType',
  'url',
  'address',
  'key',
  'type',
  'stage',
  'kind',
  'id',
];
const unfit = new Set(['id', 'etag', 'tenantId', 'previousHash', 'hash', 'traceparent', 'createdBy', 'updatedBy']);

/** The hints of a resource: those of its file, else what its fields suggest. */
export function hintsOf({ name, items, message }: Resource): Hints {
  const found = known.get(name) ?? known.get(items);
  if (found) return found;
  const fields = theContract().fields(message);
  const title = titles.find((each) => fields.some((field) => field.name === each)) ?? fields[0]?.name ?? 'id';
  const plain = fields.filter(
    (field) => field.name !== title && !unfit.has(field.name) && !field.secret && isColumn(field.type),
  );
  return { icon: Table2, title, columns: plain.slice(0, 6).map((field) => field.name) };
}

function isColumn(type: string): boolean {
  return !['message', 'object', 'bytes', 'mask'].includes(type);
}

/** The name of a record: its field by the hints of its resource, or the first one that names things. */
export function titleOf(record: Json | undefined, resource?: Resource): string {
  const fields = resource ? [hintsOf(resource).title, ...titles] : titles;
  return fields.map((name) => textAt(record, name)).find((name) => name !== '') ?? '';
}
