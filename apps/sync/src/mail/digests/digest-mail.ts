import { platformContract, recordContracts } from '@rapport/contracts';
import { NotificationKind, type Notification } from '@rapport/contracts/rapport/work/v1/notifications_service';
import { html, Html, pageLanguage, type PageLanguage } from '@rapport/platform';
import type { DigestContent } from './digest-outbox.js';

/** What digests of a tenant have in common. */
export interface DigestTexts {
  /** BCP 47 tag, for users without one of their own. */
  locale: string;
  /** Where browsers reach the console, without a slash at its end. */
  consoleUrl: string;
}

/** The parts of a digest as an e-mail. */
export interface DigestMail {
  subject: string;
  text: string;
  html: string;
}

const kindsEn: Readonly<Partial<Record<keyof typeof NotificationKind, string>>> = {
  ASSIGNED: 'Assigned to you',
  MENTIONED: 'Mentions you',
  DUE: 'Due',
  REMINDER: 'Reminder',
  OPERATION_FAILED: 'Operation failed',
  CUSTOMER_MESSAGE: 'Customer wrote',
  STATUS_CHANGED: 'Status changed',
  APPROVAL_REQUESTED: 'Approval requested',
};

const kindsZh: typeof kindsEn = {
  ASSIGNED: '分配给您',
  MENTIONED: '提及您',
  DUE: '到期',
  REMINDER: '提醒',
  OPERATION_FAILED: '操作失败',
  CUSTOMER_MESSAGE: '客户来信',
  STATUS_CHANGED: '状态已更改',
  APPROVAL_REQUESTED: '请求审批',
};

const en = {
  subject: (count: number, hasMore: boolean) =>
    hasMore ? `More than ${count} unread notifications` : `${count} unread notification${count === 1 ? '' : 's'}`,
  since: 'Unread since your last digest:',
  more: 'There are more in the console.',
  open: 'Open the console',
  why: 'You receive this e-mail once a day because you turned on the daily digest. Change or turn it off:',
  preferences: 'Notification preferences',
  separator: ': ',
  kinds: kindsEn,
};

const zh: typeof en = {
  subject: (count, hasMore) => (hasMore ? `超过 ${count} 条未读通知` : `${count} 条未读通知`),
  since: '自上次摘要以来的未读通知：',
  more: '控制台中还有更多通知。',
  open: '打开控制台',
  why: '您开启了每日摘要，因此每天收到一封此邮件。更改或关闭：',
  preferences: '通知偏好',
  separator: '：',
  kinds: kindsZh,
};

const languages: Readonly<Record<PageLanguage, typeof en>> = { en, 'zh-CN': zh };

/** The paths of records in the console, by their types in the singular. Types beneath others have none. */
const collections: ReadonlyMap<string, string> = new Map(
  recordContracts(platformContract())
    .filter(({ parent }) => parent === undefined)
    .map(({ singular, collection }) => [singular, collection]),
);

/** The e-mail of a digest, in the language of the user or else of the workspace. */
export function digestMail({ contact, notifications, hasMore }: DigestContent, texts: DigestTexts): DigestMail {
  const language = pageLanguage(contact.locale ?? texts.locale);
  const { consoleUrl } = texts;
  const words = languages[language];
  const lines = notifications.map((each) => ({ line: lineOf(each, words), url: urlOf(each, consoleUrl) }));
  const preferencesUrl = `${consoleUrl}/notifications/preferences`;
  return {
    subject: words.subject(notifications.length, hasMore),
    text: [
      words.since,
      lines.map(({ line, url }) => `- ${line}${url === undefined ? '' : `\n  ${url}`}`).join('\n'),
      ...(hasMore ? [words.more] : []),
      `${words.open}${words.separator}${consoleUrl}/`,
      `${words.why}\n${preferencesUrl}\n`,
    ].join('\n\n'),
    html: html`<!doctype html>
      <html lang="${language}">
        <body style="font-family: sans-serif">
          <p>${words.since}</p>
          <ul>
            ${lines.map(({ line, url }) => html`<li>${url === undefined ? line : linkTo(url, line)}</li>`)}
          </ul>
          ${hasMore ? html`<p>${words.more}</p>` : undefined}
          <p>${linkTo(`${consoleUrl}/`, words.open)}</p>
          <p style="color: #666; font-size: small">${words.why} ${linkTo(preferencesUrl, words.preferences)}</p>
        </body>
      </html> `.text,
  };
}

function linkTo(url: string, text: string): Html {
  return html`<a href="${url}">${text}</a>`;
}

/** Why the user is notified, and the title of the record if the user can read it. */
function lineOf({ kind, title }: Notification, { kinds, separator }: typeof en): string {
  const cause = kinds[NotificationKind[kind] as keyof typeof NotificationKind] ?? '';
  const shown = title?.replace(/\s+/gu, ' ').trim() ?? '';
  return [cause, shown].filter((part) => part !== '').join(separator);
}

function urlOf({ recordType, recordId }: Notification, consoleUrl: string): string | undefined {
  if (recordId === undefined) return undefined;
  if (recordType === 'approval') return `${consoleUrl}/my-approvals`;
  if (recordType === 'operation') return `${consoleUrl}/imports?id=${recordId}`;
  const collection = collections.get(recordType);
  return collection === undefined ? undefined : `${consoleUrl}/${collection}/${recordId}`;
}
