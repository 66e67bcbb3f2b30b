import { LineItem, TaxCategory, TaxMode } from '@rapport/contracts/rapport/sales/v1/line_item';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { StageKind } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { QuoteActionsServiceService } from '@rapport/contracts/rapport/sales/v1/quote_actions_service';
import { readPage, type Page } from './public-pages.js';
import { SalesTenant, stage } from './sales-tenant.js';

const blankLine = LineItem.decode(new Uint8Array());

/** Two lines: 10 × 99.95 with 20 % off, taxed with 19 %, and a return of 50 without tax. Gross 801.60 × 1.19 − 50. */
export const lines: LineItem[] = [
  {
    ...blankLine,
    description: 'Seat, one year',
    quantity: '10',
    unitPrice: '99.95',
    discount: { percent: '20', amount: undefined },
    tax: { mode: TaxMode.EXCLUSIVE, category: TaxCategory.STANDARD, rate: '19' },
  },
  { ...blankLine, description: 'Credit', quantity: '-1', unitPrice: '50' },
];

/** A tenant of its own with a deal, its quotes, and the pages of these. */
export class QuotesTenant extends SalesTenant {
  /** A deal whose pipeline lets it be won. @param guarded fields that the stage requires */
  async newDeal(guarded: string[] = [], given: Partial<Deal> = {}): Promise<Deal> {
    const stages = [
      stage('new', StageKind.OPEN),
      stage('won', StageKind.WON, guarded),
      stage('lost', StageKind.LOST, ['lostReason']),
    ];
    return this.createDeal(await this.createPipeline({ stages }), given);
  }

  createQuote({ id: dealId }: Pick<Deal, 'id'>, given: Partial<Quote> = {}): Promise<Quote> {
    const content = { title: '10 seats', currency: 'EUR', lineItems: lines };
    return this.service.call(
      'createQuote',
      { quote: { ...Quote.decode(new Uint8Array()), ...content, dealId, ...given } },
      this.caller,
    );
  }

  updateQuote(id: string, changes: Partial<Quote>): Promise<Quote> {
    const quote = { ...Quote.decode(new Uint8Array()), ...changes };
    return this.service.call('updateQuote', { id, quote, updateMask: Object.keys(changes) }, this.caller);
  }

  quote(id: string): Promise<Quote> {
    return this.service.call('getQuote', { id }, this.caller);
  }

  deal(id: string): Promise<Deal> {
    return this.service.call('getDeal', { id }, this.caller);
  }

  /** Sends a quote. @returns the token of its link */
  async send(id: string): Promise<string> {
    const { path } = await this.service.call('sendQuote', { id }, this.caller);
    return path.slice('/q/'.length);
  }

  async sentQuote(deal: Pick<Deal, 'id'>, given: Partial<Quote> = {}): Promise<{ quote: Quote; token: string }> {
    const { id } = await this.createQuote(deal, given);
    const token = await this.send(id);
    return { quote: await this.quote(id), token };
  }

  show(token: string, acceptLanguage = 'en'): Promise<Page> {
    return readPage(this.service, 'showQuotePage', { token, acceptLanguage });
  }

  /** Posts the form of a page. */
  answer(token: string, values: Record<string, string>, acceptLanguage = 'en'): Promise<Page> {
    const data = Buffer.from(new URLSearchParams(values).toString());
    const form = { contentType: 'application/x-www-form-urlencoded', data, extensions: [] };
    return readPage(this.service, 'answerQuotePage', { token, acceptLanguage, form });
  }

  /** The bytes of a rendered quote. */
  render(id: string, language?: string): Promise<string> {
    return this.#stream(QuoteActionsServiceService.renderQuote.path, { id, language });
  }

  /** The quotation of UBL. */
  exportUbl(id: string): Promise<string> {
    return this.#stream(QuoteActionsServiceService.exportQuoteUbl.path, { id });
  }

  async #stream(path: string, request: object): Promise<string> {
    const options = { context: this.service.outgoing(this.caller), deadlineMs: 10_000 };
    const pieces: Buffer[] = [];
    for await (const piece of this.service.streams.stream(path, request, options))
      pieces.push(Buffer.from((piece as HttpBody).data));
    return Buffer.concat(pieces).toString();
  }
}
