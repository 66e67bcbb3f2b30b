import { FormFieldKind, type Form, type FormField } from '@rapport/contracts/rapport/marketing/v1/form';
import { isEmail } from '../mail-intake/sender.js';

/** What is wrong with a value. */
export type ValueFault = 'missing' | 'invalid';

/** What a visitor has sent. */
export interface SentForm {
  /** Texts by the key of the field; fields without one are absent. */
  values: ReadonlyMap<string, string>;
  faults: ReadonlyMap<string, ValueFault>;
  topicKeys: readonly string[];
}

/** Reads one value of a form. @param longest in characters */
export type FormReader = (name: string, longest: number) => string;

/** Names in the page that are no keys of fields, which begin with a letter. */
export const pageNames = { ticket: '_ticket', proof: '_proof', honeypot: '_website', topic: '_topic_' } as const;

export function readSentForm({ fields, topicKeys }: Form, read: FormReader): SentForm {
  const values = new Map<string, string>();
  const faults = new Map<string, ValueFault>();
  for (const { key, kind, isRequired, options } of fields) {
    const typed = read(key, longestOf(kind) + 1);
    const value = typed === '' ? '' : readValue(kind, options, typed);
    if (value === undefined) faults.set(key, 'invalid');
    else if (value === '' && isRequired) faults.set(key, 'missing');
    if (typed !== '') values.set(key, value ?? typed);
  }
  return { values, faults, topicKeys: topicKeys.filter((key) => read(`${pageNames.topic}${key}`, 5) !== '') };
}

/** Most characters of a value. */
export function longestOf(kind: FormFieldKind): number {
  return kind === FormFieldKind.LONG_TEXT ? 5_000 : 300;
}

/** The value as a record has it. */
export function storedValue({ kind }: FormField, value: string): string | number | boolean {
  if (kind === FormFieldKind.NUMBER) return Number(value);
  return kind === FormFieldKind.CHECKBOX ? true : value;
}

/** The normal form of what was typed. Undefined for a value that the field cannot have. */
function readValue(kind: FormFieldKind, options: readonly string[], typed: string): string | undefined {
  if ([...typed].length > longestOf(kind)) return undefined;
  switch (kind) {
    case FormFieldKind.UNSPECIFIED:
    case FormFieldKind.TEXT:
      return typed.replaceAll(/\s+/g, ' ');
    case FormFieldKind.LONG_TEXT:
      return typed.replaceAll('\r\n', '\n');
    case FormFieldKind.EMAIL:
      return isEmail(typed) ? typed : undefined;
    case FormFieldKind.PHONE:
      return matching(/^\+[1-9]\d{6,14}$/, typed.replaceAll(/[\s().-]/g, ''));
    case FormFieldKind.NUMBER:
      return matching(/^-?\d{1,12}(\.\d{1,6})?$/, typed);
    case FormFieldKind.DATE:
      return isDay(typed) ? typed : undefined;
    case FormFieldKind.CHOICE:
      return options.includes(typed) ? typed : undefined;
    case FormFieldKind.CHECKBOX:
      return 'true';
    default:
      return kind satisfies never;
  }
}

function matching(pattern: RegExp, text: string): string | undefined {
  return pattern.test(text) ? text : undefined;
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
