import { jsonPointer, pathSteps, type PlacedViolation, type RestRoute } from '@rapport/contracts';
import type { FieldViolation } from '@rapport/platform';

/** Says where in the HTTP request the field of a message came from, such as `sample.places[0].email`. */
export function placeViolation({ field, reason, description }: FieldViolation, route?: RestRoute): PlacedViolation {
  const steps = pathSteps(field);
  const [first = ''] = steps;
  const answer = (place: PlacedViolation['in'], path: string[]) => ({
    in: place,
    pointer: jsonPointer(path),
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
