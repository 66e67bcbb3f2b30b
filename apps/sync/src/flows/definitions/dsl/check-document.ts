import type { Flow } from '@rapport/contracts/rapport/flows/v1/flow';
import { invalidArgument } from '@rapport/platform';
import { fieldOf } from '../checks/faults.js';
import { flowOfJson } from '../flow-json.js';
import { readDsl } from './read-dsl.js';

/**
 * The flow of a document, as a request to create it has it.
 *
 * @param document JSON of at most 64 levels
 * @param key in place of the key that the document says
 * @throws AppError INVALID_ARGUMENT that names what flows have no counterpart of, or what the contract refuses
 */
export function flowOfDocument(document: unknown, key: string | undefined): Flow {
  const { flow: read, faults } = readDsl(document);
  if (faults.length > 0) {
    throw invalidArgument(
      faults.slice(0, maxFaults).map(({ reason, description, ...fault }) => ({
        ...{ field: fieldOf(fault, 'document'), reason, description },
      })),
    );
  }
  return flowOfJson({ ...read, ...(key !== undefined && { key }) });
}

const maxFaults = 100;
