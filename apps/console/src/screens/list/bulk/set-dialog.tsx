import { useState } from 'react';
import { useText } from '../../../app/language.ts';
import { Problem } from '../../../contract/call.ts';
import { theContract } from '../../../contract/contract.ts';
import type { Field, Resource } from '../../../contract/contract-file.ts';
import { textAt, valueAt, type Json } from '../../../contract/json.ts';
import { useLabels } from '../../../contract/labels.ts';
import { titleOf } from '../../../hints/hints.ts';
import { Select, TextField } from '../../../kit/field.tsx';
import { Dialog } from '../../../kit/overlay.tsx';
import { isPersonField, usePeople } from '../../../kit/person.tsx';
import { Button } from '../../../kit/ui.tsx';
import style from '../list.module.css';

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
  const t = useText();
  const labels = useLabels();
  const settable = fields.filter(isSettable);
  const [field, setField] = useState(settable[0]);
  const shared = field && !field.list && records.length === 1 ? valueAt(records[0], field.name) : '';
  const [value, setValue] = useState<string>();
  const [error, setError] = useState<string>();
  if (!field) return null;
  const written = value ?? (typeof shared === 'string' || typeof shared === 'number' ? String(shared) : '');
  const [one] = records;
  const name = records.length === 1 && one ? titleOf(resource, one) : t('list.records', { count: records.length });

  const set = async (isRemoval: boolean) => {
    try {
      await onSet(field.name, (record) =>
        field.list ? listWith(record, field, written, isRemoval) : typed(field, written),
      );
      onClose();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      setError(problem.errors[0]?.detail ?? problem.message);
    }
  };
  return (
    <Dialog
      title={t('list.setTitle', { name })}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>{t('list.cancel')}</Button>
          {field.list && <Button onPress={() => void set(true)}>{t('list.takeAway')}</Button>}
          <Button kind="primary" onPress={() => void set(false)}>
            {t(field.list ? 'list.add' : 'list.save')}
          </Button>
        </>
      }
    >
      <form
        className={style['form']}
        onSubmit={(event) => {
          event.preventDefault();
          void set(false);
        }}
      >
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
        <ValueInput
          key={field.name}
          field={field}
          label={labels.field(resource.message, field.name)}
          value={written}
          onChange={setValue}
          error={error}
        />
      </form>
    </Dialog>
  );
}

interface ValueInputProps {
  field: Field;
  label: string;
  value: string;
  onChange: (value: string) => void;
  error: string | undefined;
}

function ValueInput({ field, label, value, onChange, error }: ValueInputProps) {
  const t = useText();
  const options = useOptions(field);
  if (!options) return <TextField label={label} value={value} onChange={onChange} error={error} autoFocus />;
  const none = field.required ? [] : [{ id: '', name: t('list.none') }];
  return <Select label={label} options={[...none, ...options]} value={value} onChange={onChange} error={error} />;
}

/** The values that a field can have; undefined for free text. */
function useOptions(field: Field): { id: string; name: string }[] | undefined {
  const t = useText();
  const labels = useLabels();
  const people = usePeople();
  if (field.type === 'enum')
    return theContract()
      .enumValues(field.of)
      .map(({ name }) => ({ id: name, name: labels.value(field.of ?? '', name) }));
  if (field.type === 'bool')
    return ['true', 'false'].map((id) => ({ id, name: t(id === 'true' ? 'value.yes' : 'value.no') }));
  if (!isPersonField(field.name)) return undefined;
  const isTeam = /team/i.test(field.name);
  return [...people.values()]
    .filter(({ shape }) => (shape === 'company') === isTeam)
    .map(({ id, name }) => ({ id, name }));
}

function isSettable({ type, list }: Field): boolean {
  return list ? type === 'text' : ['text', 'bool', 'int', 'number', 'date', 'enum'].includes(type);
}

function typed({ type }: Field, value: string): unknown {
  if (value === '') return undefined;
  if (type === 'bool') return value === 'true';
  return type === 'int' || type === 'number' ? Number(value) : value;
}

function listWith(record: Json, { name }: Field, word: string, isRemoval: boolean): string[] {
  const old = valueAt(record, name);
  const others = (Array.isArray(old) ? old.map(String) : []).filter((each) => each !== word);
  return isRemoval || textAt({ word }, 'word').trim() === '' ? others : [...others, word.trim()];
}
