import type { RecordContract } from '@rapport/contracts';

/** What a type of records is called in its service. */
export interface Names {
  /** Such as `StageEntry` and `StageEntries`, in names of methods and messages. */
  type: string;
  types: string;
  /** Such as `stage_entry` and `stage_entries`, in names of fields, and the first of them in cache tags. */
  field: string;
  fields: string;
  /** Such as `stageEntry`, in JSON. */
  json: string;
  /** Such as `stageEntries`, in paths; `objects/{object}/records` when the records have a parent. */
  collection: string;
  /** Such as `stage entry` and `stage entries`, in sentences. */
  noun: string;
  nouns: string;
  /** Such as `a stage entry`. */
  one: string;
}

export function namesOf({ singular, plural, collection }: RecordContract): Names {
  const noun = sentenceWords(singular);
  return {
    type: upperFirst(singular),
    types: upperFirst(plural),
    field: words(singular, '_'),
    fields: words(plural, '_'),
    json: singular,
    collection,
    noun,
    nouns: sentenceWords(plural),
    one: `${/^(?:[aeio]|SLA)/.test(noun) ? 'an' : 'a'} ${noun}`,
  };
}

/** Such as `stage entry`, and `SLA policy`, whose abbreviation stays one. */
function sentenceWords(name: string): string {
  return words(name, ' ').replace(/^sla /, 'SLA ');
}

function upperFirst(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function words(camelCase: string, separator: string): string {
  return camelCase.replace(/[A-Z]/g, (letter) => separator + letter.toLowerCase());
}
