import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  FlowRunsServiceService as Methods,
  FlowRunState,
  type CancelFlowRunRequest,
  type DecideFlowStepRequest,
  type FlowRun,
  type FlowRunsServiceServer,
  type FlowSignal,
  type GetFlowRunRequest,
  type ListFlowRunsRequest,
  type ListFlowRunsResponse,
  type ListFlowStepRunsRequest,
  type ListFlowStepRunsResponse,
  type MigrateFlowRunsRequest,
  type MigrateFlowRunsResponse,
  type RetryFlowRunRequest,
  type RunFlowRequest,
  type SendFlowSignalRequest,
  type SkipFlowStepRequest,
} from '@rapport/contracts/rapport/flows/v1/flow_runs_service';
import { PageTokenKey, queryRows, readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { writeCall } from '../../storage/write-call.js';
import { FlowWorker } from '../worker/flow-worker.js';
import { cancelRun, decideStep, retryRun, skipStep } from './change-run.js';
import { migrateRuns } from './migrate-runs.js';
import { RecordAccess } from './record-access.js';
import { checkManualRun, manualFlow, runFlow } from './run-flow.js';
import { runMessage, stepColumns, stepMessage, type StepRunRow } from './run-message.js';
import { findRun, runColumns, type RunRow } from './run-row.js';
import { sendSignal } from './send-signal.js';

const defaultPageSize = 20;

@Controller()
@ImplementsService(Methods)
export class FlowRunsController implements ServiceHandlers<FlowRunsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly key: PageTokenKey,
    private readonly worker: FlowWorker,
    private readonly access: RecordAccess,
  ) {}

  async runFlow(request: RunFlowRequest): Promise<FlowRun> {
    const flow = await this.em.transactional((em) => manualFlow(em, request.id));
    const type = checkManualRun(flow, request);
    const id = request.run?.recordId;
    const record = type !== undefined && id !== undefined ? await this.access.read({ type, id }) : undefined;
    return this.#write(Methods.runFlow, request, (em) => runFlow(em, this.#parts, flow, { request, type, record }));
  }

  async getFlowRun({ id }: GetFlowRunRequest): Promise<FlowRun> {
    return this.#message(await findRun(this.em, id));
  }

  async listFlowRuns(request: ListFlowRunsRequest): Promise<ListFlowRunsResponse> {
    const { pageSize = defaultPageSize, pageToken, flowId, states, recordId } = request;
    const { tenantId } = currentCaller();
    const names = states.map((state) => FlowRunState[state]).toSorted();
    const binding = `ListFlowRuns ${tenantId} ${flowId ?? ''} ${names.join()} ${recordId ?? ''}`;
    const [after = null] = pageToken === undefined ? [] : readPageToken(this.key, binding, pageToken);
    // UUIDv7 ids sort by start time.
    const rows = await readForTenant<RunRow>(this.em, {
      sql: `select ${runColumns} from flow_run
        where tenant_id = $1 and ($2::uuid is null or flow_id = $2) and (cardinality($3::text[]) = 0 or state = any ($3))
          and ($4::text is null or record_id = $4) and ($5::uuid is null or id < $5)
        order by id desc limit $6`,
      values: [tenantId, flowId ?? null, names, recordId ?? null, after, pageSize + 1],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    const shows = await this.access.among(page);
    // The runs of a record would show that it exists.
    const shown = recordId === undefined ? page : page.filter(shows);
    return {
      flowRuns: shown.map((row) => runMessage(this.#parts.envelope, tenantId, row, shows(row))),
      nextPageToken: last && signPageToken(this.key, binding, [last.id]),
    };
  }

  async listFlowStepRuns(request: ListFlowStepRunsRequest): Promise<ListFlowStepRunsResponse> {
    const { id: runId, pageSize = defaultPageSize, pageToken } = request;
    const { tenantId } = currentCaller();
    const run = await findRun(this.em, runId);
    const showsContent = (await this.access.among([run]))(run);
    const binding = `ListFlowStepRuns ${tenantId} ${runId}`;
    const [after = '0'] = pageToken === undefined ? [] : readPageToken(this.key, binding, pageToken);
    const rows = await readForTenant<StepRunRow>(this.em, {
      sql: `select ${stepColumns} from flow_step_run where tenant_id = $1 and run_id = $2 and number > $3
        order by number limit $4`,
      values: [tenantId, runId, Number(after), pageSize + 1],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    return {
      steps: page.map((row) => stepMessage(this.#parts.envelope, { tenantId, runId }, row, showsContent)),
      nextPageToken: last && signPageToken(this.key, binding, [String(last.number)]),
    };
  }

  async cancelFlowRun({ id }: CancelFlowRunRequest): Promise<FlowRun> {
    await this.em.transactional((em) => cancelRun(em, this.#parts, id));
    return this.#message(await findRun(this.em, id));
  }

  retryFlowRun(request: RetryFlowRunRequest): Promise<FlowRun> {
    return this.#change(Methods.retryFlowRun, request, (em) => retryRun(em, this.#parts, request.id));
  }

  skipFlowStep(request: SkipFlowStepRequest): Promise<FlowRun> {
    return this.#change(Methods.skipFlowStep, request, (em) => skipStep(em, this.#parts, request.id));
  }

  decideFlowStep(request: DecideFlowStepRequest): Promise<FlowRun> {
    return this.#change(Methods.decideFlowStep, request, (em) => decideStep(em, this.#parts, request));
  }

  migrateFlowRuns(request: MigrateFlowRunsRequest): Promise<MigrateFlowRunsResponse> {
    return this.#write(Methods.migrateFlowRuns, request, (em) => migrateRuns(em, this.#parts, request));
  }

  sendFlowSignal(request: SendFlowSignalRequest): Promise<FlowSignal> {
    const { envelope } = this.#parts;
    return this.#write(Methods.sendFlowSignal, request, (em) => sendSignal(em, envelope, request.flowSignal));
  }

  get #parts() {
    return this.worker.parts;
  }

  /** Changes a run, and answers it as it is then. */
  async #change<Request extends { id: string; requestId?: string | undefined }>(
    method: Parameters<typeof writeCall<Request, FlowRun>>[2],
    request: Request,
    work: (em: EntityManager) => Promise<void>,
  ): Promise<FlowRun> {
    const { id } = request;
    const run = await findRun(this.em, id);
    const showsRecord = (await this.access.among([run]))(run);
    return this.#write(method, request, async (em) => {
      await work(em);
      const { tenantId } = currentCaller();
      const sql = `select ${runColumns} from flow_run where tenant_id = $1 and id = $2`;
      const [row] = await queryRows<RunRow>(em, { sql, values: [tenantId, id] });
      if (!row) throw new Error('A locked run is gone.');
      return runMessage(this.#parts.envelope, tenantId, row, showsRecord);
    });
  }

  /** Runs may be due after the write. */
  async #write<Request extends { requestId?: string | undefined }, Response>(
    method: Parameters<typeof writeCall<Request, Response>>[2],
    request: Request,
    work: (em: EntityManager) => Promise<Response>,
  ): Promise<Response> {
    const response = await writeCall(this.em, this.#parts.envelope, method, request, work);
    this.worker.wake();
    return response;
  }

  async #message(row: RunRow): Promise<FlowRun> {
    const shows = await this.access.among([row]);
    return runMessage(this.#parts.envelope, currentCaller().tenantId, row, shows(row));
  }
}
