import type { EntityManager } from '@mikro-orm/postgresql';
import { ArticleAudience } from '@rapport/contracts/rapport/content/v1/article';
import type { FoundArticle } from '@rapport/contracts/rapport/content/v1/article_actions_service';
import { readForTenant } from '@rapport/persistence';
import { currentCaller, invalidField } from '@rapport/platform';
import { languageConfigurations, languages, soughtTexts } from './article-words.js';

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
  const { words, pairs } = soughtTexts(q);
  const rows = await readForTenant<FoundRow>(em, {
    name: needsAll ? 'search_articles' : 'suggest_articles',
    // The words are sought in the forms of the language of each article.
    sql: `with readable as materialized (
        select *, split_part(locale, '-', 1) as language from article_text
        where tenant_id = $1 and audience = any ($2::text[]) and ($3::text is null or locale = $3 or locale like $3 || '-%')
      ), sought as materialized (
        select language, ${needsAll ? allOf : anyOf} as query from (select distinct language from readable) met
        left join unnest($4::text[], $5::text[]) as known (language, configuration) using (language)
      )
      select article_id, path, title, excerpt, audience from readable join sought using (language) where words @@ query
      order by ts_rank(words, query, 1) desc, path limit $6`,
    values: [
      ...[currentCaller().tenantId, readers, language, languages, languageConfigurations, limit],
      ...[words, ...(needsAll ? [pairs] : [])],
    ],
  });
  return rows.map(({ article_id: id, path, title, excerpt, audience: reader }) => ({
    ...{ id, path, title, excerpt },
    audience: ArticleAudience[reader],
  }));
}

/** Texts with all of the words, or with all pairs of letters. */
const allOf = `websearch_to_tsquery(coalesce(configuration, 'simple')::regconfig, $7)
  || websearch_to_tsquery('simple', $7) || coalesce(websearch_to_tsquery('simple', $8), '')`;

/** Texts with any of the words. */
const anyOf = `${anyWord(`coalesce(configuration, 'simple')::regconfig`)} || ${anyWord(`'simple'`)}`;

function anyWord(configuration: string): string {
  return `replace(plainto_tsquery(${configuration}, $7)::text, ''' & ''', ''' | ''')::tsquery`;
}
