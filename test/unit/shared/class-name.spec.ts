import { expect, it } from '@jest/globals';
import { classNameOf } from '../../../lib/shared/class-name.js';

const named = (aClass: object, name: unknown) => Object.defineProperty(aClass, 'name', { value: name });

it('is what the class says by `name`', () => {
  expect(classNameOf(class Rows {})).toBe('Rows');
  expect(classNameOf(named(class Rows {}, 'Orders') as typeof Object)).toBe('Orders');
});

it.each([[() => 'x'], [5], [undefined], [null], [{}]])('is what the source says where `name` is %p', (name) => {
  expect(classNameOf(named(class Rows {}, name) as typeof Object)).toBe('Rows');
  expect(classNameOf(named(class $Größe extends Array {}, name) as typeof Object)).toBe('$Größe');
});

it('is empty for a class without one', () => {
  expect(classNameOf(class {})).toBe('');
  expect(classNameOf(named(class extends Array {}, null) as typeof Object)).toBe('');
});
