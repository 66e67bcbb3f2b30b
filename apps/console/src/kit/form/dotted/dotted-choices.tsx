import { useState } from 'react';
import { t } from '../../../app/language.ts';
import { Button, icons, text } from '../../ui.tsx';
import { Check, TextField, type Naming } from '../field.tsx';
import { Fault } from '../form-faults.tsx';
import { covers, dotted, rowsOf, useDottedRows, verbName, type DottedCode, type DottedRow } from './dotted-rows.ts';
import style from './dotted.module.css';

interface DottedChoicesProps extends Naming {
  code: DottedCode;
  value: readonly string[];
  onChange: (value: string[]) => void;
}

/** Permissions or types of events: a row of boxes for each thing, found by its name. */
export function DottedChoices({ code, value, onChange, label, help, error }: DottedChoicesProps) {
  const [typed, setTyped] = useState('');
  const known = useDottedRows(code);
  const all = new Set(known.flatMap((row) => row.verbs.map((verb) => dotted(row, verb))));
  const others = rowsOf(
    code,
    value.filter((each) => !all.has(each)),
  );
  const rows = [...others, ...known].filter((row) => isFound(row, typed));
  const readable = [...all].filter((each) => each.endsWith('.read') && !value.includes(each));
  const toggle = (one: string, isChosen: boolean) => {
    const kept = value.filter((each) => each !== one && !(isChosen && covers(one, each)));
    onChange(isChosen ? [...kept, one].toSorted() : kept);
  };
  return (
    <fieldset className={style.choices}>
      <legend className={text.meta}>{label}</legend>
      <div className={style.head}>
        <TextField
          label={t('dotted.find')}
          isHiddenLabel
          placeholder={t('dotted.find')}
          value={typed}
          onChange={setTyped}
        />
        {code === 'permission' && (
          <Button
            small
            icon={icons.Check}
            isDisabled={readable.length === 0}
            onPress={() => onChange([...value, ...readable].toSorted())}
          >
            {t('dotted.readAll')}
          </Button>
        )}
        <span className={text.meta} role="status">
          {t('dotted.chosen', { count: value.length })}
        </span>
      </div>
      <ul className={style.rows}>
        {rows.map((row) => (
          <Row key={row.id + row.verbs.join()} row={row} value={value} onToggle={toggle} />
        ))}
      </ul>
      {error !== undefined && <Fault>{error}</Fault>}
      {help !== undefined && error === undefined && <p className={text.meta}>{help}</p>}
    </fieldset>
  );
}

interface RowProps {
  row: DottedRow;
  value: readonly string[];
  onToggle: (one: string, isChosen: boolean) => void;
}

function Row({ row, value, onToggle }: RowProps) {
  return (
    <li role="group" aria-label={row.name}>
      <span className={text.cut} title={row.id}>
        {row.name}
      </span>
      {row.verbs.map((verb) => {
        const one = dotted(row, verb);
        const isCovered = value.some((each) => covers(each, one));
        return (
          <Check
            key={verb}
            label={verbName(verb)}
            isSelected={isCovered || value.includes(one)}
            isDisabled={isCovered}
            onChange={(isChosen) => onToggle(one, isChosen)}
          />
        );
      })}
    </li>
  );
}

function isFound({ id, name }: DottedRow, typed: string): boolean {
  const wanted = typed.trim().toLowerCase();
  return name.toLowerCase().includes(wanted) || id.toLowerCase().includes(wanted);
}

/** The same to read: each thing with what is allowed or subscribed. */
export function DottedList({ code, values }: { code: DottedCode; values: readonly string[] }) {
  const names = new Map(useDottedRows(code).map(({ id, name }) => [id, name]));
  return (
    <ul className={style.list}>
      {rowsOf(code, values).map((row) => (
        <li key={row.id} title={row.verbs.map((verb) => dotted(row, verb)).join(', ')}>
          <span>{names.get(row.id) ?? row.name}</span>{' '}
          <span className={text.meta}>{row.verbs.map(verbName).join(', ')}</span>
        </li>
      ))}
    </ul>
  );
}
