import { expect, test } from 'vitest';
import { allows, commonPermissions, permissionForAll } from './permissions.js';

test.each([
  [['customers.read'], 'customers.read', true],
  [['customers.read'], 'customers.write', false],
  [['customers.read'], 'objects.car.read', false],
  [['objects.read'], 'objects.car.read', true],
  [['objects.car.read'], 'objects.car.read', true],
  [['objects.car.read'], 'objects.cars.read', false],
  [['objects.car.read'], 'objects.car.write', false],
  [['objects.car.read'], 'objects.read', false],
  [['objects.car.read'], 'objects.{object}.read', true],
  [['objects.read'], 'objects.{object}.read', true],
  [['objects.car.write'], 'objects.{object}.read', false],
  [['customers.read'], 'objects.{object}.read', false],
])('%j grant %s: %s', (held, needed, isAllowed) => {
  expect(allows(held, needed)).toBe(isAllowed);
});

test.each([
  [['customers.read', 'deals.read'], ['deals.read', 'openid'], ['deals.read']],
  [['objects.read'], ['objects.car.read', 'objects.car.write'], ['objects.car.read']],
  [['objects.car.read', 'objects.boat.read'], ['objects.read'], ['objects.car.read', 'objects.boat.read']],
  [['objects.car.read'], ['objects.boat.read'], []],
])('%j and %j intersect in %j', (one, other, common) => {
  expect(commonPermissions(one, other)).toEqual(common);
  expect(commonPermissions(other, one)).toEqual(common);
});

test('the permission for all objects has no variable', () => {
  expect(permissionForAll('objects.{object}.read')).toBe('objects.read');
  expect(permissionForAll('customers.read')).toBe('customers.read');
});
