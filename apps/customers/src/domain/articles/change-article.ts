import { ArticleState, type Article } from '@rapport/contracts/rapport/content/v1/article';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { changeRecord, readForChange, type RecordRequest } from '../../engine/write/write-record.js';
import { articles } from './articles.js';
import { renderMarkdown } from './render-markdown.js';

/** Changes an article by the fields that a function returns for it, whose row is locked. @throws AppError NOT_FOUND */
export async function changeArticle(
  transaction: StatementTransaction,
  { id, etag }: RecordRequest,
  fieldsOf: (before: Article) => Partial<Article> | Promise<Partial<Article>>,
): Promise<Article> {
  const { record, ...known } = await readForChange(transaction, articles, id);
  const before = await liveRecord(transaction, articles, id, record);
  const fields = await fieldsOf(before);
  const mask = Object.keys(fields);
  return changeRecord(transaction, articles, before, known, { changes: { ...before, ...fields }, mask, etag });
}

/** What publishing changes. @throws AppError INVALID_ARGUMENT ARTICLE_INVALID */
export async function published({ title, markdown, publishedVersion }: Article): Promise<Partial<Article>> {
  const { tenantId, principalId: publishedBy } = currentCaller();
  const html = await renderMarkdown(tenantId, markdown);
  return {
    state: ArticleState.PUBLISHED,
    published: { title, markdown, html, publishTime: new Date().toISOString(), publishedBy },
    publishedVersion: publishedVersion + 1,
  };
}

/** What reverting changes. @throws AppError FAILED_PRECONDITION ARTICLE_NOT_PUBLISHED */
export function reverted(article: Article): Partial<Article> {
  const { title, markdown } = publishedOf(article);
  return { title, markdown };
}

/** What archiving changes. @throws AppError FAILED_PRECONDITION ARTICLE_NOT_PUBLISHED */
export function archived(article: Article): Partial<Article> {
  publishedOf(article);
  return { state: ArticleState.ARCHIVED };
}

function publishedOf({ published: version, path }: Article): NonNullable<Article['published']> {
  if (version) return version;
  throw new AppError('FAILED_PRECONDITION', 'ARTICLE_NOT_PUBLISHED', `The article ${path} was never published.`);
}
