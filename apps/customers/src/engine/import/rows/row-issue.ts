import { ImportIssue_Severity as Severity } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { storable } from '../../values/storable-text.js';

/** What is to be known of a row. */
export interface RowIssue {
  severity: Severity;
  /** UPPER_SNAKE, such as `PHONE_INVALID`. */
  reason: string;
  /** A sentence for people. */
  message: string;
  /** Path in the record by JSON names, such as `phones[0].number`. */
  field?: string | undefined;
  recordId?: string | undefined;
  /** The value of the row that it is about. */
  value?: unknown;
}

/** The row was refused. */
export function error(reason: string, message: string, more: Pick<RowIssue, 'field' | 'recordId'> = {}): RowIssue {
  return issue(Severity.ERROR, reason, message, more);
}

/** The row was taken, one of its values not or not as wished. */
export function warning(reason: string, message: string, more: Pick<RowIssue, 'field' | 'recordId'> = {}): RowIssue {
  return issue(Severity.WARNING, reason, message, more);
}

/** For information; nothing was lost. */
export function notice(reason: string, message: string, more: Pick<RowIssue, 'field' | 'recordId'> = {}): RowIssue {
  return issue(Severity.NOTICE, reason, message, more);
}

/** A value of a cell that was left out. @param why what is wrong with it, such as `is not a text` */
export function cellLeftOut(field: string, value: unknown, reason: string, why: string): RowIssue {
  return warning(reason, `${quote(value)} ${why}; it was left out.`, { field });
}

function issue(
  severity: Severity,
  reason: string,
  message: string,
  { field, recordId }: Pick<RowIssue, 'field' | 'recordId'>,
): RowIssue {
  // Either may name what is in the file.
  return { severity, reason, message: storable(message), field: field && storable(field), recordId };
}

const quotedCodePoints = 40;

/** A value of the file as a message names it, cut to 40 characters. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const start = Array.from(text.slice(0, 2 * quotedCodePoints))
    .slice(0, quotedCodePoints)
    .join('');
  return `"${storable(start)}${start.length < text.length ? '…' : ''}"`;
}
