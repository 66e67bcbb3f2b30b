import type { Money } from '@rapport/contracts/rapport/api/v1/records';
import { ProductState, type Product } from '@rapport/contracts/rapport/sales/v1/product';
import { ProductsServiceService } from '@rapport/contracts/rapport/sales/v1/products_service';
import type { FieldViolation } from '@rapport/platform';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';

const normalise = normaliserOf<Product>(recordContract('rapport/Product'));

/** Products: what is sold. */
export const products = defineRecord<Product>('rapport/Product', ProductsServiceService, {
  indexVersion: 1,
  alwaysSet: ['state'],
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    const state = record.state === ProductState.UNSPECIFIED ? ProductState.ACTIVE : record.state;
    return {
      record: { ...record, state },
      violations: [...violations, ...placesViolations('price', record.price), ...placesViolations('cost', record.cost)],
    };
  },
  detail: ({ sku }) => sku,
});

export const ProductsController = recordController(products, ProductsServiceService);

/** A price is a unit price of lines, which have 6 places. */
function placesViolations(field: string, money: Money | undefined): FieldViolation[] {
  const { length: places } = money?.amount.split('.')[1] ?? '';
  if (places <= 6) return [];
  const description = 'must have at most 6 digits after the decimal point';
  return [{ field: `${field}.amount`, reason: 'TOO_MANY_DIGITS', description }];
}
