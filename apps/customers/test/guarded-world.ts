import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import {
  DealLoss,
  DealMove,
  DealReopening,
  DealTransfer,
  DealWin,
} from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import {
  GuardKind,
  GuardMoment,
  StageKind,
  type Guard,
  type Pipeline,
} from '@rapport/contracts/rapport/sales/v1/pipeline';
import { PipelineArchival, StageRemoval } from '@rapport/contracts/rapport/sales/v1/pipeline_stages_service';
import { Task, TaskStatus } from '@rapport/contracts/rapport/work/v1/task';
import type { Caller } from '@rapport/platform';
import { OperationTenant } from './operation-tenant.js';
import { newCaller, type SharedCustomers } from './running-customers.js';
import { guard, SalesTenant, stage } from './sales-tenant.js';

/** Guards of each kind. A deal with the content `met`, a caller with the permission and an old deal without tasks meet them. */
export const kinds = {
  FIELDS: guard(GuardKind.FIELDS, { fields: ['closeDate'] }),
  EXPRESSION: guard(GuardKind.EXPRESSION, { expression: 'has(deal.closeDate) && deal.closeDate > "2026"' }),
  ROLE: guard(GuardKind.ROLE, { permissions: ['deals.approve'] }),
  MIN_AGE: guard(GuardKind.MIN_AGE, { minAgeSeconds: 3_600 }),
  OPEN_TASKS: guard(GuardKind.OPEN_TASKS),
} satisfies Record<string, Guard>;

export type GuardedKind = keyof typeof kinds;

export const moments: Readonly<Record<string, GuardMoment>> = { enter: GuardMoment.ENTER, leave: GuardMoment.LEAVE };

const met = { closeDate: '2027-01-31' };
const nothing = new Uint8Array();

interface Options {
  kind: GuardedKind;
  moment: string;
  isMet: boolean;
}

/**
 * A tenant with pipelines whose stages have a guard, which its deals and its caller meet, or do not. The stage `start` is left without a
 * guard for entering, `free` has none at all, and the others are entered. An override puts deals where guards would not let them.
 */
export class GuardedWorld {
  #pipelines: Pipeline[] = [];
  /** Where the deals are that the world has made, by id. */
  readonly #made = new Map<string, string>();

  private constructor(
    private readonly service: SharedCustomers,
    readonly tenant: SalesTenant,
    private readonly operations: OperationTenant,
    private readonly options: Options,
  ) {}

  static async create(service: SharedCustomers, options: Options): Promise<GuardedWorld> {
    const caller = newCaller();
    const permissions = options.isMet ? [...caller.permissions, 'deals.approve'] : caller.permissions;
    const operations = await OperationTenant.create(service, { ...caller, permissions });
    return new GuardedWorld(service, new SalesTenant(service, operations.caller), operations, options);
  }

  close(): Promise<void> {
    return this.operations.close();
  }

  /** Makes new pipelines: some doors remove them. */
  async renew(): Promise<void> {
    const { kind, moment } = this.options;
    const rule = { ...kinds[kind], on: moments[moment] ?? 0 };
    const [entered, left] = moment === 'enter' ? [[rule], []] : [[], [rule]];
    const stages = [
      { ...stage('start', StageKind.OPEN), guards: left },
      { ...stage('open', StageKind.OPEN), guards: entered },
      { ...stage('won', StageKind.WON), guards: entered },
      { ...stage('lost', StageKind.LOST), guards: [...entered, ...left] },
      stage('free', StageKind.OPEN),
    ];
    this.#pipelines = [await this.tenant.createPipeline({ stages }), await this.tenant.createPipeline({ stages })];
  }

  get pipeline(): Pipeline {
    return this.#pipelines[0]!;
  }

  /** Fields of deals that meet the guard, if they are to. */
  get content(): Partial<Deal> {
    return this.options.isMet ? met : {};
  }

  create(given: Partial<Deal>): Promise<Deal> {
    return this.tenant.createDeal(this.pipeline, { ...this.content, ...given });
  }

  /** A deal in the stage `start`, which a guard for entering does not concern. */
  async started(given: Partial<Deal> = {}): Promise<Deal> {
    return this.#ready(await this.create({ stage: 'start', ...given }));
  }

