import { ArticleAudience, ArticleState, type Article } from '@rapport/contracts/rapport/content/v1/article';
import { ArticlesServiceService } from '@rapport/contracts/rapport/content/v1/articles_service';
import { canonicalLocale, type FieldViolation } from '@rapport/platform';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';
import { textStatements } from './article-texts.js';

const normalise = normaliserOf<Article>(recordContract('rapport/Article'));

/** Articles of the knowledge base. Writes change their drafts. */
export const articles = defineRecord<Article>('rapport/Article', ArticlesServiceService, {
  indexVersion: 1,
  alwaysSet: [
    ...['path', 'audience', 'state', 'published_version', 'changed_since_publish'],
    ...['helpful_votes', 'unhelpful_votes'],
  ],
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    const audience = record.audience === ArticleAudience.UNSPECIFIED ? ArticleAudience.AGENTS : record.audience;
    const locale = canonicalLocale(record.locale) ?? record.locale;
    const path = `${locale}/${record.slug}`;
    return { record: { ...record, audience, locale, path }, violations: [...violations, ...localeViolations(locale)] };
  },
  stamp: ({ after }) => ({
    state: after.state === ArticleState.UNSPECIFIED ? ArticleState.DRAFT : after.state,
    changedSincePublish: differs(after),
  }),
  also: (changes) => textStatements(changes.map(({ after }) => after)),
  restored: textStatements,
  detail: ({ path }) => path,
});

export const ArticlesController = recordController(articles, ArticlesServiceService);

function localeViolations(locale: string): FieldViolation[] {
  if (locale === '' || canonicalLocale(locale) !== undefined) return [];
  const description = 'must be a BCP 47 tag of a known language, such as de-DE';
  return [{ field: 'locale', reason: 'LOCALE_UNKNOWN', description }];
}

function differs({ title, markdown, published }: Article): boolean {
  return title !== published?.title || markdown !== published.markdown;
}
