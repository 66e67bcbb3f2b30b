import type { ReactNode } from 'react';
import { titleOf } from '../../hints/hints.ts';
import { shapeOf } from '../../kit/record/names.tsx';
import { format, labels, t } from '../../app/language.ts';
import { theContract, type Field } from '../../contract/contract.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { Face, IconButton, icons, text } from '../../kit/ui.tsx';
import { isMoney, Value } from '../../kit/record/value.tsx';
import style from './record.module.css';

/** A panel with a title, how many there are, and how to add one or to edit all. */
export function Panel({
  title,
  count,
  onAdd,
  onEdit,
  children,
}: {
  title: string;
  count?: string;
  onAdd?: (() => void) | undefined;
  onEdit?: (() => void) | undefined;
  children: ReactNode;
}) {
  return (
    <div className={style.panel}>
      <header>
        <h2>{title}</h2>
        {count !== undefined && <span className={text.meta}>{count}</span>}
        <span className={text.grow} />
        {onEdit && (
          <IconButton small name={t('record.editField', { field: title })} icon={icons.Pencil} onPress={onEdit} />
        )}
        {onAdd && <IconButton small name={t('record.add', { what: title })} icon={icons.Plus} onPress={onAdd} />}
      </header>
      {children}
    </div>
  );
}

/**
 * A record in a line or two: its name, its money, and what state it is in. One that only links others has the name of the first
 * that is not `of`, the id of the record beside which it is shown.
 */
export function RowText({ message, record, of, children }: RowTextProps) {
  const fields = theContract().fields(message);
  const shape = shapeOf(record);
  const money = fields.map(({ name }) => record[name]).find(isMoney);
  const beside = fields.flatMap((field) => metaOf(field, record)).slice(0, 2);
  if (beside.length === 0 && textAt(record, 'createTime') !== '')
    beside.push(format.time(textAt(record, 'createTime')));
  return (
    <>
      {shape && <Face name={titleOf(record)} shape={shape} />}
      <span className={style.rowText}>
        <span className={text.cut}>
          <RowName fields={fields} record={record} of={of} />
        </span>
        {beside.length > 0 && <span className={`${text.meta} ${text.cut}`}>{beside.join(', ')}</span>}
      </span>
      {money && <span className={text.number}>{format.money(money)}</span>}
      {children}
    </>
  );
}

interface RowTextProps {
  message: string;
  record: Json;
  of?: string;
  children?: ReactNode;
}

function RowName({ fields, record, of }: { fields: readonly Field[]; record: Json; of: string | undefined }) {
  const title = titleOf(record);
  const key = fields.find(({ name, keys }) => keys !== undefined && record[name] === title);
  if (key) return <Value field={key} value={title} />;
  if (title !== '' && title !== record['id']) return title;
  const other = fields.find(
    (field) => field.reference !== undefined && record[field.name] !== of && record[field.name],
  );
  return other ? <Value field={other} value={record[other.name]} isPlain /> : title || factsOf(fields, record);
}

/** In place of a name: the facts of an item that has none, such as the number, time and status of an attempt. */
function factsOf(fields: readonly Field[], record: Json): string {
  const facts = fields.flatMap((field) => {
    const value = record[field.name];
    if (typeof value === 'number') return [`${labels.field('', field.name)} ${value}`];
    if (typeof value !== 'string' || value === '') return [];
    return [field.type === 'time' ? format.exactTime(value) : value];
  });
  return facts.join(', ');
}

function metaOf({ name, type, of, list }: Field, record: Json): string[] {
  const value = record[name];
  if (typeof value !== 'string' || value === '' || list === true) return [];
  if (type === 'enum') return name === 'kind' ? [] : [labels.value(of ?? '', value)];
  if (name === 'jobTitle') return [value];
  return type === 'date' ? [format.date(value)] : [];
}
