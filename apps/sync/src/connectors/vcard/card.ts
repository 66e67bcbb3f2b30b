import type { RecordIssue } from '../peer-record.js';

export type VCardVersion = '2.1' | '3.0' | '4.0';

/**
 * A vCard as it was written. Each property keeps its own lines, so that writing a card back changes nothing but the
 * properties that were edited. Text here is binary: one character for each byte, since a card may mix character sets.
 */
export interface VCard {
  version: VCardVersion;
  properties: VCardProperty[];
  /** Line of the file on which it begins, from 1. */
  line: number;
  /** Lines that could not be understood. They are kept all the same. */
  issues: RecordIssue[];
}

export interface VCardProperty {
  /** Upper case; empty for lines that are kept without being understood. */
  name: string;
  /** What belongs together has the same group, such as `item1`, in lower case. */
  group: string | undefined;
  parameters: VCardParameter[];
  /** As written, unfolded, before any decoding. */
  value: string;
  line: number;
  /** The lines themselves, without their ends. */
  source: string[];
}

export interface VCardParameter {
  /** Upper case. */
  name: string;
  value: string;
}

/** All values of a parameter in lower case, whether given in one list or one by one. */
export function parameterValues(property: VCardProperty, name: string): string[] {
  return property.parameters
    .filter((parameter) => parameter.name === name)
    .flatMap(({ value }) => value.toLowerCase().split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
}
