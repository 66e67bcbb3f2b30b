import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Price } from '@rapport/contracts/rapport/sales/v1/price';
import {
  PricingServiceService as Methods,
  type DeletePriceRequest,
  type PricingServiceServer,
  type ResolvePriceRequest,
  type ResolvePriceResponse,
  type SetPricesRequest,
  type SetPricesResponse,
} from '@rapport/contracts/rapport/sales/v1/pricing_service';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { resolvePrice } from './resolve-price.js';
import { deletePrice, setPrices } from './set-prices.js';

@Controller()
@ImplementsService(Methods)
export class PricingController implements ServiceHandlers<PricingServiceServer> {
  constructor(private readonly em: EntityManager) {}

  setPrices(request: SetPricesRequest): Promise<SetPricesResponse> {
    return hotWriteCall(this.em, Methods.setPrices, request, async (transaction) => ({
      prices: await setPrices(transaction, request),
    }));
  }

  deletePrice(request: DeletePriceRequest): Promise<Price> {
    return hotWriteCall(this.em, Methods.deletePrice, request, (transaction) => deletePrice(transaction, request));
  }

  resolvePrice(request: ResolvePriceRequest): Promise<ResolvePriceResponse> {
    return resolvePrice(this.em, request);
  }
}
