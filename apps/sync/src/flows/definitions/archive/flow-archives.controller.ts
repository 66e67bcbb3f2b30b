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
import { importFlows } from './import-flows.js';
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
    const subflows = flows.filter(({ definition }) => definition.trigger?.subflow);
    const faults = await this.checks.faultsOfEach(
      this.em,
      flows.map(({ definition }) => definition),
      new Set(subflows.map(({ key }) => key)),
    );
    return writeCall(this.em, this.envelope, Methods.importAllFlows, request, (em) => importFlows(em, flows, faults));
  }
}
