import type { KeyboardEvent } from 'react';
import { keyOfName } from '../../../app/labels.ts';
import { labels, t } from '../../../app/language.ts';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { OrderKeys, Section } from '../../../kit/editor.tsx';
import { Check, Select, TextField } from '../../../kit/form/field.tsx';
import { Fault, faultWithin } from '../../../kit/form/form-faults.tsx';
import { FormRow } from '../../../kit/form/form.tsx';
import type { Draft } from '../../../kit/form/use-draft.ts';
import { Button, IconButton, icons } from '../../../kit/ui.tsx';
import style from './forms.module.css';
import { kindOf, targetKey, targets, withTarget } from './targets.ts';

/** The fields of a form, each in a line. Alt with an arrow moves one. */
export function FormFields({ draft }: { draft: Draft }) {
  const { shown, change, faults } = draft;
  const fields = itemsAt(shown, 'fields');
  const set = (next: Json[]) => change({ fields: next });
  const add = () => {
    const label = t('publicForm.newField');
    const free = (key: string, count = 2): string => {
      const next = count === 2 ? key : `${key}_${count - 1}`;
      return fields.some((field) => field.key === next) ? free(key, count + 1) : next;
    };
    set([...fields, { key: free('field'), label, kind: 'TEXT' }]);
  };
  const move = (index: number, by: number) => {
    const field = fields[index];
    if (field && fields[index + by]) set(fields.toSpliced(index, 1).toSpliced(index + by, 0, field));
  };
  return (
    <Section
      title={labels.field('Form', 'fields')}
      beside={
        <Button small icon={icons.Plus} onPress={add}>
          {t('publicForm.add')}
        </Button>
      }
    >
      <ol className={style.fields} aria-label={labels.field('Form', 'fields')}>
        {fields.map((field, index) => (
          <FieldLine
            key={index}
            {...{ field, index, draft }}
            onChange={(next) => set(fields.with(index, next))}
            onRemove={() => set(fields.toSpliced(index, 1))}
            onMove={(by) => move(index, by)}
          />
        ))}
      </ol>
      {faults.get('/fields') !== undefined && <Fault>{faults.get('/fields')}</Fault>}
      <OrderKeys />
    </Section>
  );
}

interface LineProps {
  field: Json;
  index: number;
  draft: Draft;
  onChange: (field: Json) => void;
  onRemove: () => void;
  onMove: (by: number) => void;
}

function FieldLine({ field, index, draft, onChange, onRemove, onMove }: LineProps) {
  const at = `/fields/${index}`;
  const label = textAt(field, 'label');
  const fault = faultWithin(draft.faults, at);
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (by === undefined || !event.altKey) return;
    event.preventDefault();
    onMove(by);
  };
  const isKeyOfLabel = textAt(field, 'key').startsWith('field') || textAt(field, 'key') === keyOfName(label, 'field');
  return (
    <li aria-label={label} onKeyDown={onKeyDown}>
      <TextField
        label={labels.field('FormField', 'label')}
        value={label}
        onChange={(next) => onChange({ ...field, label: next, ...(isKeyOfLabel && { key: keyOfName(next, 'field') }) })}
      />
      <Select
        label={labels.field('FormField', 'kind')}
        value={textAt(field, 'kind')}
        options={labels.values('FormFieldKind')}
        onChange={(kind) => onChange({ ...field, kind, ...(kind !== 'CHOICE' && { options: [] }) })}
      />
      <Select
        label={t('publicForm.target')}
        value={targetKey(field)}
        options={targets.map(({ of, path }) => ({
          id: `${of}.${path}`,
          name:
            path === '' ? t('publicForm.target.none') : t(`publicForm.target.${of}`, { field: targetName(of, path) }),
        }))}
        onChange={(target) => onChange({ ...withTarget(field, target), kind: kindOf(target) ?? field.kind })}
      />
      <span className={style.beside}>
        <Check
          label={labels.field('FormField', 'isRequired')}
          isSelected={field.isRequired === true}
          onChange={(isRequired) => onChange({ ...field, isRequired })}
        />
      </span>
      <span className={style.beside}>
        <IconButton small name={t('publicForm.up')} icon={icons.ArrowUp} onPress={() => onMove(-1)} />
        <IconButton small name={t('publicForm.down')} icon={icons.ArrowDown} onPress={() => onMove(1)} />
        <IconButton small name={t('form.remove')} icon={icons.X} onPress={onRemove} />
      </span>
      {field.kind === 'CHOICE' && (
        <div className={style.whole}>
          <FormRow
            message="FormField"
            field={{ name: 'options', type: 'text', list: true }}
            value={field}
            onChange={onChange}
            faults={draft.faults}
            at={at}
            isBrief
          />
        </div>
      )}
      {fault !== undefined && (
        <div className={style.whole}>
          <Fault>{fault}</Fault>
        </div>
      )}
    </li>
  );
}

function targetName(of: string, path: string): string {
  const message = of === 'customer' ? 'Customer' : 'Lead';
  return labels.field(message, path === 'email' ? 'emails' : path === 'phone' ? 'phones' : path).toLowerCase();
}
