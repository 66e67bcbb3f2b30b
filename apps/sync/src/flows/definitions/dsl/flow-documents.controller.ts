import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Flow } from '@rapport/contracts/rapport/flows/v1/flow';
import {
  FlowDocumentsServiceService as Methods,
  type ExportFlowRequest,
  type FlowDocumentsServiceServer,
  type ImportFlowRequest,
} from '@rapport/contracts/rapport/flows/v1/flow_documents_service';
import { SecretEnvelope } from '../../../storage/secret-envelope.js';
import { writeCall } from '../../../storage/write-call.js';
import { flowToTry } from '../../trials/flow-to-try.js';
import { DefinitionChecks } from '../checks/definition-checks.js';
import { definitionJson } from '../definition-json.js';
import { readJson } from '../read-json.js';
import { createFlow, findFlow, sentDefinition } from '../write-flow.js';
import { flowOfDocument } from './check-document.js';
import { writeDsl } from './write-dsl.js';

/** Most levels of a document: more than those of the deepest flow. */
const maxDepth = 64;

@Controller()
@ImplementsService(Methods)
export class FlowDocumentsController implements ServiceHandlers<FlowDocumentsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly envelope: SecretEnvelope,
    private readonly checks: DefinitionChecks,
  ) {}

  async *exportFlow({ id, version }: ExportFlowRequest): AsyncGenerator<HttpBody> {
    const { key, name, description } = await findFlow(this.em, id);
    const { definition } = await flowToTry(this.em, id, version);
    const flow = { key, name, description: description ?? undefined, version };
    const document = writeDsl({ ...flow, definition: definitionJson(definition) });
    yield { contentType: 'application/json', data: Buffer.from(JSON.stringify(document)), extensions: [] };
  }

  async importFlow(request: ImportFlowRequest): Promise<Flow> {
    const document = readJson(request.document?.data ?? new Uint8Array(), 'document', maxDepth);
    const sent = { flow: flowOfDocument(document, request.key) };
    await this.checks.check(this.em, sentDefinition(sent), 'flow.definition');
    return writeCall(this.em, this.envelope, Methods.importFlow, request, (em) => createFlow(em, sent));
  }
}
