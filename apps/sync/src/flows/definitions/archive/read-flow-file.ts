import { setImmediate } from 'node:timers/promises';
import type { Flow, FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { AppError, invalidArgument, invalidField, type FieldViolation, type ViolationCode } from '@rapport/platform';
import { definitionFaults } from '../checks/definition-checks.js';
import { fieldOf } from '../checks/faults.js';
import { typesOf } from '../checks/used-types.js';
import { flowOfJson } from '../flow-json.js';
import { readJson } from '../read-json.js';
import { maxFlows } from '../write-flow.js';

/** Most levels of a line: more than those of the deepest flow. */
const maxDepth = 64;

const maxViolations = 100;

const newline = 0x0a;

/** Most types of records that the flows name: a workspace has at most 100 custom objects. */
const maxTypes = 300;

/** A flow of a file. */
export interface FileFlow extends Flow {
  definition: FlowDefinition;
}

/**
 * The flows of a file that `flowLines` has written, as requests to create them have them. Their definitions have no
 * faults but those of the workspace, such as a custom field that it does not have.
 *
 * @throws AppError INVALID_ARGUMENT that names lines and their fields, such as `file.lines[2].flow.key`: the first line is 0
 */
export async function readFlowFile(bytes: Uint8Array): Promise<FileFlow[]> {
  const flows = new Map<string, FileFlow>();
  const violations: FieldViolation[] = [];
  for (const { index, line } of linesOf(bytes)) {
    const { flow, faults } = readLine(line, index);
    violations.push(...faults);
    if (flow && flows.has(flow.key)) {
      violations.push(violation(index, '.flow.key', 'DUPLICATE', 'is the key of an earlier line'));
    }
    if (flow) flows.set(flow.key, flow);
    if (flows.size > maxFlows) throw invalidField('file', 'TOO_MANY_ITEMS', `must have at most ${maxFlows} flows`);
    if (violations.length >= maxViolations) break;
    // Other calls have their turn between two lines.
    await setImmediate();
  }
  if (violations.length > 0) throw invalidArgument(violations.slice(0, maxViolations));
  if (flows.size === 0) throw invalidField('file', 'REQUIRED', 'must have a flow');
  const types = new Set([...flows.values()].flatMap(({ definition }) => typesOf(definition).map(({ type }) => type)));
  if (types.size <= maxTypes) return [...flows.values()];
  throw invalidField('file', 'TOO_MANY_ITEMS', `must name at most ${maxTypes} types of records`);
}

/** The lines that are not empty, each with its index. */
function* linesOf(bytes: Uint8Array): Generator<{ index: number; line: Uint8Array }> {
  for (let [index, start] = [0, 0]; start < bytes.length; index++) {
    // A call of `indexOf` for each empty line would take a tenth of a second for a file of nothing else.
    if (bytes[start] === newline) {
      start += 1;
      continue;
    }
    const found = bytes.indexOf(newline, start);
    const end = found === -1 ? bytes.length : found;
    yield { index, line: bytes.subarray(start, end) };
    start = end + 1;
  }
}

function readLine(bytes: Uint8Array, index: number): { flow?: FileFlow; faults: FieldViolation[] } {
  try {
    const line = readJson(bytes, 'line', maxDepth);
    const { flow: json } = (typeof line === 'object' && line !== null ? line : {}) as { flow?: unknown };
    if (json === undefined) return { faults: [violation(index, '.flow', 'REQUIRED', 'is required')] };
    const { definition, ...flow } = flowOfJson(json);
    if (!definition) return { faults: [violation(index, '.flow.definition', 'REQUIRED', 'is required')] };
    const faults = definitionFaults(definition, new Map());
    const named = faults.map((fault) =>
      violation(index, fieldOf(fault, '.flow.definition'), fault.reason, fault.description),
    );
    return { flow: { ...flow, definition }, faults: named };
  } catch (error) {
    if (!(error instanceof AppError) || error.violations.length === 0) throw error;
    const faults = error.violations.map(({ field, reason, description }) =>
      violation(index, field === 'line' ? '' : `.${field}`, reason, description),
    );
    return { faults };
  }
}

/** @param field within the line, such as `.flow.key` */
function violation(index: number, field: string, reason: ViolationCode, description: string): FieldViolation {
  return { field: `file.lines[${index}]${field}`, reason, description };
}
