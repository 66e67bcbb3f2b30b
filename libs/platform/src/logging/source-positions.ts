/** The parts of a source map (ECMA-426) that positions need. */
export interface SourceMapText {
  sources: readonly string[];
  mappings: string;
}

/** A position in a source; lines and columns start with 0. */
export interface SourcePosition {
  source: string;
  line: number;
  column: number;
}

/** Numbers kept for each generated line: where it starts in the mappings, and the source, line and column before it. */
const kept = 4;
const digits = new Int8Array(128).fill(-1);
for (const [index, digit] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
  digits[digit.charCodeAt(0)] = index;
const [comma, semicolon] = [44, 59];

/**
 * Positions of a bundle in its sources. Reads the mappings once, and keeps only where each line starts: Node's `SourceMap`
 * makes an object of each mapping, which takes five times as long and 70 MB when sync or edge logs its first error.
 */
export class SourcePositions {
  readonly #map: SourceMapText;
  readonly #lines: Int32Array;
  #place = 0;

  constructor(map: SourceMapText) {
    this.#map = map;
    this.#lines = this.#indexed();
  }

  /** The mapping at or before the column of a generated line; undefined when there is none. */
  find(line: number, column: number): SourcePosition | undefined {
    const { mappings, sources } = this.#map;
    if (line < 0 || (line + 1) * kept > this.#lines.length) return undefined;
    const state = this.#lines.slice(line * kept, (line + 1) * kept);
    let found: SourcePosition | undefined;
    let generated = 0;
    this.#place = state[0] ?? 0;
    while (this.#place < mappings.length && mappings.charCodeAt(this.#place) !== semicolon) {
      if (mappings.charCodeAt(this.#place) === comma) this.#place++;
      generated += this.#number();
      if (generated > column) return found;
      found = this.#segment(state)
        ? { source: sources[state[1] ?? 0] ?? '', line: state[2] ?? 0, column: state[3] ?? 0 }
        : undefined;
    }
    return found;
  }

  #indexed(): Int32Array {
    const { mappings } = this.#map;
    const state = new Int32Array(kept);
    const lines = [0, 0, 0, 0];
    this.#place = 0;
    while (this.#place < mappings.length) {
      const code = mappings.charCodeAt(this.#place);
      if (code === semicolon) {
        this.#place++;
        lines.push(this.#place, state[1] ?? 0, state[2] ?? 0, state[3] ?? 0);
      } else if (code === comma) {
        this.#place++;
      } else {
        this.#number();
        this.#segment(state);
      }
    }
    return Int32Array.from(lines);
  }

  /** Reads what follows the generated column. @returns whether that is a position in a source */
  #segment(state: Int32Array): boolean {
    if (!this.#continues()) return false;
    for (let field = 1; field < kept; field++) state[field] = (state[field] ?? 0) + this.#number();
    // The name.
    if (this.#continues()) this.#number();
    return true;
  }

  #continues(): boolean {
    const code = this.#map.mappings.charCodeAt(this.#place);
    return code !== comma && code !== semicolon && !Number.isNaN(code);
  }

  /** A number in base 64, five bits a digit, the least first; the first bit is the sign. */
  #number(): number {
    const { mappings } = this.#map;
    let value = 0;
    for (let shift = 0; ; shift += 5) {
      const digit = digits[mappings.charCodeAt(this.#place++)] ?? -1;
      if (digit === -1) throw new Error(`The mappings have no number at ${this.#place - 1}.`);
      value |= (digit & 31) << shift;
      if ((digit & 32) === 0) return (value & 1) === 1 ? -(value >>> 1) : value >>> 1;
    }
  }
}
