import type { ReactNode } from 'react';
import { Radio, RadioGroup } from 'react-aria-components';
import { t } from '../../app/language.ts';
import { isEmpty, isJson, isSame, type Json } from '../../contract/json.ts';
import { text } from '../ui.tsx';
import type { FormField } from '../form/form-field.ts';
import style from './diff.module.css';
import { Value } from './value.tsx';

/** What a change made of one field. */
export interface FieldChange {
  field: FormField;
  before: unknown;
  after: unknown;
}

/** The old value struck, and the new one as a highlighter marks it. Of a list of texts only those that differ. */
export function Diff({ field, before, after }: FieldChange) {
  const [old, current] = field.list ? [textsOf(before), textsOf(after)] : [];
  if (old && current)
    return (
      <>
        {old
          .filter((each) => !current.includes(each))
          .map((each) => (
            <Was key={each} field={field} value={each} />
          ))}
        {current
          .filter((each) => !old.includes(each))
          .map((each) => (
            <New key={each} field={field} value={each} />
          ))}
      </>
    );
  return (
    <>
      {!isEmpty(before) && <Was field={field} value={before} />}
      {isEmpty(after) ? <span className={text.faint}>{t('diff.removed')}</span> : <New field={field} value={after} />}
    </>
  );
}

function Was({ field, value }: { field: FormField; value: unknown }) {
  return (
    <>
      <del className={style.was}>
        <Value field={field} value={value} />
      </del>{' '}
    </>
  );
}

function New({ field, value }: { field: FormField; value: unknown }) {
  return (
    <>
      <ins className={style.new}>
        <Value field={field} value={value} />
      </ins>{' '}
    </>
  );
}

/** Texts of a list, and none for what was no list before; undefined for another value. */
function textsOf(value: unknown): string[] | undefined {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
}

export type Side = 'theirs' | 'yours';

/** Two values of one field, of which one is taken. */
export function Choice({ label, field, theirs, yours, side, onChange }: ChoiceProps) {
  return (
    <RadioGroup
      aria-label={label}
      value={side}
      onChange={(chosen) => onChange(chosen === 'yours' ? 'yours' : 'theirs')}
      className={style.choice}
    >
      <span className={style.label}>{label}</span>
      <Pick side="theirs" name={t('diff.theirs')}>
        <Value field={field} value={theirs} />
      </Pick>
      <Pick side="yours" name={t('diff.yours')}>
        <Value field={field} value={yours} />
      </Pick>
    </RadioGroup>
  );
}

interface ChoiceProps {
  label: string;
  field: FormField;
  theirs: unknown;
  yours: unknown;
  side: Side;
  onChange: (side: Side) => void;
}

function Pick({ side, name, children }: { side: Side; name: string; children: ReactNode }) {
  return (
    <Radio value={side} className={style.pick}>
      <span className={style.radio} />
      <span className={style.value}>
        {children}
        <small>{name}</small>
      </span>
    </Radio>
  );
}

/** The changed fields of a record, with those of its custom fields one by one. */
export function changesOf(
  names: readonly string[],
  before: Json,
  after: Json,
  fieldOf: (name: string) => FormField,
): FieldChange[] {
  return names.flatMap((name) => {
    const [one, other] = [before[name], after[name]];
    if (name !== 'customFields') return [{ field: fieldOf(name), before: one, after: other }];
    const [old, current] = [isJson(one) ? one : {}, isJson(other) ? other : {}];
    return [...new Set([...Object.keys(old), ...Object.keys(current)])]
      .filter((key) => !isSame(old[key], current[key]))
      .map((key) => ({ field: fieldOf(`customFields.${key}`), before: old[key], after: current[key] }));
  });
}
