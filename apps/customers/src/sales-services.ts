import type { ServiceDefinition } from '@grpc/grpc-js';
import type { Type } from '@nestjs/common';
import { DealCopiesServiceService } from '@rapport/contracts/rapport/sales/v1/deal_copies_service';
import { DealMergesServiceService } from '@rapport/contracts/rapport/sales/v1/deal_merges_service';
import { DealMovesServiceService } from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import { DealValuesServiceService } from '@rapport/contracts/rapport/sales/v1/deal_values_service';
import { DealsServiceService } from '@rapport/contracts/rapport/sales/v1/deals_service';
import { LeadWorkServiceService } from '@rapport/contracts/rapport/sales/v1/lead_work_service';
import { LeadsServiceService } from '@rapport/contracts/rapport/sales/v1/leads_service';
import { ForecastSubmissionsServiceService } from '@rapport/contracts/rapport/sales/v1/forecast_submissions_service';
import { PipelineReportsServiceService } from '@rapport/contracts/rapport/sales/v1/pipeline_reports_service';
import { ForecastSnapshotsServiceService } from '@rapport/contracts/rapport/sales/v1/forecast_snapshots_service';
import { ForecastsServiceService } from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import { QuotasServiceService } from '@rapport/contracts/rapport/sales/v1/quotas_service';
import { ExchangeRatesServiceService } from '@rapport/contracts/rapport/sales/v1/exchange_rates_service';
import { CurrenciesServiceService } from '@rapport/contracts/rapport/sales/v1/currencies_service';
import { PipelinesServiceService } from '@rapport/contracts/rapport/sales/v1/pipelines_service';
import { QuoteActionsServiceService } from '@rapport/contracts/rapport/sales/v1/quote_actions_service';
import { QuotesServiceService } from '@rapport/contracts/rapport/sales/v1/quotes_service';
import { PriceBooksServiceService } from '@rapport/contracts/rapport/sales/v1/price_books_service';
import { PricesServiceService } from '@rapport/contracts/rapport/sales/v1/prices_service';
import { PricingServiceService } from '@rapport/contracts/rapport/sales/v1/pricing_service';
import { ProductsServiceService } from '@rapport/contracts/rapport/sales/v1/products_service';
import { StageEntriesServiceService } from '@rapport/contracts/rapport/sales/v1/stage_entries_service';
import { DealCopiesController } from './domain/deals/deal-copies.controller.js';
import { DealMergesController } from './domain/deals/merges/deal-merges.controller.js';
import { DealMovesController } from './domain/deals/deal-moves.controller.js';
import { DealValuesController } from './domain/deals/deal-values.controller.js';
import { DealsController } from './domain/deals/deals.js';
import { StageEntriesController } from './domain/deals/stage-entries.js';
import { LeadWorkController } from './domain/leads/lead-work.controller.js';
import { LeadsController } from './domain/leads/leads.js';
import { ExchangeRatesController } from './domain/exchange-rates/exchange-rates.js';
import { PriceBooksController, PricesController } from './domain/products/price-books.js';
import { PricingController } from './domain/products/pricing.controller.js';
import { ProductsController } from './domain/products/products.js';
import { CurrenciesController } from './domain/exchange-rates/currencies.controller.js';
import { PipelinesController } from './domain/pipelines/pipelines.js';
import { ForecastSubmissionsController } from './domain/forecasts/submissions.js';
import { PipelineReportsController } from './domain/forecasts/pipeline-report.js';
import { ForecastSnapshotsController } from './domain/forecasts/snapshots/snapshots.controller.js';
import { ForecastsController } from './domain/forecasts/forecasts.controller.js';
import { QuotasController } from './domain/forecasts/quotas.js';
import { QuoteActionsController } from './domain/quotes/quote-actions.controller.js';
import { QuotesController } from './domain/quotes/quotes.js';

/** The services of deals, leads, quotes, prices and forecasts. */
export const salesServices: readonly ServiceDefinition[] = [
  PipelinesServiceService,
  DealsServiceService,
  DealMovesServiceService,
  DealCopiesServiceService,
  DealMergesServiceService,
  StageEntriesServiceService,
  LeadsServiceService,
  LeadWorkServiceService,
  QuotasServiceService,
  ForecastsServiceService,
  QuotesServiceService,
  QuoteActionsServiceService,
  ForecastSnapshotsServiceService,
  PipelineReportsServiceService,
  ForecastSubmissionsServiceService,
  ExchangeRatesServiceService,
  CurrenciesServiceService,
  ProductsServiceService,
  PriceBooksServiceService,
  PricesServiceService,
  PricingServiceService,
  DealValuesServiceService,
];

/** Their controllers, whose handlers all respect record owners. */
export const salesControllers: readonly Type[] = [
  PipelinesController,
  DealsController,
  DealMovesController,
  DealCopiesController,
  DealMergesController,
  StageEntriesController,
  LeadsController,
  LeadWorkController,
  QuotasController,
  ForecastsController,
  QuotesController,
  QuoteActionsController,
  ForecastSnapshotsController,
  PipelineReportsController,
  ForecastSubmissionsController,
  ExchangeRatesController,
  CurrenciesController,
  ProductsController,
  PriceBooksController,
  PricesController,
  PricingController,
  DealValuesController,
];
