import { MessageClass, type MessageAuthentication } from '@rapport/contracts/rapport/content/v1/message';
import type { ParsedMessage } from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import { simpleParser, type AddressObject, type Attachment, type EmailAddress, type ParsedMail } from 'mailparser';
import { cutText } from '@rapport/platform';
import { readReport, type MailReport } from '../bounces/read-report.js';
import { authenticateSender, type AuthenticationRules } from './authenticate-sender.js';
import { flattenDeepParts } from './deep-html.js';
import { classOf } from './mail-class.js';
import { safeHtml } from './safe-html.js';
import { trimmedSpans, visibleText } from './trim-text.js';

/** Limits of `ParsedMessage`. The raw mail has the rest. */
const limits = { text: 500_000, html: 1_000_000, subject: 300, name: 300, id: 500, address: 320, contentType: 200 };
const maxItems = { addresses: 100, references: 100, deliveredTo: 50, attachments: 200 };

flattenDeepParts();

/** HTML that is longer is not converted to text. */
const maxHtmlToText = 2_000_000;

export interface MailToParse extends AuthenticationRules {
  raw: Buffer;
  /** Domains of the Message-IDs that the workspace sends. */
  ownDomains: readonly string[];
}

/** An attachment with its bytes. */
export interface ParsedAttachment {
  name: string | undefined;
  contentId: string | undefined;
  isInline: boolean;
  /** As the mail states it. */
  contentType: string;
  content: Uint8Array;
}

export interface ParsedContent {
  message: ParsedMessage;
  attachments: ParsedAttachment[];
  /** What a bounce or a complaint says about a message that was sent. */
  report: MailReport | undefined;
}

/**
 * Reads a mail of anyone: within a thread of bounded time and memory only. What breaks the standards is read leniently.
 *
 * @throws Error for a mail that cannot be read, such as one with too many parts
 */
export async function parseMail({ raw, ownDomains, ...rules }: MailToParse): Promise<ParsedContent> {
  const mail = await simpleParser(raw, {
    ...{ keepCidLinks: true, skipTextToHtml: true, skipTextLinks: true, checksumAlgo: false },
    ...{ keepDeliveryStatus: true, ignoreEmbedded: true, maxHtmlLengthToParse: maxHtmlToText },
  });
  const { sender, recipients = [] } = rules.envelope ?? {};
  const all = (name: string) => (name === 'return-path' && sender !== undefined ? [sender] : headerValues(mail, name));
  const text = clean(mail.text ?? '', limits.text);
  const trimmed = trimmedSpans(text);
  const from = addresses(mail.from)[0];
  const messageId = ids(mail.messageId)[0];
  const checked = await authenticateSender(raw, all('authentication-results'), rules);
  const authentication: MessageAuthentication = isOfOne(mail) ? checked : withoutProof(checked);
  const message: ParsedMessage = {
    internetMessageId: messageId,
    inReplyTo: ids(mail.inReplyTo)[0],
    referenceIds: ids(mail.references).slice(-maxItems.references),
    fromAddress: from?.address,
    fromName: from?.name,
    toAddresses: addressTexts(mail.to),
    ccAddresses: addressTexts(mail.cc),
    replyTo: addresses(mail.replyTo)[0]?.address,
    deliveredTo: deliveredTo(all, recipients),
    subject: clean(mail.subject ?? '', limits.subject)
      .replaceAll(/\s+/g, ' ')
      .trim(),
    text: text === '' ? undefined : text,
    html: mail.html ? clean(safeHtml(clean(mail.html, limits.html)), limits.html) : undefined,
    visibleText: text === '' ? undefined : visibleText(text, trimmed),
    trimmed,
    attachments: [],
    authentication,
    class: classOf({ all, messageId, fromAddress: from?.address }, new Set(ownDomains)),
    sendTime: sendTime(mail),
    language: all('content-language')
      .map((value) => value.trim())
      .find((value) => /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/.test(value)),
  };
  const attachments = mail.attachments.slice(0, maxItems.attachments);
  return { message, attachments: attachments.map(attachment), report: reportOf(message, attachments) };
}

function reportOf(message: ParsedMessage, attachments: readonly Attachment[]): MailReport | undefined {
  if (message.class !== MessageClass.BOUNCE && message.class !== MessageClass.COMPLAINT) return undefined;
  const recipients = [...message.deliveredTo, ...message.toAddresses];
  return readReport({ recipients, from: message.fromAddress, text: message.text, attachments });
}

