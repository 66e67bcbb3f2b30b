import { BounceAction } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { fieldGroups, type FieldGroup } from './report-fields.js';

/** What of a mail is read. mailparser gives it with the option `keepDeliveryStatus`. */
export interface ReportMail {
  /** Addresses that the mail came to, of `Delivered-To`, `X-Original-To`, `To` and the like. */
  recipients: readonly string[];
  /** Address in `From`. */
  from?: string | undefined;
  /** Plain text. */
  text?: string | undefined;
  attachments: readonly { contentType: string; content: Buffer }[];
}

/** What a report says about one recipient of a message. */
export interface ReportedRecipient {
  action: BounceAction;
  /** Status code (RFC 3463), such as `5.1.1`. */
  status?: string | undefined;
  diagnostic?: string | undefined;
  recipient?: string | undefined;
}

/** A report about a message that was sent from here, which the token of its envelope names. */
export interface MailReport {
  kind: 'BOUNCE' | 'COMPLAINT';
  token: string;
  recipients: ReportedRecipient[];
}

/** The token in the sender of an envelope. It is secret: without it, a forged report has no effect. */
const token = /(?<![a-z0-9])(?:b[a-z2-7]{26}|c[a-z2-7]{38})(?![a-z0-9])/i;

/** Bytes of a part that are read. Returned messages may be large. */
const maxPartBytes = 64 * 1_024;

const maxRecipients = 100;

/** Characters of the words about one recipient. */
const maxDiagnostic = 1_000;

/**
 * Reads a bounce (RFC 3464), a complaint (RFC 5965), or a bounce in words of a server without these formats.
 *
 * @returns undefined for any other mail, and for a report without a token
 */
export function readReport(mail: ReportMail): MailReport | undefined {
  const parts = mail.attachments.map(({ contentType, content }) => ({
    type: contentType.toLowerCase(),
    text: content.toString('utf8', 0, maxPartBytes),
  }));
  const found = findToken([...mail.recipients, ...parts.map(({ text }) => text)]);
  if (found === undefined) return undefined;
  const part = (type: string) => parts.find((each) => each.type === type)?.text;
  const complaint = part('message/feedback-report');
  if (complaint !== undefined) {
    return { kind: 'COMPLAINT', token: found, recipients: [readComplaint(fieldGroups(complaint)[0])] };
  }
  // RFC 6533 has the same fields in UTF-8.
  const status = part('message/delivery-status') ?? part('message/global-delivery-status');
  if (status !== undefined) {
    const words = (mail.text ?? '').slice(0, maxPartBytes);
    const recipients = fieldGroups(status)
      .slice(1)
      .flatMap((fields) => readRecipient(fields, words))
      .slice(0, maxRecipients);
    return { kind: 'BOUNCE', token: found, recipients };
  }
  const recipient = readWords(mail);
  return recipient && { kind: 'BOUNCE', token: found, recipients: [recipient] };
}

function findToken(texts: readonly string[]): string | undefined {
  for (const text of texts) {
    const found = token.exec(text)?.[0];
    if (found !== undefined) return found.toLowerCase();
  }
  return undefined;
}

/** Fields of one recipient (RFC 3464, section 2.3). Others than failures and delays are of no interest. */
function readRecipient(fields: FieldGroup, words: string): ReportedRecipient[] {
  const action = actionOf(fields.get('action'));
  if (action === undefined) return [];
  const recipient = typed(fields.get('original-recipient') ?? fields.get('final-recipient'));
  const said = typed(fields.get('diagnostic-code')) ?? wordsAbout(recipient, words);
  return [{ action, status: statusOf(fields.get('status') ?? '', said ?? ''), diagnostic: said, recipient }];
}

/** What the words of a bounce say about a recipient, for servers that leave out `Diagnostic-Code`. */
function wordsAbout(recipient: string | undefined, words: string): string | undefined {
  const start = recipient === undefined ? -1 : words.toLowerCase().indexOf(recipient.toLowerCase());
  if (start === -1) return undefined;
  const [paragraph = ''] = words.slice(start + (recipient ?? '').length, start + maxDiagnostic).split(/\r?\n\s*\r?\n/);
  const text = paragraph
    .replace(/^[>:\s]+/, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return text === '' ? undefined : text;
}

/**
 * The code that says most. Exim and OpenSMTPD write 5.0.0 whatever the other server has said, also when they have only tried for
 * too long: that is a failure of the moment (RFC 3463, section 3.5, X.4.7).
 */
function statusOf(given: string, said: string): string | undefined {
  const status = statusIn(given);
  const isVague = status === undefined || /^[245]\.0\.0$/.test(status);
  if (status === '5.4.7' || (isVague && /^(?:retry )?time(?:out| limit) exceeded/i.test(said))) return '4.4.7';
  if (!isVague) return status;
  const code = /^([45])\d\d(?![\d.])/.exec(said)?.[1];
  return statusIn(said) ?? (code === undefined ? status : `${code}.0.0`);
}

function actionOf(action = ''): BounceAction | undefined {
  switch (action.toLowerCase().trim()) {
    case 'failed':
      return BounceAction.FAILED;
    case 'delayed':
      return BounceAction.DELAYED;
    default:
      return undefined;
  }
}

function readComplaint(fields: FieldGroup = new Map<string, string>()): ReportedRecipient {
  const recipient = typed(fields.get('original-rcpt-to'))?.replace(/^<(.*)>$/, '$1');
  return { action: BounceAction.COMPLAINT, diagnostic: fields.get('feedback-type'), recipient };
}

/** A bounce in words, such as that of qmail. Only of the account that mail servers send them from: others also answer to an envelope. */
function readWords({ from = '', text = '' }: ReportMail): ReportedRecipient | undefined {
  if (!/^(?:mailer-daemon|postmaster)@/i.test(from)) return undefined;
  const said = text.slice(0, maxPartBytes);
  const status = statusIn(said);
  const code = /(?<![\d.])([45])\d\d(?![\d.])/.exec(said)?.[1];
  if (status === undefined && code === undefined) return undefined;
  return { action: BounceAction.FAILED, status: status ?? `${code}.0.0` };
}

function statusIn(text: string): string | undefined {
  return /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])/.exec(text)?.[0];
}

/** A value with a type before it, such as `rfc822; ada@example.com`, without the type. */
function typed(value: string | undefined): string | undefined {
  const text = value?.replace(/^[^;\s]*;\s*/, '').trim();
  return text === '' ? undefined : text;
}
