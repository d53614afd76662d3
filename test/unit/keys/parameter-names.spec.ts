import { describe, expect, it } from '@jest/globals';
import { parametersOf } from '../../../lib/keys/parameter-names.js';

const read = (source: string) => parametersOf((0, eval)(`(${source})`) as () => unknown);
const method = (source: string) =>
  parametersOf(Object.values((0, eval)(`({ ${source} })`) as object)[0] as () => unknown);

describe('parametersOf', () => {
  it.each<[string, (string | null)[]]>([
    ['async findOne(id) {}', ['id']],
    ['findOne() {}', []],
    ['findOne(id, options = {}) {}', ['id', 'options']],
    ['findOne(id, { a, b } = {}, [c]) {}', ['id', null, null]],
    ['findOne(a = ")", b = `(${1}`, c = "\\",") {}', ['a', 'b', 'c']],
    ['findOne(/* (id, */ a, // b,\n c) {}', ['a', 'c']],
    ['findOne(a = (1, 2), b = [1, 2], c = () => ({ x: 1 }), d) {}', ['a', 'b', 'c', 'd']],
    ['findOne($a, _b, größe) {}', ['$a', '_b', 'größe']],
    ['"na(me"(id) {}', ['id']],
    ['["x" + ("y")](id) {}', ['id']],
    ['async *rows(id) {}', ['id']],
    ['find(a = `(,\\`${[1, 2]},`, b = "/,", c = \'`\', d) { return /[)]/ }', ['a', 'b', 'c', 'd']],
    ['find(a = "it\\"s", /* b = /,/ */ c) {}', ['a', 'c']],
  ])('reads %s', (source, names) => {
    expect(method(source)).toEqual({ names, hasRest: false });
  });

  it('reads functions and arrow functions with parentheses', () => {
    expect(read('function (id, name) {}')?.names).toEqual(['id', 'name']);
    expect(read('async function find(id) {}')?.names).toEqual(['id']);
    expect(read('(id, name) => id')?.names).toEqual(['id', 'name']);
  });

  it('marks a rest parameter', () => {
    expect(method('find(id, ...names) {}')).toEqual({ names: ['id', 'names'], hasRest: true });
  });

  it.each([
    'find(sep = /,/, id, tenant) {}',
    'find(sep = /[)]/g, id) {}',
    'find(half = 1 / 2, id) {}',
    'find(a = `x${`,`}`, id) {}',
    'find(a = `x${")"}`, id) {}',
    'find(a = `x${{ a: 1 }.a}`, id) {}',
    '["x" + 4 / 2](id) {}',
  ])('gives null where it cannot be sure: %s', (source) => {
    expect(method(source)).toBeNull();
  });

  it('gives null where there is no source, or no list in parentheses', () => {
    expect(parametersOf(Math.max)).toBeNull();
    expect(read('id => id')).toBeNull();
    expect(read('function (id) {}.bind(null)')).toBeNull();
  });
});
