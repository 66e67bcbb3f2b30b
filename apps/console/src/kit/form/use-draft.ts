import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { t } from '../../app/language.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate, queryClient, readQuery } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { patch } from '../../contract/in-turn.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { titleOf } from '../../hints/hints.ts';
import { notify } from '../notices.ts';
import { faultsOf } from './form-faults.tsx';

interface DraftOf {
  /** Such as `segments`. */
  resource: string;
  /** The record that is edited; undefined for a new one. */
  record: Json | undefined;
  /** What a new one begins with. */
  begin?: Json;
  onCreated?: (record: Json) => void;
  /** Of what is no record of a collection: writes over the version that the edits began with. */
  write?: (over: Json, edits: Json) => Promise<Json>;
}

export type Draft = ReturnType<typeof useDraft>;

/** A record while it is edited on a screen of its own. Nothing is written before it is saved, by ⌘↵ too. */
export function useDraft({ resource: name, record, begin = {}, onCreated, write }: DraftOf) {
  const resource = theContract().resource(name);
  const [edits, setEdits] = useState<Json>({});
  // The version that the edits began with: what others save meanwhile is not overwritten.
  const [base, setBase] = useState(record);
  const isEdited = Object.keys(edits).length > 0;
  const shown = { ...begin, ...record, ...edits };
  const store = async (): Promise<Json> => {
    if (record && !isEdited) return record;
    const saved = record
      ? await (write ? write(base ?? record, edits) : patch(name, base ?? record, edits))
      : await call(resource?.create ?? '', {}, { body: { ...begin, ...edits } });
    if (resource) keep(name, saved);
    setBase(saved);
    // What was typed while it was saved stays.
    setEdits((now) => Object.fromEntries(Object.entries(now).filter(([field, value]) => value !== edits[field])));
    if (!record) onCreated?.(saved);
    return saved;
  };
  const { mutate, error, isPending, reset } = useMutation({
    mutationFn: async ({ verb, body, said }: Act) => {
      const saved = await store();
      if (verb === undefined)
        return notify(resource ? t('draft.saved', { name: titleOf(saved, resource) }) : t(`${name}.saved`));
      const ifMatch = theContract().hasParameter(verb, 'if-match') ? textAt(saved, 'etag') : '';
      const answer = await call(verb, { id: saved.id }, { ifMatch, ...(body && { body }) });
      if (answer.id === saved.id) keep(name, answer);
      else await invalidate(name);
      if (said !== undefined) notify(said);
    },
  });
  const run = (act: Act) => {
    if (!isPending) mutate(act);
  };
  const save = () => run({});
  useShortcut('mod+enter', 'form.save', save, isEdited || !record);
  return {
    shown,
    isEdited: isEdited || !record,
    isPending,
    error,
    faults: faultsOf(error),
    save,
    /** Saves what is edited, and then has an operation act on the record. @param said once that is done */
    act: (verb: string, body?: Json, said?: string) => run({ verb, body, said }),
    change: (part: Json) => {
      if (!isPending) reset();
      if (!isEdited) setBase(record);
      setEdits((known) => ({ ...known, ...part }));
    },
  };
}

interface Act {
  verb?: string;
  body?: Json | undefined;
  said?: string | undefined;
}

/** Shows a version of a record that was just read or written. @param name of its resource */
export function keep(name: string, record: Json): void {
  const get = theContract().resource(name)?.get ?? '';
  queryClient.setQueryData(readQuery(get, { id: textAt(record, 'id') }).queryKey, record);
  void invalidate(name);
}
