import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  ForecastsServiceService,
  type ComputeForecastRequest,
  type Forecast,
  type ForecastsServiceServer,
} from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import { computeForecast } from './compute-forecast.js';

@Controller()
@ImplementsService(ForecastsServiceService)
export class ForecastsController implements ServiceHandlers<ForecastsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  computeForecast(request: ComputeForecastRequest): Promise<Forecast> {
    return computeForecast(this.em, request);
  }
}