/** Whether a mail names one author. A server can have checked another one of several than the first. */
function isOfOne({ headerLines, from }: ParsedMail): boolean {
  return headerLines.filter(({ line }) => /^from[ \t]*:/i.test(line)).length === 1 && addresses(from).length === 1;
}

function withoutProof({ dmarc, ...others }: MessageAuthentication): MessageAuthentication {
  return { ...others, dmarc: dmarc === 'pass' ? 'none' : dmarc };
}

/** Values of a header as they are in the mail, unfolded. */
function headerValues({ headerLines }: ParsedMail, name: string): string[] {
  return headerLines
    .filter(({ key }) => key === name)
    .map(({ line }) =>
      line
        .slice(line.indexOf(':') + 1)
        .replaceAll(/\r?\n(?=[ \t])/g, '')
        .trim(),
    );
}

/** Text that PostgreSQL and protobuf can hold, of a maximum length. */
function clean(text: string, maxLength: number): string {
  return cutText(text, maxLength).toWellFormed().replaceAll('\0', '\uFFFD');
}

/** Ids of a Message-ID, In-Reply-To or References header, without their angle brackets. */
function ids(value: string | string[] | undefined): string[] {
  const text = Array.isArray(value) ? value.join(' ') : (value ?? '');
  const bracketed = [...text.matchAll(/<([^<>\s]+)>/g)].map(([, id = '']) => id);
  const found = bracketed.length > 0 ? bracketed : text.split(/\s+/);
  return found.map((id) => clean(id, limits.id)).filter((id) => id !== '');
}

interface NamedAddress {
  address: string;
  name: string | undefined;
}

/** Addresses of a header, with those of its groups (RFC 6854). */
function addresses(header: AddressObject | AddressObject[] | undefined): NamedAddress[] {
  const objects = header === undefined ? [] : [header].flat();
  const each = (entry: EmailAddress): EmailAddress[] => (entry.group ? entry.group.flatMap(each) : [entry]);
  return objects
    .flatMap(({ value }) => value)
    .flatMap(each)
    .flatMap(({ address = '', name }) => {
      const found = addressText(address);
      return found === undefined ? [] : [{ address: found, name: clean(name, limits.name).trim() || undefined }];
    });
}

/** @returns undefined for what is no address */
function addressText(text: string): string | undefined {
  const address = text.trim().toLowerCase();
  return address.length <= limits.address && /^[^\s@<>\0]+@[^\s@<>\0]+$/.test(address)
    ? clean(address, 320)
    : undefined;
}

function addressTexts(header: AddressObject | AddressObject[] | undefined): string[] {
  return [...new Set(addresses(header).map(({ address }) => address))].slice(0, maxItems.addresses);
}

function deliveredTo(all: (name: string) => string[], recipients: readonly string[]): string[] {
  const names = ['delivered-to', 'x-original-to', 'envelope-to', 'x-envelope-to', 'x-forwarded-to'];
  const stated = names.flatMap(all).flatMap((value) => value.split(','));
  const found = [...recipients, ...stated].map((value) => addressText(/<([^<>]*)>/.exec(value)?.[1] ?? value));
  return [...new Set(found.filter((address) => address !== undefined))].slice(0, maxItems.deliveredTo);
}

/** A Date header that cannot be read is parsed as the present time. */
function sendTime(mail: ParsedMail): string | undefined {
  const [stated] = headerValues(mail, 'date');
  if (stated === undefined || !mail.date || Number.isNaN(Date.parse(stated))) return undefined;
  const year = mail.date.getUTCFullYear();
  return year >= 1970 && year <= 9999 ? mail.date.toISOString() : undefined;
}

function attachment({
  filename,
  cid,
  related,
  contentDisposition,
  contentType,
  content,
}: Attachment): ParsedAttachment {
  const name =
    filename === undefined
      ? ''
      : clean(filename, 255)
          .replaceAll(/[/\\\p{Cc}]/gu, '_')
          .trim();
  return {
    name: name === '' ? undefined : name,
    contentId: cid === undefined ? undefined : clean(cid, limits.id),
    isInline: related === true || (contentDisposition === 'inline' && cid !== undefined),
    contentType: clean(contentType, limits.contentType),
    content,
  };
}
