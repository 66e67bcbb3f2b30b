import { EyeOff } from 'lucide-react';
import { useLanguage } from '../../app/language.ts';
import type { Field } from '../../contract/contract.ts';
import { isJson, textAt, type Json } from '../../contract/api.ts';
import text from '../../style/text.module.css';
import { Chip, Icon } from '../ui.tsx';
import type { Format } from '../../app/format.ts';

/** What callers without access see in place of personal data. */
const masked = '***';

/** A value of a record as text in the reader's language. Nothing for an absent one. */
export function Value({ field, value }: { field: Field; value: unknown }) {
  const { t, labels, format } = useLanguage();
  if (value === undefined || value === null || value === '') return null;
  if (value === masked)
    return (
      <span className={`${text.row} ${text.faint}`} title={t('value.masked')}>
        <Icon of={EyeOff} small /> {masked}
      </span>
    );
  if (field.type === 'enum') return <>{enumText(field, value, labels.value)}</>;
  if (Array.isArray(value)) return <List field={field} values={value} />;
  if (field.type === 'bool') return <>{t(value === true ? 'value.yes' : 'value.no')}</>;
  if (field.type === 'time' && typeof value === 'string')
    return <time title={format.exactTime(value)}>{format.time(value)}</time>;
  return <>{plainText(field, value, format)}</>;
}

function List({ field, values }: { field: Field; values: readonly unknown[] }) {
  const { format } = useLanguage();
  if (field.type === 'text')
    return (
      <span className={text.row}>
        {values.map((each) => (
          <Chip key={String(each)}>{String(each)}</Chip>
        ))}
      </span>
    );
  const [first, ...more] = values.map((each) => plainText(field, each, format));
  return (
    <>
      {first}
      {more.length > 0 && (
        <span className={text.faint} title={more.join('\n')}>
          {' '}
          +{more.length}
        </span>
      )}
    </>
  );
}

function enumText({ of = '' }: Field, value: unknown, name: (type: string, value: string) => string): string {
  return (Array.isArray(value) ? value : [value]).map((each) => name(of, String(each))).join(', ');
}

/** A value without signs of its own, as it can be copied. */
export function plainText(field: Field, value: unknown, format: Format): string {
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
  return Object.values(value)
    .filter((part) => typeof part === 'string' || typeof part === 'number')
    .join(', ');
}

export function isMoney(value: unknown): value is { currencyCode: string; amount: string } {
  return isJson(value) && typeof value.currencyCode === 'string' && typeof value.amount === 'string';
}
