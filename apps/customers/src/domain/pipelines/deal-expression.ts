import { JsonCodec } from '@rapport/contracts';
import {
  celValues,
  checkExpression,
  fieldsReadBy,
  isTrue,
  recordType,
  timestampType,
  type CelType,
  type ExpressionFault,
  type ExpressionField,
} from '@rapport/contracts/expressions';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { recordContract } from '../../engine/values/contract.js';

const contract = recordContract('rapport/Deal');
const codec = JsonCodec.of(contract.message, new Map());

function variablesWith(definitions?: readonly ExpressionField[]): Record<string, CelType> {
  return { deal: recordType(contract, definitions), now: timestampType };
}

const variables = variablesWith();

/** Checks a condition against the fields of the contract and of the tenant. */
export function expressionFault(
  expression: string,
  definitions: readonly ExpressionField[],
): ExpressionFault | undefined {
  return checkExpression(expression, { variables: variablesWith(definitions), result: 'bool' });
}

/** The fields of the deal that a valid condition reads: all, when it does not read them by their names. */
export function dealFieldsOf(expression: string): string[] {
  const read = fieldsReadBy(expression, 'deal');
  return read.includes('*') ? contract.fields.map(({ name }) => name) : read;
}

/** Whether a deal meets a saved condition. One that can't be evaluated, such as about an absent field, is not met. */
export function isMet(expression: string, deal: Deal, now: Date): boolean {
  return isTrue(expression, celValues({ deal: codec.toJson({ ...deal }), now }, variables));
}
