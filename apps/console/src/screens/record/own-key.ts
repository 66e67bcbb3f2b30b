import { useState } from 'react';
import { keyOfName, words } from '../../app/labels.ts';
import type { Resource } from '../../contract/contract.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { hintsOf } from '../../hints/hints.ts';
import type { FormField } from '../../kit/form/form-field.ts';

/** The key of a new record, which follows its name until it is typed: `spring-catalogue` for `Spring catalogue`. */
export function useOwnKey(resource: Resource, inputs: readonly FormField[], value: Json) {
  const { title } = hintsOf(resource);
  const name = inputs.find((field) => field.name === title)?.name;
  const key = inputs.find((field) => field.name === 'key' || field.name === 'slug')?.name;
  const [isTyped, setIsTyped] = useState(key !== undefined && textAt(value, key) !== '');
  if (name === undefined || key === undefined)
    return { nameFirst: (fields: readonly FormField[]) => fields, follow: (next: Json) => next };

  const kind = keyOfName(words(resource.singular));
  const made = (named: string) =>
    key === 'slug' ? keyOfName(named, kind).replaceAll('_', '-') : keyOfName(named, kind);
  return {
    /** People name a thing, and then see its key. */
    nameFirst: (fields: readonly FormField[]) => {
      const first = [name, key].flatMap((each) => fields.find((field) => field.name === each) ?? []);
      return [...first, ...fields.filter((field) => !first.includes(field))];
    },
    follow: (next: Json): Json => {
      if (next[key] !== value[key]) setIsTyped(textAt(next, key) !== '');
      if (next[key] !== value[key] || isTyped || next[name] === value[name]) return next;
      const named = textAt(next, name).trim();
      return { ...next, [key]: named === '' ? null : made(named) };
    },
  };
}
