import type { ForecastGrouping } from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import { type ComputeForecastRequest } from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { StageKind, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { Quota } from '@rapport/contracts/rapport/sales/v1/quota';
import { Settings } from '@rapport/contracts/rapport/work/v1/settings_service';
import { AppError, type Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import type { SeedRandom } from '../seed/seed-random.ts';
import { person, type RunningCustomers } from './running-customers.js';
import { deal, SalesTenant, stage } from './sales-tenant.js';

const year = new Date().getUTCFullYear();
const currencies = ['EUR', 'USD', 'JPY', 'KWD'] as const;
const places = { EUR: 2, USD: 2, JPY: 0, KWD: 3 };
/** The days of rates, of which the last one is after all forecasts. */
const rateDays = [-500, -90, -2, -1, 0, 3].map((days) =>
  new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10),
);
const zones = ['UTC', 'Pacific/Auckland', 'America/Los_Angeles', 'Asia/Kathmandu'];
const stages = ['new', 'proposal', 'won', 'lost'];

/** Random writes of a tenant that change its forecasts, one after the other, and random forecasts. */
export class ForecastHistory {
  readonly #deals: string[] = [];
  readonly #deleted: string[] = [];
  readonly #quotas: string[] = [];
  #snapshots = 0;
  readonly #owners: readonly string[];
  readonly #teams: readonly string[];

  private constructor(
    private readonly sales: SalesTenant,
    private readonly random: SeedRandom,
    private readonly pipelines: readonly Pipeline[],
    private readonly customers: string[],
  ) {
    [this.#owners, this.#teams] = [ids(3), ids(2)];
  }

  static async create(service: RunningCustomers, random: SeedRandom): Promise<ForecastHistory> {
    const sales = new SalesTenant(service);
    const made = [30, 70].map((probability) =>
      sales.createPipeline({
        stages: [
          { ...stage('new', StageKind.OPEN), probability, forecastCategory: 3 },
          { ...stage('proposal', StageKind.OPEN) },
          ...[stage('won', StageKind.WON), stage('lost', StageKind.LOST)],
        ],
      }),
    );
    const people = Array.from({ length: 6 }, async () => (await service.create(sales.caller, person())).id);
    return new ForecastHistory(sales, random, await Promise.all(made), await Promise.all(people));
  }

  /** One random write. @returns what it was, and its outcome */
  async step(): Promise<string> {
    const steps = {
      create: () => this.#createDeal(),
      update: () => this.#update(),
      batch: () => this.#batch(),
      move: () => this.#call('moveDeal', { id: this.#deal(), move: { ...this.#place() } }),
      remove: () => this.#remove(),
      restore: () => this.#restore(),
      quota: () => this.#quota(),
      configure: () => this.#configure(),
      rate: () => this.#rate(),
      erase: () => this.#erase(),
    };
    const often = ['create', 'update', 'update', 'update', 'batch', 'move', 'quota', 'rate'] as const;
    const names = Object.keys(steps) as (keyof typeof steps)[];
    const name = this.#deals.length < 8 ? 'create' : this.random.pick(this.random.chance(0.6) ? often : names);
    try {
      await steps[name]();
      return name;
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'INTERNAL' || error.code === 'UNAVAILABLE') throw error;
      return `${name} ${error.reason}`;
    }
  }

  /** A random forecast, and a caller who sees all, some or few records. */
  question(): { request: Partial<ComputeForecastRequest>; caller: Caller } {
    const { random } = this;
    const some = <Item>(items: readonly Item[]) => (random.chance(0.2) ? random.pick(items) : undefined);
    const request = {
      period: this.#period(),
      groupBy: random.below(6) as ForecastGrouping,
      pipelineId: some(this.pipelines)?.id,
      ownerId: some(this.#owners),
      ownerTeamId: some(this.#teams),
      currency: some(currencies),
    };
    const principalId = `user:${random.pick(this.#owners)}`;
    const caller: Caller = random.pick([
      this.sales.caller,
      { ...this.sales.caller, principalId, recordScope: 'OWN' },
      { ...this.sales.caller, principalId, recordScope: 'TEAM', teamIds: [random.pick(this.#teams)] },
    ]);
    return { request, caller };
  }

  /** Takes a snapshot, of as many as a day has. @returns its time */
  async snapshot(): Promise<string | undefined> {
    if (this.#snapshots >= 20) return undefined;
    this.#snapshots += 1;
    return (await this.#call('createForecastSnapshot', {})).time;
  }

  /** All of what a forecast can depend on. */
  async content(): Promise<object> {
    const { deals } = await this.#call('listDeals', { pageSize: 200 });
    const { quotas } = await this.#call('listQuotas', { pageSize: 200 });
    const { exchangeRates } = await this.#call('listExchangeRates', { pageSize: 200 });
    return { deals, quotas, exchangeRates, settings: await this.#call('getSettings', {}) };
  }

  get #call() {
    const { service, caller } = this.sales;
    return <Name extends Parameters<typeof service.call>[0]>(name: Name, request: object) =>
      service.call(name, request, caller);
  }

  async #createDeal(): Promise<void> {
    if (this.#deals.length >= 150) return;
    const content = deal({ title: 'A deal', stage: 'new', ...this.#content() });
    this.#deals.push((await this.#call('createDeal', { deal: content })).id);
  }

  async #update(): Promise<void> {
    await this.sales.updateDeal(this.#deal(), this.#someContent());
  }

  async #batch(): Promise<void> {
    const items = [...new Set([this.#deal(), this.#deal(), this.#deal()])].map((id) => {
      const changes = this.#someContent();
      return { id, deal: deal(changes), updateMask: Object.keys(changes), etag: undefined };
    });
    await this.#call('batchUpdateDeals', { batch: { items, mode: 1 } });
  }

  async #remove(): Promise<void> {
    const id = this.#deal();
    await this.#call('deleteDeal', { id });
    this.#deals.splice(this.#deals.indexOf(id), 1);
    this.#deleted.push(id);
  }

  async #restore(): Promise<void> {
    const id = this.#deleted.pop();
    if (id === undefined) return;
    await this.#call('undeleteDeal', { id });
    this.#deals.push(id);
  }

  async #erase(): Promise<void> {
    const id = this.random.pick(this.customers);
    const { id: next } = await this.sales.service.create(this.sales.caller, person());
    this.customers.splice(this.customers.indexOf(id), 1, next);
    await this.#call('eraseCustomer', { id, erasure: { reason: 'asked for' } });
  }

  async #quota(): Promise<void> {
    const { random } = this;
    const id = this.#quotas.length > 0 && random.chance(0.5) ? random.pick(this.#quotas) : undefined;
    if (id !== undefined && random.chance(0.3)) {
      await this.#call('deleteQuota', { id });
      this.#quotas.splice(this.#quotas.indexOf(id), 1);
    } else if (id === undefined) {
      const owner = random.below(3);
      const quota: Quota = {
        ...Quota.decode(new Uint8Array()),
        ...{ period: this.#period(), amount: this.#amount(), category: random.pick([0, 0, 2, 4]) },
        ...{ ownerId: owner === 1 ? random.pick(this.#owners) : undefined },
        ...{ ownerTeamId: owner === 2 ? random.pick(this.#teams) : undefined },
      };
      this.#quotas.push((await this.#call('createQuota', { quota })).id);
    } else {
      const quota = { ...Quota.decode(new Uint8Array()), amount: this.#amount(), period: this.#period() };
      await this.#call('updateQuota', { id, quota, updateMask: random.pick([['amount'], ['period']]) });
    }
  }

  async #rate(): Promise<void> {
    const { random } = this;
    const { exchangeRates } = await this.#call('listExchangeRates', { pageSize: 200 });
    if (exchangeRates.length > 10 && random.chance(0.3)) {
      await this.#call('deleteExchangeRate', { id: random.pick(exchangeRates).id });
      return;
    }
    const baseCurrency = random.pick(currencies);
    const quoteCurrency = random.pick(currencies.filter((code) => code !== baseCurrency));
    const rate = `${random.below(200)}.${String(1 + random.below(999_999)).padStart(6, '0')}`;
    const set = { baseCurrency, quoteCurrency, date: random.pick(rateDays), rate, source: 0 };
    await this.#call('setExchangeRates', { batch: { rates: [set] } });
  }

  async #configure(): Promise<void> {
    const { random } = this;
    if (random.chance(0.2)) {
      const settings = { ...Settings.decode(new Uint8Array()), baseCurrency: random.pick(currencies) };
      await this.#call('updateSettings', { settings, updateMask: ['baseCurrency'] });
    } else if (random.chance(0.5)) {
      const values = { timeZone: random.pick(zones), fiscalYearStartMonth: 1 + random.below(12) };
      const settings = { ...Settings.decode(new Uint8Array()), ...values };
      await this.#call('updateSettings', { settings, updateMask: Object.keys(values) });
    } else {
      await this.#configurePipeline();
    }
  }

  async #configurePipeline(): Promise<void> {
    const { random } = this;
    const pipeline = random.pick(this.pipelines);
    const changed = pipeline.stages.map((each) =>
      each.kind === StageKind.OPEN
        ? { ...each, probability: random.below(101), forecastCategory: random.below(5) }
        : each,
    );
    const request = { id: pipeline.id, pipeline: { ...pipeline, stages: changed }, updateMask: ['stages'] };
    await this.#call('updatePipeline', request);
  }

  #deal(): string {
    return this.random.pick(this.#deals);
  }

  #place() {
    const { id: pipelineId } = this.random.pick(this.pipelines);
    return { pipelineId, stage: this.random.pick(stages) };
  }

  #someContent(): Partial<Deal> {
    const fields = Object.entries(this.#content()).filter(() => this.random.chance(0.4));
    return Object.fromEntries(fields.length > 0 ? fields : [['title', v7()]]);
  }

  #content(): Partial<Deal> {
    const { random } = this;
    const day = new Date(Date.UTC(year, random.below(18) - 3, 1 + random.below(31)));
    const unless = <Value>(value: Value) => (random.chance(0.15) ? undefined : value);
    return {
      ...this.#place(),
      amount: unless(this.#amount()),
      closeDate: unless(day.toISOString().slice(0, 10)),
      probability: random.chance(0.3) ? random.below(101) : undefined,
      forecastCategory: random.pick([0, 0, 1, 2, 3, 4]),
      ownerId: unless(random.pick(this.#owners)),
      ownerTeamId: unless(random.pick(this.#teams)),
      customerId: unless(random.pick(this.customers)),
    };
  }

  #amount() {
    const currencyCode = this.random.pick(currencies);
    const digits = String(this.random.below(10 ** (1 + this.random.below(8)))).padStart(4, '0');
    const point = digits.length - places[currencyCode];
    const amount = places[currencyCode] === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
    return { currencyCode, amount: amount.startsWith('.') ? `0${amount}` : amount };
  }

  #period(): string {
    const { random } = this;
    const kind = random.below(3);
    const named = year + (random.chance(0.2) ? -1 : 0);
    if (kind === 0) return String(named);
    return kind === 1
      ? `${named}-Q${1 + random.below(4)}`
      : `${named}-${String(1 + random.below(12)).padStart(2, '0')}`;
  }
}

function ids(count: number): string[] {
  return Array.from({ length: count }, () => v7());
}
