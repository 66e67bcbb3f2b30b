import type { EntityManager } from '@mikro-orm/postgresql';
import { ArticleAudience } from '@rapport/contracts/rapport/content/v1/article';
import type { FoundArticle } from '@rapport/contracts/rapport/content/v1/article_actions_service';
import { readForTenant, type Statement } from '@rapport/persistence';
import { currentCaller, invalidField } from '@rapport/platform';
import { byCondition, type PlannerSettings } from '../../engine/query/list/planner-settings.js';
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
  const { words, pairs } = soughtTexts(q);
  const statement = articleStatement({
    ...{ tenantId: currentCaller().tenantId, readers, limit, needsAll, words, pairs },
    language: locale?.split('-')[0] ?? null,
  });
  const rows = await readForTenant<FoundRow>(em, statement, byWords);
  return rows.map(({ article_id: id, path, title, excerpt, audience: reader }) => ({
    ...{ id, path, title, excerpt },
    audience: ArticleAudience[reader],
  }));
}

/** By the words of each locale: never all articles of a tenant. */
export const byWords: PlannerSettings = {
  ...byCondition,
  // The locales are read along their index, and the words of each by theirs.
  ...{ enable_sort: 'off', enable_hashjoin: 'off', enable_mergejoin: 'off' },
};

interface Sought {
  tenantId: string;
  readers: readonly string[] | undefined;
  language: string | null;
  /** For `websearch_to_tsquery`, see `soughtTexts`. */
  words: string;
  pairs: string | null;
  limit: number;
  needsAll: boolean;
}

/** Reads the best matches. The words are sought in the forms of the language of each article, by one look into the index for each locale. */
export function articleStatement({ tenantId, readers, language, words, pairs, limit, needsAll }: Sought): Statement {
  return {
    name: needsAll ? 'search_articles' : 'suggest_articles',
    sql: `with recursive used (locale) as (
        (select locale from article_text where tenant_id = $1 order by locale limit 1)
        union all
        select (select later.locale from article_text later where later.tenant_id = $1 and later.locale > used.locale
          order by later.locale limit 1)
        from used where used.locale is not null
      ), sought as materialized (
        select locale, ${needsAll ? allOf : anyOf} as query
        from used left join unnest($4::text[], $5::text[]) as known (language, configuration)
          on known.language = split_part(locale, '-', 1)
        where locale is not null and ($3::text is null or locale = $3 or locale like $3 || '-%')
      )
      select found.* from sought cross join lateral (
        -- Joined to nothing, so that the planner can't begin with all articles.
        select article_id, path, title, excerpt, audience, ts_rank(words, query, 1) as rank from article_text
        where tenant_id = $1 and words @@ query and article_text.locale = sought.locale and audience = any ($2::text[]) offset 0
      ) found order by rank desc, path limit $6`,
    values: [
      ...[tenantId, readers, language, languages, languageConfigurations, limit],
      ...[words, ...(needsAll ? [pairs] : [])],
    ],
  };
}

/** Texts with all of the words, or with all pairs of letters. */
const allOf = `websearch_to_tsquery(coalesce(configuration, 'simple')::regconfig, $7)
  || websearch_to_tsquery('simple', $7) || coalesce(websearch_to_tsquery('simple', $8), '')`;

/** Texts with any of the words. */
const anyOf = `${anyWord(`coalesce(configuration, 'simple')::regconfig`)} || ${anyWord(`'simple'`)}`;

function anyWord(configuration: string): string {
  return `replace(plainto_tsquery(${configuration}, $7)::text, ''' & ''', ''' | ''')::tsquery`;
}
