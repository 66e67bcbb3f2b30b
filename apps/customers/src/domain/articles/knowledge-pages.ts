import type { Article } from '@rapport/contracts/rapport/content/v1/article';
import { Html, html, publicPage, type PageLanguage, type WrittenPage } from '@rapport/platform';

/** The knowledge base, and the language of its own words. */
export interface Site {
  /** Path of its first page. */
  home: string;
  language: PageLanguage;
}

export interface ListedArticle {
  path: string;
  title: string;
  excerpt: string;
}

export interface ListedSection {
  /** Absent for articles in no section. */
  name: string | undefined;
  description: string | undefined;
  articles: readonly ListedArticle[];
}

const en = {
  title: 'Help',
  search: 'Search',
  others: 'More articles',
  empty: 'There are no articles yet.',
  none: 'No article has all of these words.',
  found: (words: string) => `Articles about “${words}”`,
  back: 'All articles',
  question: 'Was this article helpful?',
  yes: 'Yes',
  no: 'No',
  thanks: 'Thank you for your answer.',
};

const zh: typeof en = {
  title: '帮助中心',
  search: '搜索',
  others: '更多文章',
  empty: '暂无文章。',
  none: '没有包含所有这些词的文章。',
  found: (words) => `关于“${words}”的文章`,
  back: '全部文章',
  question: '这篇文章对您有帮助吗?',
  yes: '有',
  no: '没有',
  thanks: '感谢您的反馈。',
};

const texts: Readonly<Record<PageLanguage, typeof en>> = { en, 'zh-CN': zh };

/** The contents of the knowledge base. */
export function contentsPage(site: Site, sections: readonly ListedSection[]): WrittenPage {
  const { title, others, empty } = texts[site.language];
  const body = html`<h1>${title}</h1>
    ${searchForm(site, '')} ${sections.length === 0 ? html`<p class="quiet">${empty}</p>` : undefined}
    ${sections.map(
      ({ name, description, articles }) =>
        html`<section>
          <h2>${name ?? others}</h2>
          ${description === undefined ? undefined : html`<p class="quiet">${description}</p>`} ${list(site, articles)}
        </section>`,
    )}`;
  return page(site, title, body);
}

/** What a search has found. */
export function foundPage(site: Site, words: string, articles: readonly ListedArticle[]): WrittenPage {
  const { found, none } = texts[site.language];
  const body = html`${wayBack(site)}
    <h1>${found(words)}</h1>
    ${searchForm(site, words)} ${articles.length === 0 ? html`<p role="status">${none}</p>` : list(site, articles)}`;
  return page(site, found(words), body);
}

/** An article that everyone can read. */
export function articlePage(site: Site, { locale, published }: Article): WrittenPage {
  const { question, yes, no, thanks } = texts[site.language];
  const { title = '', html: text = '' } = published ?? {};
  const body = html`${wayBack(site)}
    <article lang="${locale}">
      <h1>${title}</h1>
      ${new Html(text)}
    </article>
    <p id="thanks" class="note" role="status">${thanks}</p>
    <form class="vote" method="post">
      <span>${question}</span>
      <button class="second" name="helpful" value="yes">${yes}</button>
      <button class="second" name="helpful" value="no">${no}</button>
    </form>`;
  return page(site, title, body);
}

function page({ language }: Site, title: string, body: Html): WrittenPage {
  return publicPage({ language, title, body, style });
}

function wayBack({ home, language }: Site): Html {
  return html`<p class="back"><a href="${home}">${texts[language].back}</a></p>`;
}

function searchForm({ home, language }: Site, words: string): Html {
  const { search } = texts[language];
  return html`<form class="search" role="search" action="${home}">
    <input name="q" type="search" required maxlength="200" aria-label="${search}" value="${words}" />
    <button>${search}</button>
  </form>`;
}

function list({ home }: Site, articles: readonly ListedArticle[]): Html {
  return html`<ul class="articles">
    ${articles.map(
      ({ path, title, excerpt }) =>
        html`<li>
          <a href="${`${home}/${path}`}">${title}</a>
          <p class="quiet">${excerpt}</p>
        </li>`,
    )}
  </ul>`;
}

const style = `
.back { margin: 0 0 1rem; }
.search { display: flex; gap: .5rem; margin-top: 1.5rem; }
.articles { margin: 0; padding: 0; list-style: none; }
.articles li { padding: .75rem 0; border-bottom: 1px solid var(--line); }
.articles p { margin: .125rem 0 0; }
article { font-size: 1rem; line-height: 1.625rem; }
article h2 { font-size: 1.125rem; line-height: 1.5rem; }
article pre { padding: .75rem; overflow-x: auto; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }
article blockquote { margin: 1rem 0; padding-left: 1rem; border-left: 3px solid var(--line-strong); color: var(--text-2); }
article table { border-collapse: collapse; }
article :is(th, td) { padding: .375rem .75rem; border: 1px solid var(--line); text-align: left; }
#thanks { display: none; }
#thanks:target { display: block; padding: .625rem .75rem; background: var(--mark); border: 1px solid var(--mark-line); border-radius: 6px; }
#thanks:target + .vote { display: none; }
.vote { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin-top: 2rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }
`;
