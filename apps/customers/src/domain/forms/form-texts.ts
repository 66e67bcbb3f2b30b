import type { Form, FormText } from '@rapport/contracts/rapport/marketing/v1/form';
import type { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import { pageLanguage, type PageLanguage } from '@rapport/platform';
import { topicText } from '../topics/page-texts.js';

const en = {
  consent: 'Write me by e-mail about:',
  button: 'Send',
  thanks: 'Thank you. We have received your message.',
  confirm: 'We have sent you an e-mail. Open the link in it to confirm your choice.',
  closed: 'This form is closed.',
  missing: 'Fill in this field.',
  invalid: 'This value is not valid.',
  again: 'Check what you have entered, and send it again.',
  optional: 'optional',
  choose: 'Choose',
  honeypot: 'Leave this field empty',
  script: 'This form needs JavaScript to keep out spam.',
};

const zh: typeof en = {
  consent: '请通过电子邮件向我发送以下内容:',
  button: '提交',
  thanks: '谢谢,我们已收到您的信息。',
  confirm: '我们已向您发送一封电子邮件。请打开其中的链接以确认您的选择。',
  closed: '此表单已关闭。',
  missing: '请填写此项。',
  invalid: '此值无效。',
  again: '请检查所填内容,然后重新提交。',
  optional: '选填',
  choose: '请选择',
  honeypot: '请将此项留空',
  script: '此表单需要启用 JavaScript 以防止垃圾信息。',
};

const texts: Readonly<Record<PageLanguage, typeof en>> = { en, 'zh-CN': zh };

/** The texts of a page. */
export interface PageTexts extends Readonly<typeof en> {
  /** BCP 47 tag. */
  locale: string;
  /** Of the standard texts, and of mails. */
  language: PageLanguage;
  title: string;
  description: string | undefined;
  /** Label of a field or a topic by its key. */
  label(key: string): string;
}

/** The texts of a form in the language that a visitor wants. @param topics those that the form offers */
export function textsOf(form: Form, acceptLanguage: string | undefined, topics: readonly Topic[]): PageTexts {
  const own = ownTexts(form.texts, acceptLanguage);
  const locale = own?.locale ?? pageLanguage(acceptLanguage);
  const { title = form.name, description, consent, button, thanks, labels = [] } = own ?? {};
  const language = pageLanguage(locale);
  const standard = texts[language];
  return {
    ...standard,
    ...{ locale, language, title, description },
    ...{ consent: consent ?? standard.consent, button: button ?? standard.button, thanks: thanks ?? standard.thanks },
    label(key) {
      const labelled = labels.find((each) => each.key === key) ?? form.fields.find((field) => field.key === key);
      const topic = topics.find((each) => each.key === key);
      return labelled?.label ?? (topic && topicText(topic, language).name) ?? key;
    },
  };
}

/** The texts of the first language that a browser accepts, or else the first ones: RFC 4647, section 3.4 (lookup). */
function ownTexts(all: readonly FormText[], acceptLanguage = ''): FormText | undefined {
  const accepted = acceptLanguage
    .split(',')
    .map((item) => {
      const [tag = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
      return { tag, weight: Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1) };
    })
    .filter(({ tag, weight }) => tag !== '' && weight > 0)
    .toSorted((one, other) => other.weight - one.weight);
  for (const { tag } of accepted) {
    for (let range = tag; range !== ''; range = range.slice(0, Math.max(0, range.lastIndexOf('-')))) {
      const found = all.find(
        ({ locale }) => locale.toLowerCase() === range || locale.toLowerCase().startsWith(`${range}-`),
      );
      if (found) return found;
    }
  }
  return all[0];
}
