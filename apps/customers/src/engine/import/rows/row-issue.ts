import { ImportIssue_Severity as Severity } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { cutText } from '@rapport/platform';
import { storable } from '../../values/storable-text.js';

/** A notice about a row. */
export interface RowIssue {
  severity: Severity;
  /** UPPER_SNAKE, such as `PHONE_INVALID`. */
  reason: string;
  /** A sentence for the user. */
  message: string;
  /** Path in the record in JSON names, such as `phones[0].number`. */
  field?: string | undefined;
  recordId?: string | undefined;
  /** The value in question. */
  value?: unknown;
}

/** The row was refused. */
export function error(reason: string, message: string, more: Pick<RowIssue, 'field' | 'recordId'> = {}): RowIssue {
  return issue(Severity.ERROR, reason, message, more);
}

/** The row was imported, but one of its values was omitted or changed. */
export function warning(reason: string, message: string, more: Pick<RowIssue, 'field' | 'recordId'> = {}): RowIssue {
  return issue(Severity.WARNING, reason, message, more);
}

/** Information only; nothing was lost. */
export function notice(reason: string, message: string, more: Pick<RowIssue, 'field' | 'recordId'> = {}): RowIssue {
  return issue(Severity.NOTICE, reason, message, more);
}

/** An omitted value of a cell. @param why the fault, such as `is not a text` */
export function cellLeftOut(field: string, value: unknown, reason: string, why: string): RowIssue {
  return warning(reason, `${quote(value)} ${why}; it was omitted.`, { field });
}

function issue(
  severity: Severity,
  reason: string,
  message: string,
  { field, recordId }: Pick<RowIssue, 'field' | 'recordId'>,
): RowIssue {
  // Either may quote the file.
  return { severity, reason, message: storable(message), field: field && storable(field), recordId };
}

const quotedCodePoints = 40;

/** A value of the file in a message, cut to 40 characters. Money is quoted as cells have it. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (moneyText(value) ?? JSON.stringify(value) ?? '');
  const start = cutText(text, quotedCodePoints);
  return `"${storable(start)}${start.length < text.length ? '…' : ''}"`;
}

function moneyText(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { amount, currencyCode, ...others } = value as Record<string, unknown>;
  const isMoney = typeof amount === 'string' && typeof currencyCode === 'string' && Object.keys(others).length === 0;
  return isMoney ? `${amount} ${currencyCode}` : undefined;
}
