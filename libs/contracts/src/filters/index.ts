export { filterError, type FilterFault } from './filter-error.js';
export { filterFieldsOf, isOfDeleted, type FilterField } from './filter-fields.js';
export { comparedField, filterTable, otherRecordError, unknownField, type FilterTable } from './filter-table.js';
export { comparisonsOf, readTests, type ComparedField, type Bound, type FilterTest } from './filter-test.js';
export { dateParts, groupDatesOf, groupFieldsOf, type DatePart } from './group-fields.js';
export { orderFieldsOf } from './order-fields.js';
export { isMoney, kindOf, type FieldKind } from './field-kind.js';
export {
  parseFilter,
  restrictionsOf,
  type Filter,
  type FilterOperator,
  type FilterValue,
  type Restriction,
} from './parse-filter.js';
export {
  compilePredicate,
  compileRestriction,
  matchChange,
  type ChangeMatch,
  type FilterPredicate,
} from './predicate.js';
export { hasDays, type Present } from './read-value.js';
export type { JsonRecord } from './record-values.js';
export { currencyCodes, isIsoCurrency } from '../values/currency-codes.js';
export {
  customFieldKinds,
  customFieldTypes,
  isCalendarDate,
  moneyOrderValue,
  type CustomFieldDefinition,
  type CustomFieldKind,
  type CustomFieldType,
  type MoneyValue,
} from '../values/custom-field-value.js';
export { digits, phoneDigits, soughtDigits } from '../values/phone-digits.js';
export {
  firstCodePoints,
  fold,
  isUnspacedLetter,
  searchText,
  searchTextVersion,
  sortName,
} from '../values/search-text.js';
export { dayAt, isTimeZone, localTimeOf, momentOf, offsetMs, startOfDayMs } from '../values/zoned-time.js';
export { comparedTerm, relatedText, soughtTerms, storedTerms } from './term-texts.js';
