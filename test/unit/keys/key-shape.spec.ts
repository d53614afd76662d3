import { expect, it } from '@jest/globals';
import { keyShapeOf, mayMeet } from '../../../lib/keys/key-shape.js';

type Key = Parameters<typeof keyShapeOf>[0];

const meet = (one: Key, other: Key) => [
  mayMeet(keyShapeOf(one), keyShapeOf(other)),
  mayMeet(keyShapeOf(other), keyShapeOf(one)),
];

it.each<[Key, Key]>([
  ['{id}', '{email}'],
  ['{user.id}', '{0}'],
  ['id:{0}', 'id:{name}'],
  ['{0}:{1}', 'user:{id}'],
  ['user-{id}', 'user-{name}'],
  ['user-{id}', 'user-all'],
  ['{id}', 'all'],
  ['a-{id}', '{id}-z'],
  [(id: number) => id, (email: string) => email],
  [(id: number) => id, '{id}'],
  [(mail: string) => ['by-email', mail], 'by-email:{0}'],
  [(mail: string) => `mail-${mail}`, 'mail-{mail}'],
])('%s may be what %s makes', (one, other) => {
  expect(meet(one, other)).toEqual([true, true]);
});

it.each<[Key, Key]>([
  ['id:{0}', 'mail:{0}'],
  ['{id}', '{id}:{page}'],
  ['user-{id}', 'mail-{id}'],
  ['{id}-a', '{id}-b'],
  ['user-{id}', 'user-'],
  ['all', 'none'],
  [(id: number) => id, 'mail:{0}'],
  [(id: number) => id, (mail: string) => ['by-email', mail]],
  [(id: number) => ['by-id', id], (mail: string) => ['by-email', mail]],
  [(id: number) => ['by-id', id], 'by-email:{0}'],
  [(id: number) => `id-${id}`, (mail: string) => 'mail-' + mail],
  [
    function (id: number) {
      return ['by-id', id];
    },
    (mail: string) => ['by-email', mail],
  ],
])('%s is never what %s makes', (one, other) => {
  expect(meet(one, other)).toEqual([false, false]);
});
