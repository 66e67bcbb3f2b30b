import { ArticleAudience, ArticleState, type Article } from '@rapport/contracts/rapport/content/v1/article';
import type { TransactionStatement } from '@rapport/persistence';
import { currentCaller, cutText } from '@rapport/platform';
import { configurationOf, pairs, segmented } from './article-words.js';

/** Most characters of a text that is found. */
const maxFound = 50_000;
const excerptLength = 200;

/** The statements that keep what is found of articles as they are published. */
export function textStatements(changed: readonly Article[]): TransactionStatement[] {
  const { tenantId } = currentCaller();
  return changed.map((article) => {
    const { id, published, state, deleteTime } = article;
    const isReadable = state === ArticleState.PUBLISHED && deleteTime === undefined;
    if (!published || !isReadable)
      return {
        name: 'remove_article_text',
        sql: 'delete from article_text where tenant_id = $1 and article_id = $2',
        values: [tenantId, id],
      };
    const text = cutText(textOf(published.html), maxFound);
    return {
      name: 'write_article_text',
      sql: `insert into article_text (tenant_id, article_id, locale, audience, path, title, excerpt, words)
        values ($1, $2, $3, $4, $5, $6, $7,
          ts_delete(${vector('$8', '$11', 'A')} || ${gap} || ${vector('$9', '$12', 'B')}, '${border}'))
        on conflict (tenant_id, article_id) do update set locale = excluded.locale, audience = excluded.audience,
          path = excluded.path, title = excluded.title, excerpt = excluded.excerpt, words = excluded.words`,
      values: [
        ...[tenantId, id, article.locale, ArticleAudience[article.audience], article.path, published.title],
        ...[excerptOf(text), segmented(published.title), segmented(text), configurationOf(article.locale)],
        ...[pairs(published.title), pairs(text)],
      ],
    };
  });
}

/** A word that no text has. It is removed once the vectors are joined: the positions that it has taken stay free. */
const border = '␟';

/** Keeps phrases from matching the end of one vector and the start of the next one, over omitted words too. */
const gap = `'${border}:100'::tsvector`;

/** Words as they are written, and in the forms of their language, and pairs of letters. */
function vector(text: string, paired: string, weight: 'A' | 'B'): string {
  const words = `to_tsvector('simple', ${text}) || ${gap} || to_tsvector($10::text::regconfig, ${text})`;
  return `setweight(${words} || ${gap} || to_tsvector('simple', ${paired}), '${weight}')`;
}

/** The text of HTML that was rendered from Markdown. Marks within a word or before a comma divide nothing. */
function textOf(rendered: string): string {
  return rendered
    .replaceAll(/<\/?(?:a|code|del|em|strong)(?: [^<>]*)?>/g, '')
    .replaceAll(/<[^<>]*>/g, ' ')
    .replaceAll(/&(?:#39|#34|quot|lt|gt|amp);/g, (entity) => entities[entity] ?? ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

const entities: Readonly<Record<string, string>> = {
  ...{ '&#39;': "'", '&#34;': '"', '&quot;': '"' },
  ...{ '&lt;': '<', '&gt;': '>', '&amp;': '&' },
};

function excerptOf(text: string): string {
  const cut = cutText(text, excerptLength);
  if (cut === text) return text;
  const lastSpace = cut.lastIndexOf(' ');
  return `${lastSpace < excerptLength / 2 ? cutText(cut, excerptLength / 2) : cut.slice(0, lastSpace)} …`;
}
