import type { RecordImportIssue } from '@rapport/contracts/rapport/api/v1/records';
import type { LineIssue } from './chunks/import-chunk.js';

const maxIssues = 10_000;

/** Less than the limit of one gRPC message, with room for the columns. */
const maxBytes = 3 * 1024 * 1024;

/** Collects issues of the rows of a file, and counts those that exceed the limit. */
export class ImportIssues {
  readonly listed: RecordImportIssue[] = [];
  omitted = 0;
  #bytes = 0;

  /** Call it in the order of the file. */
  add(issues: LineIssue[]): void {
    for (const { severity, line, reason, message, field, recordId } of issues) {
      this.#bytes += Buffer.byteLength(message) + Buffer.byteLength(field ?? '') + 100;
      if (this.omitted > 0 || this.listed.length === maxIssues || this.#bytes > maxBytes) this.omitted += 1;
      else this.listed.push({ severity: severity as number, line, reason, field, message, recordId });
    }
  }
}
