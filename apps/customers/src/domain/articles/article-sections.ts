import type { ArticleSection } from '@rapport/contracts/rapport/content/v1/article_section';
import { ArticleSectionsServiceService } from '@rapport/contracts/rapport/content/v1/article_sections_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Sections of the knowledge base. */
export const articleSections = defineRecord<ArticleSection>('rapport/ArticleSection', ArticleSectionsServiceService, {
  indexVersion: 1,
  alwaysSet: ['position'],
  detail: ({ slug }) => slug,
});

export const ArticleSectionsController = recordController(articleSections, ArticleSectionsServiceService);
