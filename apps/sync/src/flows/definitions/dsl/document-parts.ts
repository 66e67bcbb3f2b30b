import type { Place } from '../checks/faults.js';
import { expressionText, type Json } from './dsl-words.js';

/** An object of a document. @param known names that it can have; any when undefined */
export function objectAt(place: Place, value: unknown, known?: readonly string[]): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    place.add('WRONG_TYPE', 'must be an object');
    return {};
  }
  for (const name of Object.keys(value)) {
    if (known && !known.includes(name)) place.at(name).add('NOT_ALLOWED', 'has no counterpart in flows');
  }
  return value as Json;
}

/** The items of a list of objects with one name each, such as tasks: their places, names and values. */
export function itemsAt(place: Place, value: unknown): [Place, string, unknown][] {
  if (!Array.isArray(value)) {
    place.add('WRONG_TYPE', 'must be a list');
    return [];
  }
  return (value as unknown[]).flatMap((item, index): [Place, string, unknown][] => {
    const [entry, ...others] = Object.entries(objectAt(place.at(index), item));
    if (entry && others.length === 0) return [[place.at(index, entry[0]), ...entry]];
    place.at(index).add('ONE_REQUIRED', 'must have exactly one name');
    return [];
  });
}

export function textAt(place: Place, value: unknown): string {
  if (typeof value === 'string') return value;
  place.add('WRONG_TYPE', 'must be a text');
  return '';
}

/** The text in CEL of an expression, or of a literal value. */
export function valueOf(place: Place, value: unknown): string {
  const text = expressionText(value);
  if (text !== undefined) return text;
  // JSON is CEL, apart from expressions within a literal.
  const literal = JSON.stringify(value) as string | undefined;
  if (literal !== undefined && !literal.includes('${')) return literal;
  place.add('NOT_ALLOWED', 'must be a value, or one expression as a whole');
  return '';
}

const units: Readonly<Record<string, number>> = { days: 86_400, hours: 3_600, minutes: 60, seconds: 1 };

/** The seconds of a duration. */
export function secondsAt(place: Place, value: unknown): number {
  const parts = Object.entries(objectAt(place, value, Object.keys(units)));
  if (parts.some(([, count]) => typeof count !== 'number')) place.add('WRONG_TYPE', 'must have numbers');
  return parts.reduce((sum, [unit, count]) => sum + Number(count) * (units[unit] ?? 0), 0);
}

/** The part of a flow or a step that `metadata` adds to the DSL. Other metadata is ignored. */
export function ownPart(place: Place, metadata: unknown): Json {
  if (metadata === undefined) return {};
  const { rapport = {} } = objectAt(place.at('metadata'), metadata);
  return objectAt(place.at('metadata', 'rapport'), rapport);
}
