import { useCallback, useMemo, useState } from 'react';
import { recordTypeOf } from '../../app/resource.ts';
import { usePeople } from '../../kit/record/names.tsx';
import { t } from '../../app/language.ts';
import { useLiveChanges } from '../../app/live.ts';
import { useSession } from '../../app/session.ts';
import { call, invalidate } from '../../contract/api.ts';
import { textAt, type Json } from '../../contract/json.ts';
import type { Resource } from '../../contract/contract.ts';
import type { RowState } from '../../kit/grid/grid-row.tsx';
import { text } from '../../kit/ui.tsx';

/** How long a row shows that someone else changed it. */
const changedMs = 8_000;

export interface RowStates {
  /** Those of the server, and those that were deleted while the list is shown. */
  rows: readonly Json[];
  stateOf: (row: Json) => RowState | undefined;
  /** Says at their rows why a call failed; none clears what was said. */
  fail: (faults: ReadonlyMap<string, string>) => void;
  /** Keeps deleted records in the list, where they can be undeleted. */
  keep: (ids: Iterable<string>) => void;
  undelete: (ids: readonly string[]) => Promise<void>;
}

interface Gone {
  row: Json;
  /** Id of the row before it; empty for the first one. */
  after: string;
}

export function useRowStates(resource: Resource, parents: Json, rows: readonly Json[]): RowStates {
  const session = useSession();
  const people = usePeople();
  const [changed, setChanged] = useState<ReadonlyMap<string, RowState>>(new Map());
  const [failed, setFailed] = useState<ReadonlyMap<string, RowState>>(new Map());
  const [gone, setGone] = useState<ReadonlyMap<string, Gone>>(new Map());
  const shown = useMemo(() => withGone(rows, gone), [rows, gone]);

  const keep = (ids: Iterable<string>) => {
    // One is kept beside others that are kept at once.
    setGone((known) => {
      const next = new Map(known);
      const all = withGone(rows, known);
      for (const id of ids) {
        const index = all.findIndex((row) => textAt(row, 'id') === id);
        const row = all[index];
        if (row) next.set(id, { row, after: textAt(all[index - 1], 'id') });
      }
      return next;
    });
  };
  const undelete = useCallback(
    async (ids: readonly string[]) => {
      for (const id of ids) await call(resource.undelete ?? '', { ...parents, id });
      setGone((old) => without(old, ids));
      await invalidate(resource.name);
    },
    [resource, parents],
  );
  const type = recordTypeOf({ resource, parents });
  useLiveChanges(({ type: of, recordId, operation, actor }) => {
    if (of !== type || actor === `user:${session.user.id}`) return;
    if (operation === 'DELETE') keep([recordId]);
    const who = people.get(actor.replace(/^\w+:/, ''))?.name ?? t('list.someone');
    setChanged((old) => new Map(old).set(recordId, { kind: 'changed', text: t('list.changed', { who }) }));
    setTimeout(() => setChanged((old) => without(old, [recordId])), changedMs);
  });
  const deleted = useMemo(() => {
    const states = new Map<string, RowState>();
    const isDeleted = (row: Json) => textAt(row, 'deleteTime') !== '' || gone.has(textAt(row, 'id'));
    for (const id of shown.filter(isDeleted).map((row) => textAt(row, 'id'))) {
      const undo = resource.undelete !== undefined && (
        <button type="button" className={text.link} onClick={() => void undelete([id])}>
          {t('list.undelete')}
        </button>
      );
      states.set(id, { kind: 'deleted', text: t('list.isDeleted'), ...(undo !== false && { action: undo }) });
    }
    return states;
  }, [shown, gone, resource, undelete]);
  return {
    rows: shown,
    stateOf: (row) => {
      const id = textAt(row, 'id');
      return failed.get(id) ?? deleted.get(id) ?? changed.get(id);
    },
    fail: (faults) => {
      setFailed(new Map([...faults].map(([id, sentence]) => [id, { kind: 'failed', text: sentence }])));
    },
    keep,
    undelete,
  };
}

/** Puts deleted rows back to where they were. */
function withGone(rows: readonly Json[], gone: ReadonlyMap<string, Gone>): readonly Json[] {
  if (gone.size === 0) return rows;
  const there = new Set(rows.map((row) => textAt(row, 'id')));
  const result = [...rows];
  for (const [id, { row, after }] of gone) {
    if (there.has(id)) continue;
    result.splice(result.findIndex((each) => textAt(each, 'id') === after) + 1, 0, row);
  }
  return result;
}

function without<Value>(map: ReadonlyMap<string, Value>, ids: readonly string[]): ReadonlyMap<string, Value> {
  return new Map([...map].filter(([id]) => !ids.includes(id)));
}
