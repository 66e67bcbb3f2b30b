import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  FlowArchivesServiceService as Methods,
  type FlowArchivesServiceServer,
  type ImportAllFlowsRequest,
  type ImportAllFlowsResponse,
} from '@rapport/contracts/rapport/flows/v1/flow_archives_service';
import { SecretEnvelope } from '../../../storage/secret-envelope.js';
import { writeCall } from '../../../storage/write-call.js';
import { DefinitionChecks } from '../checks/definition-checks.js';
import { flowLines } from './export-flows.js';
import { flowIds, importFlows } from './import-flows.js';
import { readFlowFile } from './read-flow-file.js';

@Controller()
@ImplementsService(Methods)
export class FlowArchivesController implements ServiceHandlers<FlowArchivesServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly envelope: SecretEnvelope,
    private readonly checks: DefinitionChecks,
  ) {}

  async *exportAllFlows(): AsyncGenerator<HttpBody> {
    yield { contentType: 'application/x-ndjson', data: Buffer.alloc(0), extensions: [] };
    for await (const line of flowLines(this.em)) {
      yield { contentType: '', data: Buffer.from(line), extensions: [] };
    }
  }

  async importAllFlows(request: ImportAllFlowsRequest): Promise<ImportAllFlowsResponse> {
    const flows = await readFlowFile(request.file?.data ?? new Uint8Array());
    const existing = await flowIds(this.em, flows);
    const fresh = flows.filter(({ key }) => !existing.has(key));
    const subflows = flows.filter(({ definition }) => definition.trigger?.subflow);
    const found = await this.checks.faultsOfEach(
      this.em,
      fresh.map(({ definition }) => definition),
      new Set(subflows.map(({ key }) => key)),
    );
    const faults = new Map(fresh.map(({ key }, index) => [key, found[index] ?? []]));
    return writeCall(this.em, this.envelope, Methods.importAllFlows, request, (em) => importFlows(em, flows, faults));
  }
}
