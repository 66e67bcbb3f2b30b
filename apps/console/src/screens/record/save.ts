import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { itemParameters } from '../../app/resource.ts';
import { call, invalidate, Problem } from '../../contract/api.ts';
import { isJson, isSame, textAt, valueAt, type Json } from '../../contract/json.ts';
import type { Item } from './item.ts';

/** What another user saved while it was edited. */
export interface Conflict {
  theirs: Json;
  /** The fields that both changed, with this editor's values. */
  yours: Json;
  /** How many of this editor's fields could be saved. */
  savedCount: number;
  problem: Problem;
}

export interface Saving {
  /** @param patch values by the paths of their fields; @returns whether all of it is saved */
  save: (patch: Json) => Promise<boolean>;
  isSaving: boolean;
  /** Of a conflict too, for screens that do not ask which values to take. */
  error: unknown;
  conflict: Conflict | undefined;
  /** Ends the conflict with this editor's values of some fields. */
  settle: (taken: Json) => Promise<boolean>;
}

/**
 * Saves fields of a record, if it has not changed since `base` was read. Where it has, the fields that only this editor changed
 * are saved, and the others are a conflict.
 */
export function useSave(item: Item, base: Json): Saving {
  const [found, setFound] = useState<{ base: Json; conflict: Conflict }>();
  const { mutateAsync, isPending, error } = useMutation({
    mutationFn: (write: { over: Json; patch: Json }) => saveOver(item, write.over, write.patch),
    onSuccess: (conflict) => setFound(conflict && { base, conflict }),
  });
  // That of an edit that was given up is over.
  const conflict = found?.base === base ? found.conflict : undefined;
  const save = (over: Json, patch: Json) =>
    mutateAsync({ over, patch }).then(
      (next) => next === undefined,
      () => false,
    );
  return {
    isSaving: isPending,
    error: error ?? conflict?.problem,
    conflict,
    save: (patch) => save(base, patch),
    settle: (taken) => save(conflict?.theirs ?? base, taken),
  };
}

async function saveOver(item: Item, base: Json, patch: Json): Promise<Conflict | undefined> {
  if (Object.keys(patch).length === 0) return undefined;
  let problem: Problem;
  try {
    await write(item, patch, textAt(base, 'etag'));
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 412) throw error;
    problem = error;
  }
  const get = item.resource.get ?? '';
  const theirs = await call(get, itemParameters(get, item.parents, item.id));
  const both = Object.keys(patch).filter((name) => {
    const [current, read] = [valueAt(theirs, name), valueAt(base, name)];
    return !isSame(current, read) && !isSame(current, patch[name]);
  });
  const others = Object.fromEntries(Object.entries(patch).filter(([name]) => !both.includes(name)));
  const saved = Object.keys(others).length > 0 ? await write(item, others, textAt(theirs, 'etag')) : theirs;
  if (both.length === 0) return undefined;
  const yours = Object.fromEntries(both.map((name) => [name, patch[name]]));
  return {
    theirs: { ...saved, updateTime: theirs.updateTime, updatedBy: theirs.updatedBy },
    yours,
    savedCount: Object.keys(others).length,
    problem,
  };
}

async function write({ resource, parents, id }: Item, patch: Json, etag: string): Promise<Json> {
  const update = resource.update ?? '';
  const answer = await call(update, itemParameters(update, parents, id), {
    body: nested(patch),
    ifMatch: etag,
  });
  await invalidate(resource.name);
  return answer;
}

/** The fields that differ from the record, by their paths: custom fields one by one, and null for what was emptied. */
export function patchOf(base: Json, edited: Json, prefix = ''): Json {
  const patch: Json = {};
  for (const [name, value] of Object.entries(edited)) {
    const before = base[name];
    if (isSame(before, value)) continue;
    if (name === 'customFields' && isJson(value))
      Object.assign(patch, patchOf(isJson(before) ? before : {}, value, 'customFields.'));
    else patch[prefix + name] = value ?? null;
  }
  return patch;
}

/** A patch by paths as the body of the request. */
function nested(patch: Json): Json {
  const isInner = (name: string) => name.startsWith('customFields.');
  const entries = Object.entries(patch);
  const inner = entries
    .filter(([name]) => isInner(name))
    .map(([name, value]) => [name.slice('customFields.'.length), value]);
  return {
    ...Object.fromEntries(entries.filter(([name]) => !isInner(name))),
    ...(inner.length > 0 && { customFields: Object.fromEntries(inner) as Json }),
  };
}
