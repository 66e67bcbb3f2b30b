import { copyText } from '../../kit/notices.ts';
import { isPrincipal, isRecordRef, shortId } from '../../kit/record/names.tsx';
import { format, t } from '../../app/language.ts';
import { isJson, textAt, valueAt, type Json } from '../../contract/json.ts';
import type { FormField } from '../../kit/form/form-field.ts';
import { theContract } from '../../contract/contract.ts';
import { DottedList } from '../../kit/form/dotted/dotted-choices.tsx';
import { IconButton, icons, join, text } from '../../kit/ui.tsx';
import { isMoney, Value } from '../../kit/record/value.tsx';
import style from './record.module.css';

/** The value of one field, with links, faces and names in place of ids. `isShort` keeps it to one line. */
export function Fact({ field, record, isShort = false }: { field: FormField; record: Json; isShort?: boolean }) {
  const value = valueAt(record, field.name);
  if (Array.isArray(value)) return <Several field={field} values={value} isShort={isShort} />;
  if (isJson(value) && !isMoney(value) && !isRecordRef(field))
    return <code className={style.json}>{JSON.stringify(value, undefined, 1)}</code>;
  if (typeof value === 'string' && value !== '') {
    if (isId(field) && field.reference === undefined && !isPrincipal(field)) return <Id id={value} />;
    if (field.type === 'time' && !isShort) return <time title={value}>{format.exactTime(value)}</time>;
  }
  return <Value field={field} value={value} />;
}

function Several({ field, values, isShort }: { field: FormField; values: unknown[]; isShort: boolean }) {
  const [first] = values;
  if (isShort && typeof first === 'string' && field.reference === undefined) return first;
  if (isShort) return <Value field={field} value={[isJson(first) && 'city' in first ? placeOf(first) : first]} />;
  if (field.code === 'permission' || field.code === 'eventType')
    return <DottedList code={field.code} values={values.map(String)} />;
  if (field.type !== 'message') return <Value field={field} value={values} />;
  return (
    <ul>
      {values.filter(isJson).map((each, index) => (
        <li key={index}>
          <Parts field={field} value={each} />
        </li>
      ))}
    </ul>
  );
}

/** An object of a list: its parts, with what it is for behind them. */
function Parts({ field, value }: { field: FormField; value: Json }) {
  if (isRecordRef(field)) return <Value field={{ ...field, list: undefined }} value={value} />;
  const fields = theContract()
    .fields(field.of)
    .filter(({ name, output }) => output !== true && value[name] !== undefined);
  if (fields.some((each) => isPrincipal(each) || each.reference !== undefined))
    return (
      <span className={join(text.row, text.wrap)}>
        {fields.map((each) => (
          <span key={each.name}>
            <Value field={each} value={value[each.name]} />
          </span>
        ))}
      </span>
    );
  const { label, countryCode, ...rest } = value;
  const texts = Object.values(rest).filter((part) => typeof part === 'string' || typeof part === 'number');
  if (typeof countryCode === 'string') texts.push(format.country(countryCode));
  return (
    <>
      {texts.length > 0 ? texts.join(', ') : <Value field={field} value={value} />}{' '}
      {typeof label === 'string' && <span className={text.meta}>{label}</span>}
    </>
  );
}

function Id({ id }: { id: string }) {
  return (
    <span className={text.row}>
      <code title={id}>{shortId(id)}</code>
      <IconButton
        small
        name={t('record.copyId')}
        icon={icons.Copy}
        onPress={() => void copyText(id, t('record.copied'))}
      />
    </span>
  );
}

function placeOf(address: Json): unknown {
  const parts = [textAt(address, 'city'), format.country(textAt(address, 'countryCode'))];
  return { name: parts.filter((part) => part !== '').join(', ') };
}

function isId({ name }: FormField): boolean {
  return name === 'id' || name.endsWith('Id') || name === 'clientId';
}
