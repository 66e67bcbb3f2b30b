import { createHash } from 'node:crypto';
import { JsonCodec, platformContract } from '@rapport/contracts';
import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { FlowsServiceService } from '@rapport/contracts/rapport/flows/v1/flows_service';

/** A definition as the API shows it. */
export type DefinitionJson = Readonly<Record<string, unknown>>;

/** The message of definitions in the contract. */
export const definitionMessage = messageOfDefinitions();

const codec = JsonCodec.of(definitionMessage, new Map());

function messageOfDefinitions() {
  const { path } = FlowsServiceService.validateFlow;
  const message = platformContract()
    .method(path)
    ?.desc.input.fields.find(({ jsonName }) => jsonName === 'definition')?.message;
  if (!message) throw new Error('The contract has no definitions of flows.');
  return message;
}

export function definitionJson(definition: FlowDefinition): DefinitionJson {
  return codec.toJson({ ...definition });
}

/** @param json of `definitionJson`, which an earlier release may have made */
export function readDefinition(json: DefinitionJson): FlowDefinition {
  return codec.fromJson({ ...json }) as unknown as FlowDefinition;
}

/** SHA-256 of a definition, in lower-case hexadecimal. Equal definitions have the same. */
export function definitionChecksum(definition: FlowDefinition): string {
  return createHash('sha256')
    .update(codec.toText({ ...definition }))
    .digest('hex');
}
