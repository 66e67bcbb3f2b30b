import type { RestRoute } from '@rapport/contracts';
import type { FieldViolation } from '@rapport/platform';

/** A wrong value, by the part of the HTTP request that it came in. */
export interface PlacedViolation {
  in: 'body' | 'query' | 'path' | 'header';
  /** JSON Pointer (RFC 6901) within that part. */
  pointer: string;
  code: string;
  detail: string;
}

/** Says where in the HTTP request the field of a message came from, such as `sample.places[0].email`. */
export function placeViolation({ field, reason, description }: FieldViolation, route?: RestRoute): PlacedViolation {
  const steps = field.split(/[.[\]]+/).filter((step) => step !== '');
  const [first = ''] = steps;
  const answer = (place: PlacedViolation['in'], path: string[]) => ({
    in: place,
    pointer: path.map((step) => `/${escapePointerStep(step)}`).join(''),
    code: reason,
    detail: description,
  });
  // Without a route it is the path that can't be read.
  if (!route) return answer('path', steps);
  const { path, query, header, body } = route.fields;
  if (body?.jsonName === first) return answer('body', steps.slice(1));
  if (path.some(({ jsonName }) => jsonName === first)) return answer('path', steps);
  if (query.some(({ jsonName }) => jsonName === first)) return answer('query', steps);
  const named = header.find((candidate) => candidate.field.jsonName === first);
  return named ? answer('header', [named.name]) : answer('body', steps);
}

/** RFC 6901, section 3. */
export function escapePointerStep(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1');
}
