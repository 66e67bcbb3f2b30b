import { randomUUID } from 'node:crypto';
import type { SharedPlatform } from '@rapport/testing';
import { WebhookTenant } from '../sync-platform.ts';

type Json = Record<string, unknown>;

export interface Decision {
  flowId: string;
  version: number;
  changeId: string;
  outcome: string;
  reason?: string;
  explanation?: string;
  runId?: string;
  record: { type: string; id: string };
}

export interface Counts {
  version: number;
  started: number;
  suppressed: number;
  notMatched: number;
}

/** A tenant with flows. */
export class FlowTenant {
  private constructor(
    readonly api: WebhookTenant,
    /** The API key of the tenant, which publishes its flows. */
    readonly principalId: string,
  ) {}

  static async create(platform: SharedPlatform): Promise<FlowTenant> {
    const api = await WebhookTenant.create(platform);
    const [key] = await api.query<{ id: string }>(
      'select id from api_key where tenant_id = $1',
      [api.tenant.tenantId],
      'auth',
    );
    return new FlowTenant(api, `apiKey:${key?.id}`);
  }

  get tenantId(): string {
    return this.api.tenant.tenantId;
  }

  /** Publishes a flow past the API: with a trigger, a condition, and steps that a run of the test never needs to reach. */
  async publish(definition: Json, key = `f${randomUUID().slice(0, 8)}`): Promise<string> {
    const id = randomUUID();
    const whole = {
      steps: [{ key: 'wait', wait: { seconds: 3600 } }],
      ...definition,
    };
    const text = JSON.stringify(whole);
    await this.api.query(
      `insert into flow (tenant_id, id, key, name, state, definition, checksum, active_version, active_checksum,
         published_by, version, create_time, update_time, created_by, updated_by)
       values ($1, $2, $3, $3, 'ACTIVE', $4, '', 1, '', $5, 1, now(), now(), $5, $5)`,
      [this.tenantId, id, key, text, this.principalId],
    );
    await this.api.query(
      `insert into flow_version (tenant_id, flow_id, version, definition, checksum, published_by, publish_time)
       values ($1, $2, 1, $3, '', $4, now())`,
      [this.tenantId, id, text, this.principalId],
    );
    await this.noteChange();
    return id;
  }

  /** Pauses a flow, or ends that. */
  async setState(flowId: string, state: 'ACTIVE' | 'PAUSED' | 'RETIRED'): Promise<void> {
    await this.api.query('update flow set state = $3 where tenant_id = $1 and id = $2', [this.tenantId, flowId, state]);
    await this.noteChange();
  }

  private async noteChange(): Promise<void> {
    await this.api.query(
      `insert into flow_tenant (tenant_id, revision) values ($1, 1)
       on conflict (tenant_id) do update set revision = flow_tenant.revision + 1`,
      [this.tenantId],
    );
  }

  /** Decisions, oldest first. */
  async decisions(flowId?: string): Promise<Decision[]> {
    const found: Decision[] = [];
    let token = '';
    do {
      const page = await this.api.ok<{
        flowDecisions: Decision[];
        nextPageToken?: string;
      }>('GET', `/v1/flowDecisions?pageSize=100${flowId ? `&flowId=${flowId}` : ''}${token && `&pageToken=${token}`}`);
      found.push(...page.flowDecisions);
      token = page.nextPageToken ?? '';
    } while (token);
    return found.toReversed();
  }

  async counts(flowId: string): Promise<Counts[]> {
    return (await this.api.ok<{ counts: Counts[] }>('GET', `/v1/flowDecisions?flowId=${flowId}`)).counts;
  }

  async explain(changeId: string): Promise<Decision[]> {
    const path = `/v1/flowDecisions:explain?changeId=${changeId}`;
    return (await this.api.ok<{ flowDecisions: Decision[] }>('GET', path)).flowDecisions;
  }

  /** The changes of the log, oldest first. */
  async changes(cursor?: string): Promise<{
    changes: { id: string; type: string; recordId: string }[];
    cursor: string;
  }> {
    const found: { id: string; type: string; recordId: string }[] = [];
    let at = cursor;
    for (;;) {
      const page = await this.api.ok<{
        changes: typeof found;
        nextCursor: string;
        hasMore?: boolean;
      }>('GET', `/v1/changes?pageSize=1000${at === undefined ? '' : `&cursor=${encodeURIComponent(at)}`}`);
      found.push(...page.changes);
      at = page.nextCursor;
      if (!page.hasMore) return { changes: found, cursor: at };
    }
  }
}
