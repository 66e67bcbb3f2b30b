export { celValues } from './cel-values.js';
export { recordType, timestampType, type CelType, type ExpressionField, type ObjectType } from './cel-types.js';
export {
  checkExpression,
  fieldsReadBy,
  type ExpressionFault,
  type ExpressionForm,
  type ExpressionResult,
} from './check-expression.js';
export { evaluate, ExpressionError, isTrue } from './evaluate.js';
