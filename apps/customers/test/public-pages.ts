import { Metadata, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import { fromGrpcError } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { HttpHeader } from '@rapport/contracts/rapport/api/v1/http_header';
import { ArticleActionsServiceService } from '@rapport/contracts/rapport/content/v1/article_actions_service';
import { ConsentPagesServiceService } from '@rapport/contracts/rapport/marketing/v1/consent_pages_service';
import { FormPagesServiceService } from '@rapport/contracts/rapport/marketing/v1/form_pages_service';
import { SurveyPagesServiceService } from '@rapport/contracts/rapport/support/v1/survey_pages_service';
import { TrackingPagesServiceService } from '@rapport/contracts/rapport/marketing/v1/tracking_pages_service';
import { QuoteActionsServiceService } from '@rapport/contracts/rapport/sales/v1/quote_actions_service';
import { CalendarFeedsServiceService } from '@rapport/contracts/rapport/work/v1/calendar_feeds_service';
import { v7 } from 'uuid';
import type { SharedCustomers } from './running-customers.js';

const methods = {
  ...QuoteActionsServiceService,
  ...CalendarFeedsServiceService,
  ...ArticleActionsServiceService,
  ...SurveyPagesServiceService,
  ...ConsentPagesServiceService,
  ...FormPagesServiceService,
  ...TrackingPagesServiceService,
};

/** A page, and how the edge is to answer it. */
export interface Page {
  text: string;
  headers: ReadonlyMap<string, string>;
}

/** Asks for a public page like the edge, without a principal. */
export function readPage(service: SharedCustomers, name: keyof typeof methods, request: object): Promise<Page> {
  const { path, requestSerialize, responseDeserialize } = methods[name] as MethodDefinition<object, HttpBody>;
  const metadata = new Metadata();
  metadata.set('x-request-id', v7());
  return new Promise((resolve, reject) => {
    const settle = (error: ServiceError | null, body?: HttpBody) => {
      if (error || !body) return reject(error ? fromGrpcError(error) : new Error('There is no page.'));
      const headers = body.extensions.map(({ value }) => HttpHeader.decode(value));
      resolve({
        text: Buffer.from(body.data).toString(),
        headers: new Map(headers.map((each) => [each.name, each.value])),
      });
    };
    const call = { deadline: Date.now() + 20_000 };
    service.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, call, settle);
  });
}
