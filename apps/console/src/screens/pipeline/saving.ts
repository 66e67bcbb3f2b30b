import { useMutation } from '@tanstack/react-query';
import { t } from '../../app/language.ts';
import { call, invalidate, Problem } from '../../contract/api.ts';
import { inTurn, isOutdated } from '../../contract/in-turn.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { faultsOf } from '../../kit/form/form-faults.tsx';
import { keep } from '../../kit/form/use-draft.ts';
import { notify } from '../../kit/notices.ts';
import { clashesOf, edited, patchOf, type Edits } from './edits.ts';

/** Saves the edits over the version that they are shown with. Over a later one they are saved too, unless both changed the same field. */
export function useSaving(pipeline: Json, edits: Edits, onSaved: (saved: Edits) => void) {
  const id = textAt(pipeline, 'id');
  const save = useMutation({
    mutationFn: async () => {
      let hasClash = false;
      const write = (over: Json) =>
        call('updatePipeline', { id }, { body: patchOf(over, edits), ifMatch: textAt(over, 'etag') });
      const laterOf = async (_: Json, error: unknown) => {
        if (!isOutdated(error)) throw error;
        const theirs = await call('getPipeline', { id });
        keep('pipelines', theirs);
        hasClash = clashesOf(theirs, edits).length > 0;
        if (hasClash) throw error;
        return theirs;
      };
      try {
        keep('pipelines', await inTurn(pipeline, write, laterOf));
      } catch (error) {
        if (hasClash) return;
        throw error;
      }
      onSaved(edits);
      notify(t('pipeline.saved', { name: textAt(edited(pipeline, edits), 'name') }));
    },
  });
  const check = useMutation({
    mutationFn: () => call('updatePipeline', { id, validateOnly: true }, { body: patchOf(pipeline, edits) }),
    onMutate: () => !save.isPending && save.reset(),
  });
  const hasEdits = Object.keys(edits).length > 0;
  return {
    save: () => !save.isPending && save.mutate(),
    isPending: save.isPending,
    /** Has the server say what is wrong, without saving. */
    check: () => hasEdits && check.mutate(),
    faults: hasEdits ? faultsOf(save.error ?? withoutMissing(check.error)) : faultsOf(undefined),
    error: hasEdits ? save.error : undefined,
  };
}

/** What is not filled in yet is no fault before it is saved. */
function withoutMissing(error: unknown): unknown {
  if (!(error instanceof Problem)) return error;
  const { status, body, requestId, retryAfter } = error;
  const errors = error.errors.filter((each) => each.code !== 'REQUIRED');
  return new Problem(status, { ...body, errors }, requestId, retryAfter);
}

/** Puts stages into another order at once, and back if the server refuses. */
export function useOrder(pipeline: Json) {
  const keys = itemsAt(pipeline, 'stages').map((stage) => textAt(stage, 'key'));
  const { mutate, isPending, variables, error } = useMutation({
    mutationFn: async (stages: readonly string[]) => {
      const write = (over: Json) =>
        call('reorderStages', { id: over.id }, { body: { stages }, ifMatch: textAt(over, 'etag') });
      keep('pipelines', await inTurn(pipeline, write));
    },
    onError: () => invalidate('pipelines'),
  });
  return { run: (next: readonly string[]) => mutate(next), error, keys: isPending ? variables : keys };
}
