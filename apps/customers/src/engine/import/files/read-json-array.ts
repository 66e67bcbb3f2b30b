import { fileError } from './file-error.js';
import { maxRowSize, rowTooLarge, type FileRow, type UnreadableRow } from './file-row.js';
import { parseJsonRow } from './parse-json-row.js';

/**
 * The elements of a JSON array as rows. It splits the array without parsing the elements, so that only one at a time is
 * in memory and each has its line.
 *
 * @throws AppError INVALID_ARGUMENT when the text is not one array, or ends early
 */
export async function* readJsonArray(texts: AsyncIterable<string>): AsyncGenerator<FileRow | UnreadableRow> {
  const scanner = new ArrayScanner();
  for await (const text of texts) yield* scanner.push(text);
  scanner.end();
}

type ParsePosition = 'before array' | 'first or end' | 'element' | 'in element' | 'comma or end' | 'after array';

class ArrayScanner {
  #place: ParsePosition = 'before array';
  #line = 1;
  #elementLine = 1;
  /** Number of open brackets within the element. */
  #depth = 0;
  /** Whether the current element is a number or a literal, which only the next character ends. */
  #bare = false;
  #inString = false;
  #escaped = false;
  /** The element's text from earlier chunks. */
  #begun = '';
  #tooLarge = false;

  push(text: string): (FileRow | UnreadableRow)[] {
    const rows: (FileRow | UnreadableRow)[] = [];
    let start = 0;
    for (let index = 0; index < text.length; index += 1) {
      const character = text.charAt(index);
      if (this.#place !== 'in element') {
        if (this.#between(character)) start = index;
      } else {
        const where = this.#inElement(character);
        if (where !== 'inside') rows.push(this.#take(text.slice(start, where === 'last' ? index + 1 : index)));
        if (where === 'after') this.#between(character);
      }
      if (character === '\n') this.#line += 1;
    }
    if (this.#place === 'in element') this.#keep(text.slice(start));
    return rows;
  }

  end(): void {
    if (this.#place !== 'after array') throw fileError('JSON_ENDS_EARLY', `ends early, on line ${this.#line}.`);
  }

  /** Handles one character outside of elements. Returns whether it starts one. */
  #between(character: string): boolean {
    if (isSpace(character)) return false;
    switch (this.#place) {
      case 'before array':
        if (character !== '[') break;
        this.#place = 'first or end';
        return false;
      case 'first or end':
      case 'comma or end':
        if (character === ']') {
          this.#place = 'after array';
          return false;
        }
        if (this.#place === 'first or end') return this.#startElement(character);
        if (character !== ',') break;
        this.#place = 'element';
        return false;
      case 'element':
        return this.#startElement(character);
      case 'in element':
      case 'after array':
        break;
    }
    throw fileError(
      'JSON_NOT_AN_ARRAY',
      `is not one JSON array of objects: unexpected character on line ${this.#line}.`,
    );
  }

  #startElement(character: string): boolean {
    if (character === ',' || character === ']' || character === '}') {
      throw fileError('JSON_INVALID', `is not valid JSON: a value is missing on line ${this.#line}.`);
    }
    this.#place = 'in element';
    this.#elementLine = this.#line;
    this.#depth = character === '{' || character === '[' ? 1 : 0;
    this.#inString = character === '"';
    this.#bare = this.#depth === 0 && !this.#inString;
    return true;
  }

  /** The position of a character: within the element, as its last one, or after it. */
  #inElement(character: string): 'inside' | 'last' | 'after' {
    if (this.#bare) return character === ',' || character === ']' || isSpace(character) ? 'after' : 'inside';
    if (this.#inString) this.#readString(character);
    else if (character === '"') this.#inString = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if (character === '}' || character === ']') this.#depth -= 1;
    return this.#depth === 0 && !this.#inString ? 'last' : 'inside';
  }

  #readString(character: string): void {
    if (this.#escaped) this.#escaped = false;
    else if (character === '\\') this.#escaped = true;
    else if (character === '"') this.#inString = false;
  }

  #keep(text: string): void {
    if (this.#begun.length + text.length > maxRowSize) [this.#tooLarge, this.#begun] = [true, ''];
    else if (!this.#tooLarge) this.#begun += text;
  }

  #take(rest: string): FileRow | UnreadableRow {
    this.#keep(rest);
    const line = this.#elementLine;
    const row = this.#tooLarge ? { line, problem: rowTooLarge } : parseJsonRow(this.#begun, line);
    [this.#begun, this.#tooLarge, this.#place] = ['', false, 'comma or end'];
    return row;
  }
}

function isSpace(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\r' || character === '\t';
}
