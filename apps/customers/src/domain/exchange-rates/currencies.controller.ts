import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { ExchangeRate } from '@rapport/contracts/rapport/sales/v1/exchange_rate';
import {
  CurrenciesServiceService as Methods,
  type ConvertMoneyRequest,
  type ConvertMoneyResponse,
  type CurrenciesServiceServer,
  type DeleteExchangeRateRequest,
  type ImportReferenceRatesRequest,
  type ImportReferenceRatesResponse,
  type ListCurrenciesResponse,
  type SetExchangeRatesRequest,
  type SetExchangeRatesResponse,
} from '@rapport/contracts/rapport/sales/v1/currencies_service';
import { currencyCodes } from '@rapport/contracts/filters';
import { minorUnits } from '@rapport/money';
import { invalidArgument } from '@rapport/platform';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { BulkPace } from '../../engine/pace/bulk-pace.js';
import { convertMoney } from './convert-money.js';
import { referenceRates } from './reference-rates.js';
import { checkedRates, deleteRate, setRates, type SetRate } from './set-rates.js';

@Controller()
@ImplementsService(Methods)
export class CurrenciesController implements ServiceHandlers<CurrenciesServiceServer> {
  constructor(private readonly em: EntityManager) {}

  async listCurrencies(): Promise<ListCurrenciesResponse> {
    return { currencies: currencyCodes().map((code) => ({ code, minorUnits: minorUnits(code) })) };
  }

  convertMoney(request: ConvertMoneyRequest): Promise<ConvertMoneyResponse> {
    return convertMoney(this.em, request);
  }

  setExchangeRates(request: SetExchangeRatesRequest): Promise<SetExchangeRatesResponse> {
    const rates = checkedRates(request.batch?.rates ?? []);
    return hotWriteCall(this.em, Methods.setExchangeRates, request, async (transaction) => ({
      exchangeRates: (await setRates(transaction, rates)).map(({ record }) => record),
    }));
  }

  importReferenceRates(request: ImportReferenceRatesRequest): Promise<ImportReferenceRatesResponse> {
    const { file, since, currencies } = request;
    if (!file) throw invalidArgument([{ field: 'file', reason: 'REQUIRED', description: 'is required' }]);
    const rates = referenceRates(Buffer.from(file.data).toString(), { since, currencies });
    return BulkPace.of(this.em).keep(() =>
      hotWriteCall(this.em, Methods.importReferenceRates, request, async (transaction) =>
        reportOf(await setRates(transaction, rates, true)),
      ),
    );
  }

  deleteExchangeRate(request: DeleteExchangeRateRequest): Promise<ExchangeRate> {
    return hotWriteCall(this.em, Methods.deleteExchangeRate, request, (transaction) =>
      deleteRate(transaction, request),
    );
  }
}

function reportOf(results: readonly SetRate[]): ImportReferenceRatesResponse {
  const count = (outcome: SetRate['outcome']) => results.filter((each) => each.outcome === outcome).length;
  return {
    rates: results.length,
    created: count('CREATED'),
    replaced: count('REPLACED'),
    unchanged: count('UNCHANGED'),
    kept: count('KEPT'),
    lastDate: results.reduce<string | undefined>(
      (last, { record: { date } }) => (last === undefined || date > last ? date : last),
      undefined,
    ),
  };
}
