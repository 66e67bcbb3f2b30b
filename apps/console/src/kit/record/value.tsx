import { Fragment } from 'react';
import type { FormField } from '../form/form-field.ts';
import { find, format, labels, t } from '../../app/language.ts';
import { isEmpty, isJson, textAt, type Json } from '../../contract/json.ts';
import { Chip, Icon, icons, join, text } from '../ui.tsx';
import { isPrincipal, isRecordRef, KeyName, NamedRecord, Principal, RecordName, Reference } from './names.tsx';

/** What callers without access see in place of personal data. */
const masked = '***';

/** A value of a record in the reader's language, with names in place of ids. Nothing for an absent one. `isPlain` has no links. */
export function Value({ field, value, isPlain = false }: { field: FormField; value: unknown; isPlain?: boolean }) {
  if (isEmpty(value)) return null;
  if (value === masked)
    return (
      <span className={join(text.row, text.faint)} title={t('value.masked')}>
        <Icon of={icons.EyeOff} small /> {masked}
      </span>
    );
  const { type, of = '' } = field;
  if (type === 'enum')
    return (Array.isArray(value) ? value : [value]).map((each) => labels.value(of, String(each))).join(', ');
  if (Array.isArray(value)) return <List field={field} values={value} isPlain={isPlain} />;
  if (isRecordRef(field)) return <NamedRecord value={value} isPlain={isPlain} />;
  if (type === 'bool') return t(value === true ? 'value.yes' : 'value.no');
  if (typeof value !== 'string') return plainText(field, value);
  return <TextValue field={field} value={value} isPlain={isPlain} />;
}

/** A text, and what it stands for: a person, another record, a stage, a moment. */
function TextValue({ field, value, isPlain }: { field: FormField; value: string; isPlain: boolean }) {
  const { type, reference, keys } = field;
  if (isPrincipal(field)) return <Principal name={value} />;
  if (reference !== undefined)
    return isPlain ? <RecordName resource={reference} id={value} /> : <Reference resource={reference} id={value} />;
  if (keys !== undefined) return <KeyName collection={keys} value={value} />;
  if (field.name === 'origin') return find(`origin.${value}`) ?? value;
  return type === 'time' ? <time title={format.exactTime(value)}>{format.time(value)}</time> : plainText(field, value);
}

/** All of the values; where it `isPlain`, or of objects, the first one and how many more there are. */
function List({ field, values, isPlain }: { field: FormField; values: readonly unknown[]; isPlain: boolean }) {
  const texts = values.map((each) => plainText(field, each));
  const one = (each: unknown) => <Value field={{ ...field, list: undefined }} value={each} isPlain={isPlain} />;
  const isNamed = field.reference !== undefined || field.keys !== undefined || isRecordRef(field);
  if (field.type === 'text' && !isPlain)
    return (
      <span className={join(text.row, text.wrap)}>
        {texts.map((each) => (isNamed ? <Fragment key={each}>{one(each)}</Fragment> : <Chip key={each}>{each}</Chip>))}
      </span>
    );
  const [first = '', ...more] = texts;
  return (
    <>
      {isNamed ? one(values[0]) : first}
      {more.length > 0 && (
        <span className={text.faint} title={isNamed ? undefined : more.join('\n')}>
          {' '}
          +{more.length}
        </span>
      )}
    </>
  );
}

/** A value without signs of its own, as it can be copied. */
export function plainText(field: FormField, value: unknown): string {
  const option = field.options?.find(({ id }) => id === value);
  if (option) return option.name;
  if (isMoney(value)) return format.money(value);
  if (isJson(value)) return partsText(value);
  if (field.type === 'date') return format.date(String(value));
  if (field.type === 'int' || field.type === 'number') return format.number(Number(value));
  if (field.name === 'countryCode') return format.country(String(value));
  return String(value);
}

/** The first text of an object, or its texts together: an e-mail address, an address, an external id. */
function partsText(value: Json): string {
  const main = textAt(value, 'address') || textAt(value, 'number') || textAt(value, 'name') || textAt(value, 'value');
  if (main !== '') return main;
  return Object.entries(value)
    .filter(([, part]) => typeof part === 'string' || typeof part === 'number')
    .map(([name, part]) => plainText({ name, type: 'text' }, part))
    .join(', ');
}

export function isMoney(value: unknown): value is { currencyCode: string; amount: string } {
  return isJson(value) && typeof value.currencyCode === 'string' && typeof value.amount === 'string';
}
