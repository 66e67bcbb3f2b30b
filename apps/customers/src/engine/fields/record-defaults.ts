import type { RecordContract, RecordField } from '@rapport/contracts';
import { normaliserOf } from './normalise-record.js';
import type { ListRules, RecordDefinition, RecordMessage } from './record-definition.js';

/** Rules that every type has. */
export type RecordDefaults<Message extends RecordMessage> = Required<
  Pick<RecordDefinition<Message>, 'normalise' | 'lists' | 'searchTexts' | 'openTexts'>
>;

/** Default rules of a type. */
export function defaultsOf<Message extends RecordMessage>(contract: RecordContract): RecordDefaults<Message> {
  const searched = contract.fields.filter(({ index }) => index.search);
  const open = searched.filter(({ isPersonal }) => !isPersonal);
  return {
    normalise: normaliserOf<Message>(contract),
    lists: listRules<Message>(contract),
    searchTexts: (record) => textsOf(searched, record),
    openTexts: (record) => textsOf(open, record),
  };
}

type Values = Record<string, unknown>;

function textsOf(fields: readonly RecordField[], record: object): string[] {
  return fields.flatMap(({ name }) => ((record as Values)[name] as string | string[] | undefined) ?? []);
}

/** Texts are equal by value, external ids by system. */
function listRules<Message extends RecordMessage>({ fields }: RecordContract): ListRules<Message> {
  const lists = fields.filter(
    ({ desc, parts, writable }) =>
      writable === 'ALWAYS' && desc.fieldKind === 'list' && (parts.length === 0 || hasSystem(parts)),
  );
  const keys = lists.map(({ name, parts }): [string, (item: unknown) => unknown] => [
    name,
    hasSystem(parts) ? (item) => (item as Values)['system'] : (item) => item,
  ]);
  return {
    fields: keys.map(([name]) => name),
    unite: (stored, given) => {
      const listOf = (record: object, name: string) => (record as Values)[name] as unknown[];
      const united = keys.map(([name, key]) => [name, unite(listOf(stored, name), listOf(given, name), key)]);
      return Object.fromEntries(united) as Partial<Message>;
    },
  };
}

function hasSystem(parts: readonly RecordField[]): boolean {
  return parts.some(({ name }) => name === 'system');
}

function unite(items: unknown[], added: unknown[], key: (item: unknown) => unknown): unknown[] {
  const known = new Set(items.map(key));
  const others = added.filter((item) => !known.has(key(item)));
  return others.length === 0 ? items : [...items, ...others];
}
