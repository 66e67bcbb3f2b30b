import type { EntityManager } from '@mikro-orm/postgresql';
import { ArticleAudience } from '@rapport/contracts/rapport/content/v1/article';
import type { FoundArticle } from '@rapport/contracts/rapport/content/v1/article_actions_service';
import { readForTenant } from '@rapport/persistence';
import { currentCaller, invalidField } from '@rapport/platform';
import { configurationOf, segmented } from './article-texts.js';

/** Who is among the readers of articles, by whom they are found for. */
const readable: Readonly<Record<string, readonly string[]>> = {
  PUBLIC: ['PUBLIC'],
  CUSTOMERS: ['PUBLIC', 'CUSTOMERS'],
  AGENTS: ['PUBLIC', 'CUSTOMERS', 'AGENTS'],
};

export interface ArticleSearch {
  q: string;
  locale?: string | undefined;
  audience: ArticleAudience;
  limit: number;
  /** Whether an article needs all of the words, or is the better, the more it has. */
  needsAll: boolean;
}

interface FoundRow {
  article_id: string;
  path: string;
  title: string;
  excerpt: string;
  audience: keyof typeof ArticleAudience;
}

/** Published articles with words, the best match first. @throws AppError INVALID_ARGUMENT QUERY_NOT_INDEXED */
export async function findArticles(
  em: EntityManager,
  { q, locale, audience, limit, needsAll }: ArticleSearch,
): Promise<FoundArticle[]> {
  if (!/[\p{L}\p{N}]/u.test(q)) throw invalidField('q', 'QUERY_NOT_INDEXED', 'must have a letter or a digit');
  const readers = readable[ArticleAudience[audience]] ?? readable['AGENTS'];
  const language = locale?.split('-')[0] ?? null;
  const words = needsAll
    ? `websearch_to_tsquery($4::text::regconfig, $5)`
    : anyOf(`plainto_tsquery($4::text::regconfig, $5)`);
  const rows = await readForTenant<FoundRow>(em, {
    name: needsAll ? 'search_articles' : 'suggest_articles',
    sql: `with sought as materialized (select ${words} || ${needsAll ? `websearch_to_tsquery('simple', $5)` : words} as query)
      select article_id, path, title, excerpt, audience from article_text, sought
      where tenant_id = $1 and audience = any ($2::text[])
        and ($3::text is null or locale = $3 or locale like $3 || '-%') and words @@ query
      order by ts_rank(words, query, 1) desc, path limit $6`,
    values: [currentCaller().tenantId, readers, language, configurationOf(locale ?? 'en'), segmented(q), limit],
  });
  return rows.map(({ article_id: id, path, title, excerpt, audience: reader }) => ({
    ...{ id, path, title, excerpt },
    audience: ArticleAudience[reader],
  }));
}

/** A query that any of the words of another one matches. */
function anyOf(query: string): string {
  return `replace(${query}::text, ''' & ''', ''' | ''')::tsquery`;
}
