import { isJson, isSame, itemsAt, textAt, type Json } from '../../contract/json.ts';

/**
 * What was changed of a pipeline and is not saved yet: values by path, such as `name` or `stages.proposal.guards`, beside what was there
 * before. They apply to any later version of the pipeline.
 */
export type Edits = Readonly<Record<string, { was: unknown; value: unknown }>>;

/** @param path of a field of the pipeline, or of a stage by its key */
export function valueIn(pipeline: Json, path: string): unknown {
  const [field = '', key, part = ''] = path.split('.');
  if (key === undefined) return pipeline[field];
  return itemsAt(pipeline, 'stages').find((stage) => textAt(stage, 'key') === key)?.[part];
}

/** The pipeline with the edits. Those of a stage that is gone are left out. */
export function edited(pipeline: Json, edits: Edits): Json {
  const own = Object.entries(edits).filter(([path]) => !path.startsWith('stages.'));
  const stages = itemsAt(pipeline, 'stages').map((stage) => {
    const prefix = `stages.${textAt(stage, 'key')}.`;
    const parts = Object.entries(edits).filter(([path]) => path.startsWith(prefix));
    return { ...stage, ...Object.fromEntries(parts.map(([path, { value }]) => [path.slice(prefix.length), value])) };
  });
  return { ...pipeline, ...Object.fromEntries(own.map(([path, { value }]) => [path, value])), stages };
}

/** The edits with those that make `next` of the fields of a stage, or of the pipeline itself. @param prefix such as `stages.proposal.` */
export function withEdits(edits: Edits, pipeline: Json, prefix: string, next: Json): Edits {
  const all = { ...edits };
  for (const [name, value] of Object.entries(next)) {
    const path = prefix + name;
    const was = all[path]?.was ?? valueIn(pipeline, path);
    if (isSame(was, value)) delete all[path];
    else all[path] = { was, value };
  }
  return all;
}

/** The edits that are left once others are saved: those of fields that were edited again meanwhile. */
export function afterSaving(edits: Edits, saved: Edits): Edits {
  const left = Object.entries(edits).filter(([path, { value }]) => !saved[path] || !isSame(saved[path].value, value));
  return Object.fromEntries(
    left.map(([path, edit]) => [path, { ...edit, was: (saved[path] ?? { value: edit.was }).value }]),
  );
}

/** Paths that another user changed too, to another value. */
export function clashesOf(pipeline: Json, edits: Edits): string[] {
  return Object.entries(edits)
    .filter(([path, { was, value }]) => {
      const current = valueIn(pipeline, path);
      return !isSame(current, was) && !isSame(current, value);
    })
    .map(([path]) => path);
}

/** The body of the update: stages are one field, so that all of them are sent with one that changed. */
export function patchOf(pipeline: Json, edits: Edits): Json {
  const next = edited(pipeline, edits);
  const names = new Set(Object.keys(edits).map((path) => path.split('.')[0] ?? ''));
  const patch = Object.fromEntries([...names].map((name) => [name, next[name]]));
  if ('stages' in patch) patch.stages = itemsAt(next, 'stages').map(({ id: _, ...stage }) => withoutNull(stage));
  return patch;
}

/** A stage and its guards, without the values that were cleared. */
function withoutNull(value: Json): Json {
  const entries = Object.entries(value).filter(([, each]) => each !== null && each !== undefined);
  const parts = (list: readonly unknown[]) => list.map((each): unknown => (isJson(each) ? withoutNull(each) : each));
  return Object.fromEntries(entries.map(([name, each]) => [name, Array.isArray(each) ? parts(each) : each]));
}

/** The keys with one of them before or after another one. */
export function moved(keys: readonly string[], key: string, beside: string, position: 'before' | 'after'): string[] {
  const others = keys.filter((each) => each !== key);
  const at = others.indexOf(beside) + (position === 'after' ? 1 : 0);
  return others.toSpliced(at, 0, key);
}
