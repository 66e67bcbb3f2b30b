import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useDeferredValue } from 'react';
import { call } from '../../contract/api.ts';
import type { Json } from '../../contract/json.ts';

/** A pause in typing after which an operation is asked. */
const pauseMs = 400;

interface Typed {
  /** Such as `flows`. */
  collection: string;
  operation: string;
  parameters?: Json;
  body: Json;
  isAsked?: boolean;
}

/** The result of an operation that changes nothing, for the text being typed. Requests are debounced; the previous answer stays until the next one. */
export function useTyped({ collection, operation, parameters = {}, body, isAsked = true }: Typed) {
  const typed = useDeferredValue(body);
  return useQuery<Json>({
    queryKey: [collection, operation, parameters, typed],
    queryFn: async ({ signal }) => {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      return call(operation, parameters, { body: typed, signal });
    },
    enabled: isAsked,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  });
}
