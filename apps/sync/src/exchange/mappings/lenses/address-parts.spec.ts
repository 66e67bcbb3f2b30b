import { expect, it } from 'vitest';
import { addressPart, partOf, withParts } from './address-parts.js';

const work = { street: 'Hauptplatz 1', city: 'Graz', label: 'work' };
const home = { city: 'Wien' };
const part = (field: string) => addressPart(field)!;

it('a part is of the main address, or of the first one with its label', () => {
  expect(partOf([home, work], part('addresses.city'))).toBe('Wien');
  expect(partOf([home, work], part('addresses[WORK].city'))).toBe('Graz');
  expect(partOf([home, work], part('addresses[billing].city'))).toBeNull();
  expect(addressPart('addresses.planet')).toBeUndefined();
  expect(addressPart('addresses')).toBeUndefined();
});

it('a part that changes leaves all other parts and addresses as they are', () => {
  expect(withParts([home, work], [{ of: part('addresses[work].city'), value: 'Leoben' }])).toEqual([
    home,
    { ...work, city: 'Leoben' },
  ]);
  expect(withParts([home, work], [{ of: part('addresses[billing].city'), value: 'Linz' }])).toEqual([
    home,
    work,
    { city: 'Linz', label: 'billing' },
  ]);
});

it('an address of which nothing is left is gone, and no other', () => {
  const changes = ['street', 'city'].map((name) => ({ of: part(`addresses[work].${name}`), value: null }));
  expect(withParts([home, work], changes)).toEqual([home]);
});
