import { AsyncResource } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { BucketView } from '../../../lib/cache/bucket-view.js';
import type { EntryCall } from '../../../lib/cache/entry-call.js';
import { Flight } from '../../../lib/cache/flight.js';
import { type LoadScope, LoadScopes } from '../../../lib/cache/load-scopes.js';
import { gate } from '../../support/fake-clock.js';

const aScope = (within?: LoadScope, takesLoadsOnly = false): LoadScope => ({
  isTainted: false,
  beganAtMs: 1_000,
  held: null,
  flight: null,
  takesLoadsOnly,
  within,
});

describe('an answer that must not outlive its call, whose call may be part of any load', () => {
  it('taints the loads that had begun by then and run still, and no other', () => {
    const scopes = new LoadScopes(false);
    const [ended, running, later] = [aScope(), aScope(), aScope()];
    scopes.run(ended, () => {});
    scopes.ended(ended);
    scopes.run(running, () => {});
    const { moment } = scopes;
    scopes.run(later, () => {});
    scopes.taint(undefined, moment);
    expect([ended, running, later].map(({ isTainted }) => isTainted)).toEqual([false, true, false]);
    for (const scope of [running, later]) scopes.ended(scope);
  });
});

/** From Node 24 on. */
const scopesOf = () => new LoadScopes(true);

describe('work that outlives the method that began it', () => {
  it('is no part of its load any more, but of the load around it', async () => {
    const scopes = scopesOf();
    const outer = aScope();
    const inner = aScope(outer, true);
    const later = gate();
    const view = new BucketView('flush');
    let detached!: Promise<[LoadScope | undefined, boolean]>;
    await scopes.run(outer, async () => {
      await scopes.run(inner, async () => {
        detached = later.promise.then(() => [scopes.current(), scopes.admits(view)]);
        expect(scopes.current()).toBe(inner);
        expect(scopes.admits(view)).toBe(false);
      });
      scopes.ended(inner);
      later.open();
      // a part of the outer load, which needs a proof later than its lease
      expect(await detached).toEqual([outer, false]);
    });
  });

  it('may be served from L1 when no load is left', async () => {
    const scopes = scopesOf();
    const scope = aScope(undefined, true);
    const later = gate();
    let detached!: Promise<boolean>;
    await scopes.run(scope, async () => {
      detached = later.promise.then(() => scopes.admits(new BucketView('flush')));
    });
    scopes.ended(scope);
    later.open();
    expect(await detached).toBe(true);
  });

  it('keeps nothing of the load in memory', () => {
    const scopes = scopesOf();
    const scope = { ...aScope(), flight: new Flight('k', {} as EntryCall, undefined, 0) };
    scopes.run(scope, () => {});
    scopes.ended(scope);
    expect(scope.flight).toBeNull();
  });
});

/** From then on AsyncLocalStorage rests on AsyncContextFrame, which costs nothing where nobody is in a scope. */
const isHooked = Number(process.versions.node.split('.')[0]) < 24;

describe('AsyncLocalStorage', () => {
  const reach = { bucketCount: 1, hasLocal: true };
  const isKnownLater = async (scopes: LoadScopes) => {
    const scope = aScope();
    const found = await scopes.run(scope, async () => {
      await Promise.resolve();
      return scopes.current();
    });
    return found === scope;
  };

  const name =
    'is left with the last cache of the process, and used again with the next (before Node 24 it costs every promise)';
  (isHooked ? it : it.skip)(name, async () => {
    const scopes = scopesOf();
    scopes.opened(reach);
    scopes.opened(reach);
    let later!: () => LoadScope | undefined;
    const scope = aScope();
    scopes.run(scope, () => (later = AsyncResource.bind(() => scopes.current())));
    scopes.closed(reach);
    expect(later()).toBe(scope);
    scopes.closed(reach);
    // what runs still is told of itself
    expect(later()).toBe(scope);
    const other = aScope();
    const inOther: () => unknown = scopes.run(other, () => AsyncResource.bind(() => scopes.current()));
    scopes.ended(scope);
    expect(inOther()).toBe(other);
    scopes.ended(other);
    delete other.hasEnded;
    expect(inOther()).toBeUndefined();
    scopes.opened(reach);
    expect(await isKnownLater(scopes)).toBe(true);
  });
});
