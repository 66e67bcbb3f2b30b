import { MessageClass } from '@rapport/contracts/rapport/content/v1/message';

/** Headers of a mail that its class depends on. */
export interface ClassHeaders {
  /** Values of a header, unfolded, in the order of the mail. */
  all: (name: string) => string[];
  messageId: string | undefined;
  fromAddress: string | undefined;
}

/**
 * What kind of sender a mail has. It is known before the mail is assigned to a ticket, so that no program is answered
 * (RFC 3834, RFC 6522, RFC 5965, RFC 2919).
 *
 * @param ownDomains domains of the Message-IDs that the workspace sends
 */
export function classOf(headers: ClassHeaders, ownDomains: ReadonlySet<string>): MessageClass {
  const contentType = headers.all('content-type')[0]?.toLowerCase() ?? '';
  const isReport = contentType.startsWith('multipart/report');
  const reportType = /report-type="?([a-z-]+)/.exec(contentType)?.[1];
  if (isReport && reportType === 'feedback-report') return MessageClass.COMPLAINT;
  if (isReport && reportType === 'delivery-status') return MessageClass.BOUNCE;
  if (isFromMailSystem(headers)) return MessageClass.BOUNCE;
  if (ownDomains.has(domainOf(headers.messageId))) return MessageClass.OWN;
  if (isReport || isAutomatic(headers)) return MessageClass.AUTO_REPLY;
  return isFromList(headers) ? MessageClass.LIST : MessageClass.HUMAN;
}

function domainOf(messageId = ''): string {
  return messageId.slice(messageId.lastIndexOf('@') + 1).toLowerCase();
}

/** Servers that send no report as RFC 6522 has it still send from nobody, in the name of the mail system. */
function isFromMailSystem(headers: ClassHeaders): boolean {
  const name = headers.fromAddress?.split('@')[0]?.toLowerCase() ?? '';
  return isFromNobody(headers) && (name === 'mailer-daemon' || name === 'postmaster');
}

function isFromNobody({ all }: ClassHeaders): boolean {
  return all('return-path').some((value) => /^\s*<\s*>/.test(value));
}

function isAutomatic(headers: ClassHeaders): boolean {
  const { all } = headers;
  return (
    isFromNobody(headers) ||
    all('auto-submitted').some((value) => !/^\s*no\b/i.test(value)) ||
    all('x-auto-response-suppress').some((value) => /\b(?:all|oof|autoreply)\b/i.test(value)) ||
    all('precedence').some((value) => /^\s*auto[-_]?reply/i.test(value)) ||
    ['x-autoreply', 'x-autorespond', 'x-autoresponse'].some((name) => all(name).some((value) => value.trim() !== ''))
  );
}

function isFromList({ all }: ClassHeaders): boolean {
  return all('list-id').length > 0 || all('precedence').some((value) => /^\s*(?:bulk|list|junk)\b/i.test(value));
}
