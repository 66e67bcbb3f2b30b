import type { RecordIssue } from '../peer-record.js';

export type VCardVersion = '2.1' | '3.0' | '4.0';

/**
 * A vCard in its original form. Each property keeps its own lines, so that writing a card back changes nothing but the
 * edited properties. Text here is binary, one character per byte, since a card may mix character sets.
 */
export interface VCard {
  version: VCardVersion;
  properties: VCardProperty[];
  /** First line of the card in the file, from 1. */
  line: number;
  /** Lines that could not be parsed. They are kept. */
  issues: RecordIssue[];
}

export interface VCardProperty {
  /** Upper case; empty for kept lines that could not be parsed. */
  name: string;
  /** Related properties have the same group, such as `item1`, in lower case. */
  group: string | undefined;
  parameters: VCardParameter[];
  /** Raw value, unfolded, before any decoding. */
  value: string;
  line: number;
  /** The raw lines, without their ends. */
  source: string[];
}

export interface VCardParameter {
  /** Upper case. */
  name: string;
  value: string;
}

/** All values of a parameter in lower case, given in one list or one by one. */
export function parameterValues(property: VCardProperty, name: string): string[] {
  return property.parameters
    .filter((parameter) => parameter.name === name)
    .flatMap(({ value }) => value.toLowerCase().split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
}
