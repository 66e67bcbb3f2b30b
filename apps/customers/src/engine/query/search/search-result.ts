import type { NamedField } from '@rapport/contracts';
import type { SearchResult } from '@rapport/contracts/rapport/customers/v1/search_service';
import { fold } from '@rapport/contracts/filters';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { searchTexts, searchWords } from '../list/search-conditions.js';
import type { RankedRecord } from './find-ranked.js';
import { titleField } from './searched-types.js';

/** How a search for `q` presents the records of a type. */
export function resultReader(type: RecordType, q: string): (found: RankedRecord) => SearchResult {
  const sought = searchWords(q).flatMap(searchTexts);
  const hasWord = (text: string) => sought.some((word) => fold(text).includes(word));
  const title = titleField(type);
  const searched = type.namedFields.filter(({ field }) => field.index.search);
  return ({ record, rank }) => {
    const values = record as unknown as Values;
    const name = (values[title.name] as string | undefined) ?? '';
    const texts = searched.flatMap((named) =>
      textsOf(named, values).map((text) => ({ text, field: fieldName(named) })),
    );
    const others = texts.flatMap(({ text }) => (fold(name).includes(fold(text)) ? [] : [text]));
    return {
      type: nameOf(type, record),
      id: record.id,
      title: name,
      detail: type.definition.detail?.(record) ?? others.find(hasWord) ?? others[0],
      // In the order of SearchMatch.
      match: rank,
      matchedField: texts.find(({ text }) => hasWord(text))?.field,
      updateTime: record.updateTime,
    };
  };
}

function nameOf(type: RecordType, record: RecordMessage): string {
  const parentKey = type.parentOf(record);
  return parentKey === undefined ? type.name : type.of(parentKey).name;
}

/** The best match first, and within a rank the most recently changed record. */
export function compareMatches(a: SearchResult, b: SearchResult): number {
  const key = ({ updateTime = '', id }: SearchResult) => `${updateTime} ${id}`;
  return a.match - b.match || (key(a) < key(b) ? 1 : -1);
}

type Values = Record<string, unknown>;

function fieldName({ field, list }: NamedField): string {
  return (list ?? field).name;
}

function textsOf({ field, list }: NamedField, values: Values): string[] {
  const items = list ? (values[list.name] as Values[]) : [values];
  return items.flatMap((item) => (item[field.name] as string | string[] | undefined) ?? []);
}
