import type { EntityManager } from '@mikro-orm/postgresql';
import { isStorableText } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { ArticleAudience, ArticleState, type Article } from '@rapport/contracts/rapport/content/v1/article';
import {
  ArticleActionsServiceService as Methods,
  type ShowArticleRequest,
  type ShowKnowledgeBaseRequest,
  type VoteForArticleRequest,
} from '@rapport/contracts/rapport/content/v1/article_actions_service';
import { readForTenant, type TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller, pageLanguage } from '@rapport/platform';
import type { StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { formReader, pageBody, redirection } from '../links/page-forms.js';
import { pageNotFound, throughLink, type LinkParts } from '../links/public-links.js';
import { articles } from './articles.js';
import { findArticles } from './find-articles.js';
import { articlePage, contentsPage, foundPage, type ListedArticle, type ListedSection } from './knowledge-pages.js';

/** Most articles of the contents, and of a search. */
const [maxListed, maxFound] = [500, 50];

/** Handles ShowKnowledgeBase. */
export function showKnowledgeBase(
  parts: LinkParts,
  { token, q = '', acceptLanguage }: ShowKnowledgeBaseRequest,
): Promise<HttpBody> {
  const site = { home: `/kb/${token}`, language: pageLanguage(acceptLanguage) };
  const words = isStorableText(q) ? q.trim() : '';
  return throughLink(parts, 'KNOWLEDGE_BASE', token, async () => {
    if (!/[\p{L}\p{N}]/u.test(words)) return pageBody(contentsPage(site, await contentsOf(parts.em)));
    const search = { q: words, audience: ArticleAudience.PUBLIC, limit: maxFound, needsAll: true };
    return pageBody(foundPage(site, words, await findArticles(parts.em, search)));
  });
}

/** Handles ShowArticle. */
export function showArticle(
  parts: LinkParts,
  { token, locale, slug, acceptLanguage }: ShowArticleRequest,
): Promise<HttpBody> {
  const site = { home: `/kb/${token}`, language: pageLanguage(acceptLanguage) };
  return throughLink(parts, 'KNOWLEDGE_BASE', token, async () =>
    pageBody(articlePage(site, await publicArticle(parts.em, `${locale}/${slug}`))),
  );
}

/** Handles VoteForArticle. @throws AppError INVALID_ARGUMENT for a form that did not come from a page of this service */
export function voteForArticle(
  parts: LinkParts,
  { token, locale, slug, form }: VoteForArticleRequest,
): Promise<HttpBody> {
  const answer = formReader(form)('helpful', 10);
  if (answer !== 'yes' && answer !== 'no')
    throw new AppError('INVALID_ARGUMENT', 'REQUEST_MALFORMED', 'The form has no answer.');
  return throughLink(parts, 'KNOWLEDGE_BASE', token, async ({ tenantId: tenant }) => {
    const { id, path } = await publicArticle(parts.em, `${locale}/${slug}`);
    // The token stays out of what the write knows of its request.
    const request = { token: '', locale, slug, acceptLanguage: undefined, form: undefined, requestId: undefined };
    return hotWriteCall(parts.em, Methods.voteForArticle, request, async (transaction) => {
      transaction.later(vote(id, answer === 'yes'));
      return redirection({ location: `/kb/${token}/${path}#thanks`, tenant });
    });
  });
}

/** Readers vote at any rate: the version stays, so that an editor's etag holds and the change log has no entry. */
function vote(id: string, isHelpful: boolean): TransactionStatement {
  return {
    name: 'vote_for_article',
    sql: `update article set helpful_votes = helpful_votes + $3, unhelpful_votes = unhelpful_votes + $4
      where tenant_id = $1 and id = $2`,
    values: [currentCaller().tenantId, id, isHelpful ? 1 : 0, isHelpful ? 0 : 1],
  };
}

/** @throws AppError NOT_FOUND PAGE_NOT_FOUND unless everyone can read the article */
async function publicArticle(em: EntityManager, path: string): Promise<Article> {
  const [row] = await readForTenant<{ id: string }>(em, {
    name: 'article_at_path',
    sql: `select article_id as id from article_text where tenant_id = $1 and path = $2 and audience = 'PUBLIC' limit 1`,
    values: [currentCaller().tenantId, path],
  });
  const stored = row && (await readForTenant<StoredRecord<Article>>(em, liveRecords(articles, [row.id])));
  const article = stored?.[0]?.record;
  const isPublic = article?.audience === ArticleAudience.PUBLIC && article.state === ArticleState.PUBLISHED;
  if (!article || !isPublic) throw pageNotFound();
  return article;
}

/** The sections that have articles, and what is in no section at the end. */
async function contentsOf(em: EntityManager): Promise<ListedSection[]> {
  const { tenantId } = currentCaller();
  const rows = await readForTenant<ListedArticle & { section_id: string | null }>(em, {
    name: 'public_articles',
    sql: `select text.path, text.title, text.excerpt, article.section_id from article_text as text
      join article on article.tenant_id = text.tenant_id and article.id = text.article_id
      where text.tenant_id = $1 and text.audience = 'PUBLIC' order by text.title, text.path limit ${maxListed}`,
    values: [tenantId],
  });
  const sections = await readForTenant<{ id: string; name: string; description: string | null }>(em, {
    name: 'sections_of_knowledge_base',
    sql: `select id, name, description from article_section where tenant_id = $1 and delete_time is null
      order by position, sort_name, id limit ${maxListed}`,
    values: [tenantId],
  });
  const known = new Set(sections.map(({ id }) => id));
  const others = rows.filter(({ section_id: id }) => id === null || !known.has(id));
  return [
    ...sections.map(({ id, name, description }) => ({
      name,
      description: description ?? undefined,
      articles: rows.filter((row) => row.section_id === id),
    })),
    { name: undefined, description: undefined, articles: others },
  ].filter((section) => section.articles.length > 0);
}
