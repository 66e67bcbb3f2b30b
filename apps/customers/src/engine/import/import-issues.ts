import type { RecordImportIssue } from '@rapport/contracts/rapport/api/v1/records';
import type { LineIssue } from './chunks/import-chunk.js';

const maxIssues = 10_000;

/** Less than what one gRPC message may hold, with room for the columns. */
const maxBytes = 3 * 1024 * 1024;

/** Collects what is to be known of the rows of a file, and counts what there is no room for. */
export class ImportIssues {
  readonly listed: RecordImportIssue[] = [];
  omitted = 0;
  #bytes = 0;

  /** To be called in the order of the file. */
  add(issues: LineIssue[]): void {
    for (const { severity, line, reason, message, field, recordId } of issues) {
      this.#bytes += Buffer.byteLength(message) + Buffer.byteLength(field ?? '') + 100;
      if (this.omitted > 0 || this.listed.length === maxIssues || this.#bytes > maxBytes) this.omitted += 1;
      else this.listed.push({ severity: severity as number, line, reason, field, message, recordId });
    }
  }
}
