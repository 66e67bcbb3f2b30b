import { Notification, NotificationKind as Kind } from '@rapport/contracts/rapport/work/v1/notifications_service';
import { expect, test } from 'vitest';
import { digestMail } from './digest-mail.js';

const texts = { locale: 'en-US', consoleUrl: 'https://console.example' };
const ada = { email: 'ada@example.com', displayName: 'Ada', locale: undefined };
const notified = (given: Partial<Notification>) => ({ ...Notification.decode(new Uint8Array()), ...given });
const task = notified({ kind: Kind.ASSIGNED, recordType: 'task', recordId: 'T1', title: 'Call\n<b>Eve</b>' });

test('a digest has the titles and links of records that the user can read, and only the kind of others', () => {
  const notifications = [
    task,
    notified({ kind: Kind.MENTIONED, recordType: 'note' }),
    notified({ kind: Kind.APPROVAL_REQUESTED, recordType: 'approval', recordId: 'A1' }),
    notified({ kind: Kind.OPERATION_FAILED, recordType: 'operation', recordId: 'O1' }),
  ];
  const { subject, text, html } = digestMail({ contact: ada, notifications, hasMore: false }, texts);

  expect(subject).toBe('4 unread notifications');
  expect(text).toBe(`Unread since your last digest:

- Assigned to you: Call <b>Eve</b>
  https://console.example/tasks/T1
- Mentions you
- Approval requested
  https://console.example/my-approvals
- Operation failed
  https://console.example/imports?id=O1

Open the console: https://console.example/

You receive this e-mail once a day because you turned on the daily digest. Change or turn it off:
https://console.example/notifications/preferences
`);
  expect(html).toContain('<a href="https://console.example/tasks/T1">Assigned to you: Call &#60;b&#62;Eve');
  expect(html).toContain('<li>Mentions you</li>');
});

test('a digest has the language of the user, or else of the workspace', () => {
  const contents = { notifications: [task], hasMore: true };
  const chinese = digestMail({ ...contents, contact: { ...ada, locale: 'zh-CN' } }, texts);
  expect(chinese).toMatchObject({ subject: '超过 1 条未读通知' });
  expect(chinese.text).toContain('- 分配给您：Call');
  expect(chinese.html).toContain('<html lang="zh-CN">');
  expect(digestMail({ ...contents, contact: ada }, { ...texts, locale: 'zh-CN' }).text).toBe(chinese.text);
  expect(digestMail({ ...contents, contact: { ...ada, locale: 'fr-FR' } }, texts).subject).toBe(
    'More than 1 unread notifications',
  );
});
