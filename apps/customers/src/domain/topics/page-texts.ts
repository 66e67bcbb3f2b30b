import type { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import type { PageLanguage } from '@rapport/platform';
import { canonical } from './topics.js';

const en = {
  unsubscribeTitle: 'Unsubscribe',
  unsubscribeQuestion: 'Do you want to receive no more mail of this kind?',
  unsubscribe: 'Unsubscribe',
  unsubscribed: 'You are unsubscribed. You receive no more mail of this kind:',
  otherTopics: 'Choose what you receive',
  preferencesTitle: 'Your e-mail preferences',
  preferencesQuestion: 'Choose the mail that you want to receive.',
  noTopics: 'There is nothing to choose at the moment.',
  save: 'Save',
  unsubscribeFromAll: 'Unsubscribe from all',
  saved: 'Your choice is saved.',
  confirmTitle: 'Confirm your subscription',
  confirmQuestion: 'You asked to receive:',
  confirm: 'Confirm',
  confirmed: 'Your subscription is confirmed. You receive:',
  mailSubject: 'Please confirm your subscription',
  mailAsked: 'We were asked to send you this mail:',
  mailConfirm: 'If you asked for it, open this page within 7 days and confirm:',
  mailIgnore: 'If you did not ask for it, do nothing. You receive no more mail about it.',
};

const zh: typeof en = {
  unsubscribeTitle: '退订',
  unsubscribeQuestion: '您要退订此类邮件吗?',
  unsubscribe: '退订',
  unsubscribed: '您已退订,不会再收到此类邮件:',
  otherTopics: '选择您要接收的邮件',
  preferencesTitle: '您的邮件偏好',
  preferencesQuestion: '请选择您要接收的邮件。',
  noTopics: '目前没有可供选择的内容。',
  save: '保存',
  unsubscribeFromAll: '退订全部',
  saved: '您的选择已保存。',
  confirmTitle: '确认订阅',
  confirmQuestion: '您申请接收:',
  confirm: '确认',
  confirmed: '您的订阅已确认。您将收到:',
  mailSubject: '请确认您的订阅',
  mailAsked: '有人申请用您的地址接收以下邮件:',
  mailConfirm: '如果是您本人,请在 7 天内打开此页面并确认:',
  mailIgnore: '如果不是您本人,请忽略此邮件,我们不会再就此与您联系。',
};

export const pageTexts: Readonly<Record<PageLanguage, typeof en>> = { en, 'zh-CN': zh };

/** Name and description of a topic in a language, or else as the topic has them. */
export function topicText(topic: Topic, language: PageLanguage): { name: string; description?: string | undefined } {
  const tags = topic.texts.map((text) => ({ text, tag: canonical(text.locale) ?? '' }));
  const exact = tags.find(({ tag }) => tag === language);
  const [base] = language.split('-');
  return (exact ?? tags.find(({ tag }) => tag.split('-')[0] === base))?.text ?? topic;
}

/** The mail of a double opt-in. */
export function confirmationMail(
  language: PageLanguage,
  topics: readonly Topic[],
  url: string,
): { subject: string; text: string } {
  const { mailSubject: subject, mailAsked, mailConfirm, mailIgnore } = pageTexts[language];
  const names = topics.map((topic) => `- ${topicText(topic, language).name}`).join('\n');
  return { subject, text: `${mailAsked}\n\n${names}\n\n${mailConfirm}\n\n${url}\n\n${mailIgnore}\n` };
}
