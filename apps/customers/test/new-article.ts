import { Article } from '@rapport/contracts/rapport/content/v1/article';
import { ArticleSection } from '@rapport/contracts/rapport/content/v1/article_section';

/** An article as a request has it. */
export function newArticle(given: Partial<Article> = {}): Article {
  const texts = { title: 'Reset your password', markdown: 'Open **Settings**, then choose *Password*.' };
  return { ...Article.decode(new Uint8Array()), slug: 'reset-your-password', locale: 'en', ...texts, ...given };
}

/** A section as a request has it. */
export function newSection(given: Partial<ArticleSection> = {}): ArticleSection {
  return { ...ArticleSection.decode(new Uint8Array()), slug: 'your-account', name: 'Your account', ...given };
}
