import { useMutation } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { pathOf, useCollection, useCustomFields } from '../../app/resource.ts';
import { Missing } from '../../app/boundaries.tsx';
import { labels, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { keyText, useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate } from '../../contract/api.ts';
import { isJson, textAt, type Json } from '../../contract/json.ts';
import { theContract, type Resource } from '../../contract/contract.ts';
import { faultsOf, FormFault, type Faults } from '../../kit/form/form-faults.tsx';
import { Form, inputsOf } from '../../kit/form/form.tsx';
import { Button, icons } from '../../kit/ui.tsx';
import { useGoOn } from '../../kit/use-go-on.ts';
import { OperationDialog } from '../operation/operation-dialog.tsx';
import { useFields, useFirstSource } from './item.ts';
import { useOwnKey } from './own-key.ts';
import style from './record.module.css';

/** A form for a new record of a collection. */
export function NewRecord() {
  const collection = useCollection();
  // Another collection has another form: nothing that was typed goes along.
  return collection?.resource.create === undefined ? <Missing /> : <NewForm key={pathOf(collection)} {...collection} />;
}

function NewForm({ resource, parents }: { resource: Resource; parents: Json }) {
  const navigate = useGoOn();
  const search: Json = useSearch({ strict: false });
  const custom = useCustomFields({ resource, parents });
  const create = theContract().operation(resource.create ?? '');
  const message = create.body ?? resource.message;
  const inputs = inputsOf(message);
  const [typed, setValue] = useState<Json>(() =>
    Object.fromEntries(Object.entries(search).filter(([name]) => theContract().field(message, name))),
  );
  const value = { ...useFirstSource(inputs), ...typed };
  const ownKey = useOwnKey(resource, inputs, typed);
  const given = useFields(inputs, value).filter(({ name }) => name !== 'customFields');
  const fields = [...ownKey.nameFirst(given), ...custom];
  const [draft, setDraft] = useState<{ error?: unknown; touched?: ReadonlySet<string> }>({});
  const latest = useRef(0);
  const write = useMutation({
    mutationFn: () => call(create.id, parents, { body: filled(value) }),
    onSuccess: async (record) => {
      await invalidate(resource.name);
      const path = pathOf({ resource, parents });
      await navigate({ to: `${path}/${textAt(record, 'id') || textAt(record, 'key')}` });
    },
  });
  const object = textAt(parents, 'object');
  const save = () => write.mutate();
  const isChecked = theContract().hasParameter(create.id, 'validateOnly');
  const check = async () => {
    const touched = new Set(Object.keys(typed));
    // As on the way out of a form in which nothing was written.
    if (touched.size === 0) return;
    latest.current += 1;
    const number = latest.current;
    const error = await call(create.id, { ...parents, validateOnly: true }, { body: filled(value) }).then(
      () => undefined,
      (problem: unknown) => problem,
    );
    // The answer to an earlier check can come after it.
    if (number === latest.current) setDraft({ error, touched });
  };
  useShortcut('mod+enter', 'form.create', save, !write.isPending);
  // What is shown once is in the answer, which only the form of the operation shows.
  if (theContract().hasSecret(create.answer))
    return (
      <OperationDialog
        id={create.id}
        parameters={parents}
        onClose={() => void navigate({ to: pathOf({ resource, parents }) })}
      />
    );
  const faults = write.error === null ? touchedOnly(draft) : faultsOf(write.error);
  return (
    <>
      <Bar title={t('form.new', { what: labels.one(object === '' ? resource.singular : object) })}>
        <Button onPress={() => history.back()}>{t('form.cancel')}</Button>
        <Button
          kind="primary"
          icon={icons.Check}
          shortcut={keyText('mod+enter')}
          isPending={write.isPending}
          onPress={save}
        >
          {t('form.create')}
        </Button>
      </Bar>
      <Scroll padded>
        <div className={style.new}>
          <FormFault error={write.error} names={fields.map(({ name }) => name)} />
          <Form
            message={message}
            fields={fields}
            value={value}
            onChange={(next) => setValue(ownKey.follow(next))}
            faults={faults}
            autoFocus
            onLeave={isChecked ? () => void check() : undefined}
          />
        </div>
      </Scroll>
    </>
  );
}

/** Faults of what was filled in: fields that the user has not visited have none. */
function touchedOnly({ error, touched }: { error?: unknown; touched?: ReadonlySet<string> }): Faults {
  return new Map([...faultsOf(error)].filter(([pointer]) => touched?.has(pointer.split('/')[1] ?? '')));
}

function filled(value: Json): Json {
  const entries = Object.entries(value).filter(([, each]) => each !== null && each !== undefined);
  return Object.fromEntries(entries.map(([name, each]) => [name, isJson(each) ? filled(each) : each]));
}
