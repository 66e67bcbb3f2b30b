import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { t } from '../../app/language.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate, Problem, queryClient, readQuery } from '../../contract/api.ts';
import { theContract, type Resource } from '../../contract/contract.ts';
import { isSame, textAt, type Json } from '../../contract/json.ts';
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
}

export type Draft = ReturnType<typeof useDraft>;

/** A record while it is edited on a screen of its own. Nothing is written before it is saved, by ⌘↵ too. */
export function useDraft({ resource: name, record, begin = {}, onCreated }: DraftOf) {
  const resource = theContract().resource(name)!;
  const [edits, setEdits] = useState<Json>({});
  const isEdited = Object.keys(edits).length > 0;
  const shown = { ...begin, ...record, ...edits };
  const store = async (): Promise<Json> => {
    if (record && !isEdited) return record;
    const saved = record
      ? await write(resource, record, edits)
      : await call(resource.create ?? '', {}, { body: { ...begin, ...edits } });
    keep(name, saved);
    setEdits({});
    if (!record) onCreated?.(saved);
    return saved;
  };
  const { mutate, error, isPending, reset } = useMutation({
    mutationFn: async ({ verb, body, said }: Act) => {
      const saved = await store();
      if (verb === undefined) return notify(t('draft.saved', { name: titleOf(saved, resource) }));
      const ifMatch = theContract().hasParameter(verb, 'if-match') ? textAt(saved, 'etag') : '';
      const answer = await call(verb, { id: saved.id }, { ifMatch, ...(body && { body }) });
      if (answer.id === saved.id) keep(name, answer);
      else await invalidate(name);
      if (said !== undefined) notify(said);
    },
  });
  const save = () => mutate({});
  useShortcut('mod+enter', 'form.save', save, isEdited || !record);
  return {
    shown,
    isEdited: isEdited || !record,
    isPending,
    error,
    faults: faultsOf(error),
    save,
    /** Saves what is edited, and then has an operation act on the record. @param said once that is done */
    act: (verb: string, body?: Json, said?: string) => mutate({ verb, body, said }),
    change: (part: Json) => {
      reset();
      setEdits((known) => ({ ...known, ...part }));
    },
  };
}

interface Act {
  verb?: string;
  body?: Json | undefined;
  said?: string | undefined;
}

/** Writes over the version that was read, and over a later one that has the same values in the edited fields. @throws Problem */
async function write(resource: Resource, record: Json, edits: Json): Promise<Json> {
  const patch = (over: Json) =>
    call(resource.update ?? '', { id: record.id }, { body: edits, ifMatch: textAt(over, 'etag') });
  try {
    return await patch(record);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 412) throw error;
    const later = await call(resource.get ?? '', { id: record.id });
    if (Object.keys(edits).some((name) => !isSame(record[name], later[name]))) throw error;
    return patch(later);
  }
}

/** Shows a version of a record that was just read or written. @param name of its resource */
export function keep(name: string, record: Json): void {
  const get = theContract().resource(name)?.get ?? '';
  queryClient.setQueryData(readQuery(get, { id: textAt(record, 'id') }).queryKey, record);
  void invalidate(name);
}
