import { randomBytes } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  FlowHooksServiceService as Methods,
  type FlowHook,
  type FlowHooksServiceServer,
  type ReceiveFlowHookRequest,
  type ReceiveFlowHookResponse,
  type RotateFlowHookRequest,
} from '@rapport/contracts/rapport/flows/v1/flow_hooks_service';
import { transactionPipeline } from '@rapport/persistence';
import { SecretEnvelope } from '../../storage/secret-envelope.js';
import { writeCall } from '../../storage/write-call.js';
import { findFlow, noteFlow } from '../definitions/write-flow.js';
import { FlowWorker } from '../worker/flow-worker.js';
import { hashOfToken, receiveHook } from './receive-hook.js';

const tokenBytes = 32;

@Controller()
@ImplementsService(Methods)
export class FlowHooksController implements ServiceHandlers<FlowHooksServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly envelope: SecretEnvelope,
    private readonly worker: FlowWorker,
  ) {}

  async receiveFlowHook(request: ReceiveFlowHookRequest): Promise<ReceiveFlowHookResponse> {
    const response = await receiveHook(this.em, this.worker.parts, request);
    if (response.runId !== undefined) this.worker.wake();
    return response;
  }

  rotateFlowHook(request: RotateFlowHookRequest): Promise<FlowHook> {
    return writeCall(this.em, this.envelope, Methods.rotateFlowHook, request, async (em) => {
      const flow = await findFlow(em, request.id);
      const token = randomBytes(tokenBytes).toString('base64url');
      const [rows] = await transactionPipeline(em, [
        {
          name: 'rotate_flow_hook',
          sql: `insert into flow_hook (token_hash, tenant_id, flow_id) values ($3, $1, $2)
            on conflict (tenant_id, flow_id)
            do update set token_hash = excluded.token_hash, create_time = excluded.create_time
            returning create_time`,
          values: [flow.tenantId, flow.id, hashOfToken(token)],
        },
      ]);
      await noteFlow(em, 'FLOW_HOOK_ROTATED', flow);
      const [{ create_time: time }] = rows as [{ create_time: string | Date }];
      return { flowId: flow.id, token, createTime: new Date(time).toISOString() };
    });
  }
}
