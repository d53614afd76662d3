import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseKeyTemplate } from '../../../lib/keys/key-template.js';
import type { Parameters } from '../../../lib/keys/parameter-names.js';

const parameters = (...names: (string | null)[]): Parameters => ({ names, hasRest: false });
const fill = (template: string, names: (string | null)[], ...args: unknown[]) =>
  parseKeyTemplate(template, parameters(...names), 'Users.findOne')(args);

describe('parseKeyTemplate', () => {
  it.each<[string, string[], unknown[], string]>([
    ['{id}', ['id'], [7], '7'],
    ['{0}', ['id'], ['a'], 'a'],
    ['{0.orgId}:{0.id}', ['user'], [{ orgId: 1, id: 2 }], '1:2'],
    ['{user.orgId}:{user.id}', ['user'], [{ orgId: 1n, id: true }], '1:true'],
    ['{user.address.city}', ['user'], [{ address: { city: 'Bonn' } }], 'Bonn'],
    ['org-{org}-x:all:{id}', ['org', 'id'], [1, 2], 'org-1-x:all:2'],
    [':{id}:', ['id'], [1], ':1:'],
    ['a::{id}', ['id'], [1], 'a::1'],
    ['all', [], [], 'all'],
    ['50%|{id}', ['id'], [1], '50%25%7c1'],
    ['{1}', ['a', 'b'], [1, ''], ''],
    ['{ id }:{ user . id }', ['id', 'user'], [1, { id: 2 }], '1:2'],
    ['all:{id}', ['id', 'all'], [1], 'all:1'],
    ['every', ['id'], [1], 'every'],
  ])('fills %s', (template, names, args, identifier) => {
    expect(fill(template, names, ...args)).toBe(identifier);
  });

  it('escapes a value as one segment', () => {
    expect(fill('{0}:{1}', ['a', 'b'], 'x:y', '{z}')).toBe('x%3ay:%7bz%7d');
    expect(fill('{0}:{1}', ['a', 'b'], 'a', 'b:c')).not.toBe(fill('{0}:{1}', ['a', 'b'], 'a:b', 'c'));
  });

  it.each<[string, (string | null)[], string]>([
    ['{userId}', ['userid'], 'names {userId}, but the method has no parameter "userId". Did you mean {userid}?'],
    ['{i}', ['id'], 'Did you mean {id}?'],
    ['{usr.id}', ['user', 'org'], 'Did you mean {user.id}?'],
    ['{something}', ['id'], 'has no parameter "something". Its parameters are: id.'],
    [
      '{name}',
      ['orgId', 'name2'],
      'is called "name2" here: bundlers and minifiers change such names. Use its position, {1}',
    ],
    ['{name.first}', ['name$1'], 'Use its position, {0.first}, or a key function.'],
    ['{name}', ['t', 'e'], 'A minifier changes such names: then use positions, such as {0}, or a key function.'],
    ['{id}', [], 'has no parameter "id". Use a position such as {0}, or a key function.'],
    ['{id}', [null], 'Use a position such as {0}'],
    ['{1}', ['id'], 'names position 1 in {1}, but the method has 1 parameter.'],
    ['{0}', [], 'names position 0 in {0}, but the method has no parameters.'],
    ['{2.id}', ['a', 'b'], 'but the method has 2 parameters.'],
    ['', ['id'], 'is empty.'],
    ['{}', ['id'], 'has the placeholder {}, which names nothing.'],
    ['{id.}', ['id'], 'has the placeholder {id.}'],
    ['{.id}', ['id'], 'has the placeholder {.id}'],
    ['{id', ['id'], 'has an unmatched brace'],
    ['id}', ['id'], 'has an unmatched brace'],
    ['{id}}', ['id'], 'has an unmatched brace'],
    ['{{id}}', ['id'], 'has an unmatched brace'],
    ['{a}{b}', ['a', 'b'], `has two placeholders side by side in '{a}{b}'`],
    ['{a}-{b}', ['a', 'b'], `Put a ':' between them.`],
    [
      'id',
      ['id'],
      'has no placeholder, but names the parameter id: it is one key for all arguments. Did you mean {id}?',
    ],
    ['user:#id', ['id'], 'Did you mean {id}?'],
    ['user:$id', ['id'], 'Did you mean {id}?'],
    ['$id', ['$id'], 'Did you mean {$id}?'],
    [':größe', [null, 'größe'], 'Did you mean {größe}?'],
    ['{  }', ['id'], 'has the placeholder {  }, which names nothing.'],
    ['{id. }', ['id'], 'has the placeholder {id. }'],
    ['{ usr . id }', ['user'], 'Did you mean {user.id}?'],
  ])('refuses %s of parameters %j', (template, names, message) => {
    const parse = () => parseKeyTemplate(template, parameters(...names), 'Users.findOne');
    expect(parse).toThrow(message);
    expect(parse).toThrow(`The key template '${template}' of Users.findOne`);
    expect(parse).toThrow(expect.objectContaining({ code: 'RC_KEY_TEMPLATE' }));
  });

  it('takes any position where a rest parameter takes any number', () => {
    expect(parseKeyTemplate('{5}', { names: ['ids'], hasRest: true }, 'x')([0, 1, 2, 3, 4, 5])).toBe('5');
  });

  it.each(['{ids}', '{ids.length}', '{ids.0}'])('refuses %s, the name of a rest parameter', (template) => {
    const parse = () => parseKeyTemplate(template, { names: ['org', 'ids'], hasRest: true }, 'Users.findOne');
    expect(parse).toThrow(expect.objectContaining({ code: 'RC_KEY_TEMPLATE' }));
    expect(parse).toThrow(`names ${template}, but ...ids is a rest parameter`);
    expect(parse).toThrow('Use positions such as {1}:{2}, or a key function such as (...ids) => ids.');
  });

  it('asks for a position where the wrapper of another decorator hides the names', () => {
    expect(() => parseKeyTemplate('{id}', { names: ['args'], hasRest: true }, 'x')).toThrow(
      'has no parameter "id". Use a position such as {0}, or a key function.',
    );
  });

  it('takes positions, but no names, where the parameters cannot be read', () => {
    expect(parseKeyTemplate('{3}', null, 'x')([0, 1, 2, 3])).toBe('3');
    expect(() => parseKeyTemplate('{id.x}', null, 'x')).toThrow(
      'cannot be read. Use a position such as {0.x}, or a key function.',
    );
  });

  it.each([undefined, null, NaN, Infinity, {}, [], () => 1, Symbol('s')])('refuses the value %p', (value) => {
    expect(() => fill('{user.id}', ['user'], { id: value })).toThrow(
      expect.objectContaining({ code: 'RC_INVALID_KEY' }),
    );
    expect(() => fill('{user.id}', ['user'], { id: value })).toThrow(
      `{user.id} in the key template '{user.id}' of Users.findOne must be a string`,
    );
  });

  it('refuses a path that ends early', () => {
    for (const user of [undefined, null, {}]) expect(() => fill('{user.a.b}', ['user'], user)).toThrow('got undefined');
  });

  it('never makes one key of two lists of values', () => {
    const segment = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(':', '{', '}', '%', 'a', '\n', '\0', '3') }),
    );
    const templates = ['{0}:{1}', 'a{0}b:{1}', '{0}:x:{1}', '{1}:{0}'];
    fc.assert(
      fc.property(
        fc.constantFrom(...templates),
        fc.tuple(segment, segment),
        fc.tuple(segment, segment),
        (template, a, b) => {
          const identify = parseKeyTemplate(template, parameters('a', 'b'), 'x');
          expect(identify(a) === identify(b)).toBe(a[0] === b[0] && a[1] === b[1]);
          expect(identify(a)).not.toMatch(/[{}~|,\s\0]/);
        },
      ),
    );
  });
});
