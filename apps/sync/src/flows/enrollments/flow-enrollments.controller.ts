import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  FlowEnrollmentsServiceService as Methods,
  FlowEnrollmentState,
  type EnrollCustomersRequest,
  type EnrollCustomersResponse,
  type ExitFlowEnrollmentRequest,
  type FlowEnrollment,
  type FlowEnrollmentsServiceServer,
  type GetFlowEnrollmentRequest,
  type ListFlowEnrollmentsRequest,
  type ListFlowEnrollmentsResponse,
  type PauseFlowEnrollmentRequest,
  type ResumeFlowEnrollmentRequest,
} from '@rapport/contracts/rapport/flows/v1/flow_enrollments_service';
import { PageTokenKey, readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { writeCall } from '../../storage/write-call.js';
import { RecordAccess } from '../serve-runs/record-access.js';
import { manualFlow } from '../serve-runs/run-flow.js';
import { FlowWorker } from '../worker/flow-worker.js';
import { exitEnrollment, pauseEnrollment } from './change-enrollment.js';
import { checkEnrolling, enrollCustomers } from './enroll-customers.js';
import { enrollmentMessage, enrollmentNotFound, selectEnrollments, type EnrollmentRow } from './enrollment-row.js';
import { enteringType } from './enter-flow.js';

const defaultPageSize = 20;

@Controller()
@ImplementsService(Methods)
export class FlowEnrollmentsController implements ServiceHandlers<FlowEnrollmentsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly key: PageTokenKey,
    private readonly worker: FlowWorker,
    private readonly access: RecordAccess,
  ) {}

  async enrollCustomers(request: EnrollCustomersRequest): Promise<EnrollCustomersResponse> {
    const { parts } = this.worker;
    const flow = await this.em.transactional((em) => manualFlow(em, request.id));
    checkEnrolling(flow, request);
    const ids = [...new Set(request.enrolling?.customerIds)];
    const customers = await Promise.all(ids.map((id) => this.access.read({ type: enteringType, id })));
    const answer = await writeCall(this.em, parts.envelope, Methods.enrollCustomers, request, (em) =>
      enrollCustomers(em, parts, flow, request, customers),
    );
    this.worker.wake();
    return answer;
  }

  async getFlowEnrollment({ id }: GetFlowEnrollmentRequest): Promise<FlowEnrollment> {
    const [row] = await readForTenant<EnrollmentRow>(this.em, {
      sql: `${selectEnrollments} where enrolled.tenant_id = $1 and enrolled.id = $2`,
      values: [currentCaller().tenantId, id],
    });
    if (!row) throw enrollmentNotFound();
    return enrollmentMessage(row, (await this.#shows([row]))(row));
  }

  async listFlowEnrollments(request: ListFlowEnrollmentsRequest): Promise<ListFlowEnrollmentsResponse> {
    const { pageSize = defaultPageSize, pageToken, flowId, customerId, states } = request;
    const { tenantId } = currentCaller();
    const names = states.map((state) => FlowEnrollmentState[state]).toSorted();
    const binding = `ListFlowEnrollments ${tenantId} ${flowId ?? ''} ${customerId ?? ''} ${names.join()}`;
    const [after = null] = pageToken === undefined ? [] : readPageToken(this.key, binding, pageToken);
    // UUIDv7 ids sort by entry time.
    const rows = await readForTenant<EnrollmentRow>(this.em, {
      sql: `${selectEnrollments}
        where enrolled.tenant_id = $1 and ($2::uuid is null or enrolled.flow_id = $2)
          and ($3::text is null or customer_id = $3)
          and (cardinality($4::text[]) = 0 or enrolled.state = any ($4)) and ($5::uuid is null or enrolled.id < $5)
        order by enrolled.id desc limit $6`,
      values: [tenantId, flowId ?? null, customerId ?? null, names, after, pageSize + 1],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    const shows = await this.#shows(page);
    // The enrollments of a customer would show that it exists.
    const shown = customerId === undefined ? page : page.filter(shows);
    return {
      flowEnrollments: shown.map((row) => enrollmentMessage(row, shows(row))),
      nextPageToken: last && signPageToken(this.key, binding, [last.id]),
    };
  }

  async pauseFlowEnrollment({ id }: PauseFlowEnrollmentRequest): Promise<FlowEnrollment> {
    await this.em.transactional((em) => pauseEnrollment(em, id, true));
    return this.getFlowEnrollment({ id });
  }

  async resumeFlowEnrollment({ id }: ResumeFlowEnrollmentRequest): Promise<FlowEnrollment> {
    await this.em.transactional((em) => pauseEnrollment(em, id, false));
    this.worker.wake();
    return this.getFlowEnrollment({ id });
  }

  async exitFlowEnrollment({ id }: ExitFlowEnrollmentRequest): Promise<FlowEnrollment> {
    await this.em.transactional((em) => exitEnrollment(em, this.worker.parts, id));
    this.worker.wake();
    return this.getFlowEnrollment({ id });
  }

  /** Of which enrollments the caller can read the customer. */
  async #shows(rows: readonly EnrollmentRow[]): Promise<(row: EnrollmentRow) => boolean> {
    const ofCustomer = ({ customer_id: id }: EnrollmentRow) => ({ record_type: enteringType, record_id: id });
    const shows = await this.access.among(rows.map(ofCustomer));
    return (row) => shows(ofCustomer(row));
  }
}
