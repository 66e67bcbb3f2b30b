export { filterError, type FilterFault } from './filter-error.js';
export { filterFieldsOf, type FilterField } from './filter-fields.js';
export { isMoney, kindOf, type FieldKind } from './field-kind.js';
export {
  parseFilter,
  restrictionsOf,
  type Filter,
  type FilterOperator,
  type FilterValue,
  type Restriction,
} from './parse-filter.js';
export { isIsoCurrency } from '../values/currency-codes.js';
export {
  customFieldKinds,
  customFieldTypes,
  isCalendarDate,
  moneyOrderValue,
  type CustomFieldKind,
  type CustomFieldType,
  type MoneyValue,
} from '../values/custom-field-value.js';
export { digits, phoneDigits, soughtDigits } from '../values/phone-digits.js';
export { firstCodePoints, fold, searchText, sortName } from '../values/search-text.js';
export { comparedTerm, soughtTerms, storedTerms } from './term-texts.js';
