import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import {
  QuoteActionsServiceService as Methods,
  type AcceptQuoteRequest,
  type AnswerQuotePageRequest,
  type ApproveQuoteRequest,
  type DeclineQuoteRequest,
  type ExportQuoteUblRequest,
  type QuoteActionsServiceServer,
  type RejectQuoteRequest,
  type RenderQuoteRequest,
  type ReviseQuoteRequest,
  type SendQuoteRequest,
  type SendQuoteResponse,
  type ShowQuotePageRequest,
  type SubmitQuoteRequest,
} from '@rapport/contracts/rapport/sales/v1/quote_actions_service';
import { allows, currentCaller, invalidField, permissionMissing } from '@rapport/platform';
import { FileStore } from '../../engine/files/file-store.js';
import { permissionOf } from '../../engine/fields/record-names.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { deals } from '../deals/deals.js';
import { acceptQuote } from './accept-quote.js';
import { answerQuotePage, showQuotePage } from './answer-quote-page.js';
import { approveQuote, declineQuote, rejectQuote, reviseQuote, sendQuote, submitQuote } from './change-quote.js';
import { exportQuoteUbl, renderQuote } from './render-quote.js';

@Controller()
@ImplementsService(Methods)
export class QuoteActionsController implements ServiceHandlers<QuoteActionsServiceServer> {
  constructor(
    readonly em: EntityManager,
    readonly sealing: Sealing,
    private readonly store: FileStore,
  ) {}

  submitQuote(request: SubmitQuoteRequest): Promise<Quote> {
    return hotWriteCall(this.em, Methods.submitQuote, request, (each) => submitQuote(each, request));
  }

  approveQuote(request: ApproveQuoteRequest): Promise<Quote> {
    return hotWriteCall(this.em, Methods.approveQuote, request, (each) => approveQuote(each, request));
  }

  rejectQuote(request: RejectQuoteRequest): Promise<Quote> {
    return hotWriteCall(this.em, Methods.rejectQuote, request, (each) => rejectQuote(each, request));
  }

  sendQuote(request: SendQuoteRequest): Promise<SendQuoteResponse> {
    return hotWriteCall(this.em, Methods.sendQuote, { ...request, requestId: undefined }, (each) =>
      sendQuote(each, request),
    );
  }

  reviseQuote(request: ReviseQuoteRequest): Promise<Quote> {
    return hotWriteCall(this.em, Methods.reviseQuote, request, (each) => reviseQuote(each, request));
  }

  acceptQuote(request: AcceptQuoteRequest): Promise<Quote> {
    // It wins the deal.
    const needed = permissionOf(deals, 'write');
    if (!allows(currentCaller().permissions, needed)) throw permissionMissing(needed);
    const { id, etag, answer } = request;
    const name = answer?.name.trim() ?? '';
    if (name === '') throw invalidField('answer.name', 'REQUIRED', 'must not be blank');
    const acceptance = { id, etag, name, language: 'en' as const };
    return hotWriteCall(this.em, Methods.acceptQuote, request, (each) => acceptQuote(each, acceptance));
  }

  declineQuote(request: DeclineQuoteRequest): Promise<Quote> {
    return hotWriteCall(this.em, Methods.declineQuote, request, (each) => declineQuote(each, request));
  }

  renderQuote(request: RenderQuoteRequest): AsyncIterable<HttpBody> {
    return renderQuote(this.em, this.store, request);
  }

  exportQuoteUbl(request: ExportQuoteUblRequest): AsyncIterable<HttpBody> {
    return exportQuoteUbl(this.em, request);
  }

  showQuotePage(request: ShowQuotePageRequest): Promise<HttpBody> {
    return showQuotePage(this, request);
  }

  answerQuotePage(request: AnswerQuotePageRequest): Promise<HttpBody> {
    return answerQuotePage(this, request);
  }
}
