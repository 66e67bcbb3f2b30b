import { useQuery } from '@tanstack/react-query';
import { usePeople, type Person } from '../record/names.tsx';
import type { FormField } from '../form/form-field.ts';
import { format, labels, t } from '../../app/language.ts';
import { useSession } from '../../app/session.ts';
import { theContract, type FilterFact, type Resource } from '../../contract/contract.ts';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { quoted, type Context } from './filter-language.ts';

/** What can be inserted at the caret. */
export interface Completion {
  insert: string;
  /** As the filter writes it. */
  code: string;
  /** In the reader's language. */
  name: string;
  /** Of the records that match the comparisons before. */
  count?: number;
}

export interface CompletionGroup {
  title: string;
  completions: Completion[];
}

/** A field that filters compare, with its name for the reader. */
export interface FilterName extends FilterFact {
  name: string;
}

const mostShown = 9;

/** The fields of a resource and its custom fields. */
export function useFilterNames(resource: Resource, customFields: readonly FormField[]): readonly FilterName[] {
  const own = resource.filters.map((fact) => ({ ...fact, name: labels.field(resource.message, fact.path) }));
  const custom = customFields.map(({ name: path, label = path, type, of }): FilterName => {
    const isOrdered = type === 'number' || type === 'date' || of === 'Money';
    return {
      path,
      type: isOrdered ? 'value' : 'term',
      operators: [':', '=', '!=', ...(isOrdered ? ['<', '<=', '>', '>=', 'BETWEEN'] : []), 'IN'],
      name: label,
    };
  });
  return [...own, ...custom];
}

/** Finds a field in any spelling of the filter: `lifecycle_stage` is `lifecycleStage`. */
export function namedBy(names: readonly FilterName[], word: string): FilterName | undefined {
  const plain = (text: string) => (text.startsWith('custom') ? text : text.replaceAll('_', '').toLowerCase());
  return names.find(({ path }) => plain(path) === plain(word));
}

/** The completions at a place of a filter; none without a context. */
export function useCompletions(
  resource: Resource,
  parameters: Json,
  names: readonly FilterName[],
  context: Context | undefined,
): CompletionGroup[] {
  const people = usePeople();
  const { user } = useSession();
  const field = context && context.kind !== 'field' ? namedBy(names, context.field) : undefined;
  const { counts, total } = useCounts(resource, parameters, context?.kind === 'value' ? field : undefined, context);
  if (!context) return [];
  if (context.kind === 'field') return fieldGroups(names, context);
  if (!field) return [];
  if (context.kind === 'operator') {
    const completions = operatorCompletions(field).filter(({ code }) => code.startsWith(context.written));
    return groupsOf(t('filter.operators'), completions);
  }
  const values = [
    ...(field.isUser ? [{ insert: 'me ', code: 'me', name: user.name }] : []),
    ...valueCompletions(field, people, counts),
  ];
  const title = total === undefined ? field.name : t('filter.valuesIn', { field: field.name, count: total });
  return groupsOf(title, matching(values, context.written));
}

function useCounts(resource: Resource, parameters: Json, field: FilterName | undefined, context: Context | undefined) {
  const groupBy = field && resource.groups.includes(field.path) ? field.path : undefined;
  const { data } = useQuery({
    ...readQuery(
      resource.aggregate ?? resource.list,
      { ...parameters, filter: context?.before ?? '', groupBy },
      resource.aggregate !== undefined && groupBy !== undefined,
    ),
    staleTime: 60_000,
    // An unfinished filter before the caret has no counts.
    retry: false,
  });
  const counts = new Map(
    itemsAt(data, 'groups').map((group) => [textAt(itemsAt(group, 'values')[0], 'value'), Number(group.count)]),
  );
  const total = data && Number(itemsAt({ total: [data.total] }, 'total')[0]?.count);
  return { counts, total };
}

function groupsOf(title: string, completions: Completion[]): CompletionGroup[] {
  return completions.length > 0 ? [{ title, completions: completions.slice(0, mostShown) }] : [];
}

function fieldGroups(names: readonly FilterName[], context: Context): CompletionGroup[] {
  const fields = names.map(({ path, name }) => ({ insert: `${path} `, code: path, name }));
  const found = matching(fields, context.written);
  const follows = context.before !== '' && context.written === '';
  const joins = follows
    ? ['AND', 'OR'].map((code) => ({ insert: `${code} `, code, name: t(`filter.join.${code}`) }))
    : [];
  return [...groupsOf(t('filter.fields'), found), ...groupsOf(t('filter.joins'), joins)];
}

/** Those whose code or name begins with what is written; then those that have a word that does. */
function matching(completions: Completion[], written: string): Completion[] {
  const wanted = plainText(written);
  const rank = ({ code, name }: Completion) => {
    if (plainText(code) === wanted) return 0;
    if (plainText(code).startsWith(wanted) || plainText(name).startsWith(wanted)) return 1;
    return plainText(name).includes(` ${wanted}`) || code.toLowerCase().includes(`.${wanted}`) ? 2 : 3;
  };
  return completions.filter((each) => rank(each) < 3).toSorted((one, other) => rank(one) - rank(other));
}

function plainText(text: string): string {
  return text.replace(/["_]/g, '').toLowerCase();
}

function operatorCompletions({ operators, type }: FilterName): Completion[] {
  const words = operators.map((code) => {
    const insert = code === 'IN' ? 'IN (' : `${code} `;
    const hasOwnName = code === ':' && (type === 'term' || type === 'name');
    return { insert, code, name: t(`filter.operator.${code}${hasOwnName ? '.part' : ''}`) };
  });
  return [...words, { insert: ': * ', code: ':*', name: t('filter.operator.any') }];
}

function valueCompletions(
  field: FilterName,
  people: ReadonlyMap<string, Person>,
  counts: ReadonlyMap<string, number>,
): Completion[] {
  const withCount = (code: string, name: string): Completion => {
    const count = counts.get(code);
    return { insert: `${quoted(code)} `, code, name, ...(count !== undefined && { count }) };
  };
  if (field.of !== undefined) {
    const { of } = field;
    return theContract()
      .enumValues(of)
      .map(({ name }) => withCount(name, labels.value(of, name)));
  }
  if (field.type === 'time' || /date/i.test(field.path)) {
    return ['today', 'today-7d', 'today-30d', 'today-90d', 'today-365d'].map((code) =>
      withCount(code, t(`filter.time.${code}`)),
    );
  }
  if (field.type === 'owner') {
    return [...people.values()].map(({ id, name }) => ({ ...withCount(id, name), code: '@' }));
  }
  const isCountry = field.path === 'countryCode';
  return [...counts.keys()]
    .filter((code) => code !== '')
    .map((code) => withCount(code, isCountry ? format.country(code) : ''));
}
