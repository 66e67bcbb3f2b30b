import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import type { Article } from '@rapport/contracts/rapport/content/v1/article';
import {
  ArticleActionsServiceService as Methods,
  type ArchiveArticleRequest,
  type ArticleActionsServiceServer,
  type PublishArticleRequest,
  type RevertArticleRequest,
  type SearchArticlesRequest,
  type SearchArticlesResponse,
  type ShareArticlesRequest,
  type ShareArticlesResponse,
  type ShowArticleRequest,
  type ShowKnowledgeBaseRequest,
  type SuggestArticlesRequest,
  type UnshareArticlesRequest,
  type VoteForArticleRequest,
} from '@rapport/contracts/rapport/content/v1/article_actions_service';
import { currentCaller } from '@rapport/platform';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { newLink, removeLinks } from '../links/public-links.js';
import { archived, changeArticle, published, reverted } from './change-article.js';
import { findArticles } from './find-articles.js';
import { showArticle, showKnowledgeBase, voteForArticle } from './knowledge-base.js';
import { suggestArticles } from './suggest-articles.js';

@Controller()
@ImplementsService(Methods)
export class ArticleActionsController implements ServiceHandlers<ArticleActionsServiceServer> {
  constructor(
    readonly em: EntityManager,
    readonly sealing: Sealing,
  ) {}

  publishArticle(request: PublishArticleRequest): Promise<Article> {
    return hotWriteCall(this.em, Methods.publishArticle, request, (each) => changeArticle(each, request, published));
  }

  revertArticle(request: RevertArticleRequest): Promise<Article> {
    return hotWriteCall(this.em, Methods.revertArticle, request, (each) => changeArticle(each, request, reverted));
  }

  archiveArticle(request: ArchiveArticleRequest): Promise<Article> {
    return hotWriteCall(this.em, Methods.archiveArticle, request, (each) => changeArticle(each, request, archived));
  }

  async searchArticles({ q, locale, audience, pageSize = 10 }: SearchArticlesRequest): Promise<SearchArticlesResponse> {
    return { articles: await findArticles(this.em, { q, locale, audience, limit: pageSize, needsAll: true }) };
  }

  async suggestArticles(request: SuggestArticlesRequest): Promise<SearchArticlesResponse> {
    return { articles: await suggestArticles(this.em, request) };
  }

  shareArticles(request: ShareArticlesRequest): Promise<ShareArticlesResponse> {
    const withoutKey = { ...request, requestId: undefined };
    return hotWriteCall(this.em, Methods.shareArticles, withoutKey, async (transaction) => {
      const { tenantId } = currentCaller();
      const link = newLink('KNOWLEDGE_BASE', tenantId);
      transaction.later(removeLinks('KNOWLEDGE_BASE', tenantId), link.store);
      return { path: `/kb/${link.token}` };
    });
  }

  unshareArticles(request: UnshareArticlesRequest): Promise<Empty> {
    const withoutKey = { ...request, requestId: undefined };
    return hotWriteCall(this.em, Methods.unshareArticles, withoutKey, async (transaction) => {
      transaction.later(removeLinks('KNOWLEDGE_BASE', currentCaller().tenantId));
      return {};
    });
  }

  showKnowledgeBase(request: ShowKnowledgeBaseRequest): Promise<HttpBody> {
    return showKnowledgeBase(this, request);
  }

  showArticle(request: ShowArticleRequest): Promise<HttpBody> {
    return showArticle(this, request);
  }

  voteForArticle(request: VoteForArticleRequest): Promise<HttpBody> {
    return voteForArticle(this, request);
  }
}
