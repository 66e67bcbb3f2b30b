import type { RecordField } from '../records/record-contract.js';
import { digits, phoneDigits, soughtDigits } from '../values/phone-digits.js';
import { firstCodePoints, fold } from '../values/search-text.js';

/** Longest text of a term, in code points: an entry of a GIN index has at most 2,704 bytes. */
const maxTermLength = 300;

type Termed = Pick<RecordField, 'index'>;

/** The texts by which a stored value of a field with terms is found, before they are folded. */
export function storedTerms({ index }: Termed, text: string): string[] {
  return index.phone ? phoneDigits(text) : [text];
}

/** The texts that a filter or search looks for. Empty when there are none. */
export function soughtTerms({ index }: Termed, text: string): string[] {
  if (!index.phone) return [text];
  return digits(text) === '' ? [] : soughtDigits(text);
}

/** A stored or sought text in comparable form: without case and accents; the digits of a phone number. */
export function comparedTerm({ index }: Termed, text: string): string {
  return firstCodePoints(index.phone ? digits(text) : fold(text), maxTermLength);
}

/** A reference in a list of references as the text by which it is found. @param type in the singular */
export function relatedText(type: string, id: string): string {
  return `${type}/${id}`;
}
