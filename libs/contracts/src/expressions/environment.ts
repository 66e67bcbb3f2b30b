import { Environment } from '@marcbachmann/cel-js';
import { withDecimals } from './exact-decimals.js';

/** The size of an expression bounds its time. Literals can mix types, as JSON does. */
export const limits = {
  maxAstNodes: 200,
  maxDepth: 24,
  maxListElements: 50,
  maxMapEntries: 50,
  maxCallArguments: 4,
};

/** An environment with what the library lacks: exact decimal numbers, and the text of a time. */
export function newEnvironment(unlistedVariablesAreDyn: boolean): Environment {
  const environment = new Environment({ unlistedVariablesAreDyn, homogeneousAggregateLiterals: false, limits });
  return withDecimals(environment).registerFunction('string(google.protobuf.Timestamp): string', (time: Date) =>
    time.toISOString(),
  );
}

/** Values have the types that the check has found: declaring them again would need the definitions at each evaluation. */
export const evaluator = newEnvironment(true);
