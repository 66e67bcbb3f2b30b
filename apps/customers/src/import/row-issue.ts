import { ImportIssue_Severity as Severity } from '@rapport/contracts/rapport/customers/v1/customers_service';

/** What is to be known of a row. */
export interface RowIssue {
  severity: Severity;
  /** UPPER_SNAKE, such as `PHONE_INVALID`. */
  reason: string;
  /** A sentence for people. */
  message: string;
  /** Path in the customer by JSON names, such as `phones[0].number`. */
  field?: string | undefined;
  customerId?: string | undefined;
}

/** The row was refused. */
export function error(reason: string, message: string, more: Pick<RowIssue, 'field' | 'customerId'> = {}): RowIssue {
  return { severity: Severity.ERROR, reason, message, ...more };
}

/** The row was taken, one of its values not or not as wished. */
export function warning(reason: string, message: string, more: Pick<RowIssue, 'field' | 'customerId'> = {}): RowIssue {
  return { severity: Severity.WARNING, reason, message, ...more };
}

/** For information; nothing was lost. */
export function notice(reason: string, message: string, more: Pick<RowIssue, 'field' | 'customerId'> = {}): RowIssue {
  return { severity: Severity.NOTICE, reason, message, ...more };
}

const quotedCodePoints = 40;

/** A value of the file as a message names it, cut to 40 characters. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const start = Array.from(text.slice(0, 2 * quotedCodePoints))
    .slice(0, quotedCodePoints)
    .join('');
  return `"${start}${start.length < text.length ? '…' : ''}"`;
}
