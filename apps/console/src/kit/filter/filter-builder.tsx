import { useState } from 'react';
import { labels, t } from '../../app/language.ts';
import type { Resource } from '../../contract/contract.ts';
import { Button, IconButton, icons, text } from '../ui.tsx';
import { Choose } from '../form/choose.tsx';
import { Select, TextField } from '../form/field.tsx';
import type { FormField } from '../form/form-field.ts';
import { Widget } from '../form/form-widgets.tsx';
import { Segments } from '../form/segments.tsx';
import { namedBy, type FilterName } from './filter-completion.ts';
import { faultText, FilterInput, type FilterFault } from './filter-input.tsx';
import style from './filter-builder.module.css';
import { filterOf, rowOperators, rowsOf, type FilterRow, type FilterRows, type RowOperator } from './filter-rows.ts';

/** A field that rows compare, with the input of its values. */
export interface RowField extends FilterName {
  field: FormField;
}

interface BuilderProps {
  resource: Resource;
  names: readonly RowField[];
  value: string;
  onChange: (filter: string) => void;
  fault: FilterFault | undefined;
}

/** A filter as rows of field, comparison and value. One that rows cannot say is its text. */
export function FilterBuilder({ resource, names, value, onChange, fault }: BuilderProps) {
  const read = rowsOf(value);
  const [isText, setIsText] = useState(read === undefined);
  // Rows without a value are no part of the filter yet, so they are kept here.
  const [draft, setDraft] = useState(read ?? none);
  const shown = filterOf(draft) === value ? draft : (read ?? none);
  const change = (next: FilterRows) => {
    setDraft(next);
    onChange(filterOf(next));
  };
  const setRow = (index: number, row: FilterRow) => change({ ...shown, rows: shown.rows.with(index, row) });
  const add = () => change({ ...shown, rows: [...shown.rows, rowFor(names[0])] });
  if (isText || read === undefined)
    return (
      <div className={text.stack}>
        <FilterInput {...{ resource, names, value, onChange, fault }} parameters={{}} />
        {read && (
          <span>
            <Button small kind="bare" icon={icons.ListFilter} onPress={() => setIsText(false)}>
              {t('rows.asRows')}
            </Button>
          </span>
        )}
      </div>
    );
  return (
    <div className={text.stack} role="group" aria-label={t('filter.label')}>
      {shown.rows.map((row, index) => (
        <Row
          key={index}
          head={index === 0 ? t('rows.where') : t(`filter.join.${shown.join}`)}
          {...{ row, names }}
          onChange={(next) => setRow(index, next)}
          onRemove={() => change({ ...shown, rows: shown.rows.toSpliced(index, 1) })}
        />
      ))}
      {fault && <p role="alert">{faultText(fault)}</p>}
      <div className={style.foot}>
        <Button small icon={icons.Plus} onPress={add}>
          {t('rows.add')}
        </Button>
        {shown.rows.length > 1 && (
          <Segments
            small
            label={t('rows.join')}
            value={shown.join}
            onChange={(join) => change({ ...shown, join })}
            options={(['AND', 'OR'] as const).map((id) => ({ id, name: t(`rows.join.${id}`) }))}
          />
        )}
        <Button small kind="bare" icon={icons.TextCursorInput} onPress={() => setIsText(true)}>
          {t('rows.asText')}
        </Button>
      </div>
    </div>
  );
}

const none: FilterRows = { join: 'AND', rows: [] };

function rowFor(name: RowField | undefined): FilterRow {
  return { path: name?.path ?? '', operator: name ? (rowOperators(name)[0] ?? '=') : '=', values: [] };
}

interface RowProps {
  head: string;
  row: FilterRow;
  names: readonly RowField[];
  onChange: (row: FilterRow) => void;
  onRemove: () => void;
}

function Row({ head, row, names, onChange, onRemove }: RowProps) {
  const name = namedBy(names, row.path) as RowField | undefined;
  const operators = new Set([...(name ? rowOperators(name) : []), row.operator]);
  return (
    <div className={style.row} role="group" aria-label={name?.name ?? row.path}>
      <span>{head}</span>
      <span className={style.field}>
        <Choose
          label={t('rows.field')}
          isHiddenLabel
          value={row.path}
          options={names.map(({ path, name: text }) => ({ id: path, name: text }))}
          onChange={(path) => path !== '' && onChange(rowFor(namedBy(names, path) as RowField | undefined))}
        />
      </span>
      <span className={style.operator}>
        <Select
          label={t('rows.operator')}
          isHiddenLabel
          value={row.operator}
          options={[...operators].map((id) => ({ id, name: operatorName(id, name) }))}
          onChange={(operator) => onChange({ ...row, operator: operator as RowOperator })}
        />
      </span>
      <span className={style.value}>
        <RowValue row={row} name={name} onChange={(values) => onChange({ ...row, values })} />
      </span>
      <span className={style.remove}>
        <IconButton small name={t('form.remove')} icon={icons.X} onPress={onRemove} />
      </span>
    </div>
  );
}

/** Of numbers and days `at least` and the like; of an ordered enum too. */
function operatorName(operator: RowOperator, name: RowField | undefined): string {
  return t(`rows.${operator}${name?.type === 'time' ? '.time' : ''}`);
}

interface ValueProps {
  row: FilterRow;
  name: RowField | undefined;
  onChange: (values: readonly string[]) => void;
}

function RowValue({ row, name, onChange }: ValueProps) {
  const [value = ''] = row.values;
  const label = t('rows.value');
  if (row.operator === 'any' || row.operator === 'none') return null;
  if (row.operator === 'within' || row.operator === 'before')
    return (
      <span className={style.days}>
        <TextField
          label={label}
          isHiddenLabel
          inputMode="numeric"
          value={value}
          onChange={(typed) => onChange([typed.replace(/\D/g, '')])}
        />
        {t(`rows.days.${row.operator}`)}
      </span>
    );
  const { list: _, ...single } = name?.field ?? { name: row.path, type: 'text' as const };
  const isText = row.operator === 'starts' || row.operator === 'contains';
  const field: FormField = isText ? { name: row.path, type: 'text' } : { ...single, required: true, help: '' };
  const isList = row.operator === 'IN';
  return (
    <Widget
      field={isList ? { ...field, list: true } : field}
      label={label}
      isHiddenLabel
      value={isList ? row.values : value}
      onChange={(next) => onChange(Array.isArray(next) ? next.map(String) : [textOf(next)])}
      faults={new Map()}
      pointer=""
      error={undefined}
    />
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** The fields of another type of records, such as `deals.stage`, as those of the records that they belong to. */
export function namesWithin(resource: Resource, fieldOf: (path: string) => FormField): RowField[] {
  return resource.filters.map((fact) => ({
    ...fact,
    path: `${resource.name}.${fact.path}`,
    name: `${labels.resource(resource.name)}: ${labels.field(resource.message, fact.path)}`,
    field: fieldOf(fact.path),
  }));
}
