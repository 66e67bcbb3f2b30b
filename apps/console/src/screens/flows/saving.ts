import { useMutation } from '@tanstack/react-query';
import { t } from '../../app/language.ts';
import { call, invalidate, queryClient, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import type { Faults } from '../../kit/form/form-faults.tsx';
import { useTyped } from '../../kit/form/use-typed.ts';
import { notify } from '../../kit/notices.ts';

/** Saves a draft over the version of the flow that it began with, and changes the state of the flow. */
export function useSaving(flow: Json, draft: Json | undefined, onSaved: () => void) {
  const id = textAt(flow, 'id');
  return useMutation({
    mutationFn: async (verb: string | undefined) => {
      const saved = draft ? await call('updateFlow', { id }, { body: draft, ifMatch: textAt(flow, 'etag') }) : flow;
      if (draft) keep(saved);
      onSaved();
      if (verb !== undefined) keep(await call(verb, { id }, { ifMatch: textAt(saved, 'etag') }));
      notify(t(`flow.done.${verb ?? 'save'}`, { name: textAt(saved, 'name') }));
    },
  });
}

/** Shows a version of a flow that was just read or written. */
function keep(flow: Json): void {
  queryClient.setQueryData(readQuery('getFlow', { id: textAt(flow, 'id') }).queryKey, flow);
  void invalidate('flows');
}

/** What the server says of a definition while it is written, by the pointers of its values. */
export function useFaults(definition: Json): Faults {
  const { data } = useTyped({ collection: 'flows', operation: 'validateFlow', body: definition });
  return new Map(itemsAt(data, 'faults').map((fault) => [textAt(fault, 'field'), textAt(fault, 'description')]));
}

/** The faults at and below a place. */
export function isFaulty(faults: Faults, pointer: string): boolean {
  return [...faults.keys()].some((each) => `${each}/`.startsWith(`${pointer}/`));
}
