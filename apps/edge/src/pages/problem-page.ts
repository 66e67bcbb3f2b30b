import { html, pageLanguage, publicPage, type PageLanguage } from '@rapport/platform';

/** The texts of a problem: what happened, and what a reader can do. */
type Texts = Readonly<Record<PageLanguage, readonly [title: string, text: string]>>;

/**
 * For a link that is unknown, used or revoked. Its words must be true for all of them: the page is the same, so that a stranger learns
 * nothing about a link.
 */
const unknown: Texts = {
  en: [
    'This link is not valid',
    'It may have been used or withdrawn, or part of it is missing. If you have answered by this link before, your answer was received.',
  ],
  'zh-CN': ['此链接无效', '链接可能已被使用或撤回,或者不完整。如果您之前已通过此链接作出答复,我们已收到您的答复。'],
};
const limited: Texts = {
  en: ['Too many requests', 'Wait a minute, and open the link again.'],
  'zh-CN': ['请求过于频繁', '请稍等一分钟,再打开此链接。'],
};
const unavailable: Texts = {
  en: ['Not available at the moment', 'Nothing is lost. Open the link again in a few minutes.'],
  'zh-CN': ['暂时无法访问', '您的内容不会丢失。请几分钟后再打开此链接。'],
};
const unreadable: Texts = {
  en: ['The request could not be read', 'Open the link again, and repeat your entry.'],
  'zh-CN': ['无法读取请求', '请重新打开此链接,再次填写。'],
};
const failed: Texts = {
  en: [
    'Something went wrong on our side',
    'Open the link again. If this happens again, write to the sender of the link.',
  ],
  'zh-CN': ['我们这边出了问题', '请重新打开此链接。如果问题仍然存在,请告知链接的发送者。'],
};

/** The page in place of a problem for programs. @param status of the answer */
export function problemPage(status: number, accepted: string | undefined): { text: string; styleHash: string } {
  const language = pageLanguage(accepted);
  const [title, text] = textsOf(status)[language];
  return publicPage({
    language,
    title,
    body: html`<h1>${title}</h1>
      <p class="quiet">${text}</p>`,
  });
}

function textsOf(status: number): Texts {
  if (status === 404) return unknown;
  if (status === 429) return limited;
  if (status === 503 || status === 504 || status === 507) return unavailable;
  return status < 500 ? unreadable : failed;
}
