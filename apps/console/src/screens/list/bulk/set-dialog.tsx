import { useState } from 'react';
import { Ask } from '../../../kit/form/ask.tsx';
import { labels, t } from '../../../app/language.ts';
import { valueAt, type Json } from '../../../contract/json.ts';
import type { Field, Resource } from '../../../contract/contract.ts';
import { titleOf } from '../../../hints/hints.ts';
import { Select, TextField } from '../../../kit/form/field.tsx';
import type { Faults } from '../../../kit/form/form-faults.tsx';
import { Widget } from '../../../kit/form/form-widgets.tsx';

interface SetDialogProps {
  resource: Resource;
  /** Of which one is set. */
  fields: readonly Field[];
  records: readonly Json[];
  onSet: (field: string, valueOf: (record: Json) => unknown) => Promise<void>;
  onClose: () => void;
}

/** Gives one field of the records a value; of a list of words, adds one or takes it away. */
export function SetDialog({ resource, fields, records, onSet, onClose }: SetDialogProps) {
  const settable = fields.filter(isSettable);
  const [field, setField] = useState(settable[0]);
  const [one] = records;
  const shared = records.length === 1 && field && !field.list ? valueAt(one, field.name) : undefined;
  const [value, setValue] = useState<unknown>();
  if (!field) return null;
  const written = value === undefined ? shared : value;
  const name = records.length === 1 && one ? titleOf(one, resource) : t('list.records', { count: records.length });
  const label = labels.field(resource.message, field.name);
  const word = typeof written === 'string' ? written : '';

  const set = async (isRemoval: boolean) => {
    // Untouched it is no value: it would clear the field of all records.
    if (value === undefined) return;
    await onSet(field.name, (record) =>
      field.list ? wordsWith(valueAt(record, field.name), word, isRemoval) : written,
    );
  };
  const add = { name: t(field.list ? 'list.add' : 'list.save'), run: () => set(false) };
  const remove = { name: t('list.takeAway'), run: () => set(true) };
  return (
    <Ask title={t('list.setTitle', { name })} acts={field.list ? [remove, add] : [add]} onClose={onClose} names={[]}>
      {() => (
        <>
          {settable.length > 1 && (
            <Select
              label={t('list.field')}
              options={settable.map((each) => ({ id: each.name, name: labels.field(resource.message, each.name) }))}
              value={field.name}
              onChange={(id) => {
                setField(settable.find((each) => each.name === id));
                setValue(undefined);
              }}
            />
          )}
          {field.list ? (
            <TextField label={label} value={word} onChange={setValue} autoFocus />
          ) : (
            <Widget
              key={field.name}
              field={field}
              label={label}
              value={written}
              onChange={setValue}
              faults={noFaults}
              pointer=""
              error={undefined}
              autoFocus
              isBrief
            />
          )}
        </>
      )}
    </Ask>
  );
}

const noFaults: Faults = new Map();

function isSettable({ type, list, of }: Field): boolean {
  if (list) return type === 'text';
  return of === 'Money' || ['text', 'bool', 'int', 'number', 'date', 'time', 'enum'].includes(type);
}

/** A list of words with one more, or without it. */
function wordsWith(old: unknown, word: string, isRemoval: boolean): string[] {
  const others = (Array.isArray(old) ? old.map(String) : []).filter((each) => each !== word.trim());
  return isRemoval || word.trim() === '' ? others : [...others, word.trim()];
}