  /** A deal that an override has put into a stage. */
  async placed(key: string, given: Partial<Deal> = {}): Promise<Deal> {
    if (this.#pipelines.length === 0) await this.renew();
    const { id } = await this.create({ stage: 'free', ...given });
    return this.#ready(await this.move(id, { stage: key, override: true }));
  }

  async #ready(deal: Deal): Promise<Deal> {
    this.#made.set(deal.id, deal.stage);
    if (this.options.kind === 'OPEN_TASKS') await this.#addTask(deal);
    if (this.options.isMet) {
      const old = `update deal set stage_time = stage_time - interval '1 hour' where id = $1`;
      await this.operations.database.query(old, [deal.id]);
    }
    return deal;
  }

  #addTask({ id }: Deal): Promise<Task> {
    const status = this.options.isMet ? TaskStatus.DONE : TaskStatus.WAITING;
    const related = [{ type: 'deal', id }];
    const task = { ...Task.decode(nothing), subject: 'Call them', status, related };
    return this.service.call('createTask', { task }, this.#caller);
  }

  move(id: string, to: Partial<DealMove>): Promise<Deal> {
    const move = { ...DealMove.decode(nothing), updateMask: undefined, ...to };
    return this.service.call('moveDeal', { id, move }, this.#caller);
  }

  win(id: string): Promise<Deal> {
    return this.service.call(
      'winDeal',
      { id, win: { ...DealWin.decode(nothing), updateMask: undefined } },
      this.#caller,
    );
  }

  lose(id: string): Promise<Deal> {
    const loss = { ...DealLoss.decode(nothing), updateMask: undefined, reason: 'price' };
    return this.service.call('loseDeal', { id, loss }, this.#caller);
  }

  reopen(id: string, key: string): Promise<Deal> {
    const reopening = { ...DealReopening.decode(nothing), updateMask: undefined, stage: key };
    return this.service.call('reopenDeal', { id, reopening }, this.#caller);
  }

  transfer(id: string, key: string): Promise<Deal> {
    const to = { pipelineId: this.#pipelines[1]!.id, stage: key };
    const transfer = { ...DealTransfer.decode(nothing), updateMask: undefined, ...to };
    return this.service.call('transferDeal', { id, transfer }, this.#caller);
  }

  removeStage(key: string, moveTo: string): Promise<object> {
    const removal = { ...StageRemoval.decode(nothing), stage: key, moveTo };
    return this.service.call('removeStage', { id: this.pipeline.id, removal }, this.#caller);
  }

  archive(moveToStage: string): Promise<object> {
    const archival = { ...PipelineArchival.decode(nothing), moveToPipelineId: this.#pipelines[1]!.id, moveToStage };
    return this.service.call('archivePipeline', { id: this.pipeline.id, archival }, this.#caller);
  }

  csvOf(key: string): string {
    const { closeDate = '' } = this.content;
    return `title,pipeline.id,stage,close_date\nImported,${this.pipeline.id},${key},${closeDate}\n`;
  }

  /** Whether an import takes its only row. */
  async imports(file: string): Promise<boolean> {
    const { counts } = await this.operations.run(file, { recordType: 'deal' });
    return counts?.failed === 0;
  }

  /** Whether the undo of an import moves a deal back: into the guarded stage, or out of it. */
  async undoes(): Promise<boolean> {
    const [before, after] = this.options.moment === 'enter' ? ['open', 'free'] : ['free', 'start'];
    const { id } = await this.placed(before);
    const imported = await this.operations.run(`id,stage\n${id},${after}\n`, { recordType: 'deal' });
    await this.#ready({ ...(await this.service.call('getDeal', { id }, this.#caller)) });
    const undone = await this.operations.undo(imported.id);
    return undone.counts?.undone === 1;
  }

  /** Ids of the deals that are in another stage than those that the world has put them into. */
  async movedDeals(): Promise<string[]> {
    const rows = await this.operations.database.query<{ id: string; stage: string }>('select id, stage from deal');
    return rows.rows.filter(({ id, stage: key }) => (this.#made.get(id) ?? 'free') !== key).map(({ id }) => id);
  }

  get #caller(): Caller {
    return this.tenant.caller;
  }
}
