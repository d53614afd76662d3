import type { DynamicModule, FactoryProvider } from '@nestjs/common';
import { type ASYNC_OPTIONS_TYPE, MODULE_OPTIONS_TOKEN } from './redis-cache.module-definition.js';
import { CacheError, describeValue } from './shared/errors.js';

const SOURCES = ['useFactory', 'useClass', 'useExisting'] as const;
type Source = (typeof SOURCES)[number];
type Written = Partial<Record<Source, unknown>>;

/**
 * Which of its three forms `forRootAsync` was given.
 *
 * @throws CacheError RC_INVALID_OPTION when it is none, or not what it must be
 */
export function asyncSourceOf(options: typeof ASYNC_OPTIONS_TYPE): Source {
  const written = options as Written | null | undefined;
  const source = SOURCES.find((name) => written?.[name] != null);
  if (source === undefined) {
    throw invalid(
      `RedisCacheModule.forRootAsync needs useFactory, useClass or useExisting, got ${namesIn(written)}.`,
      `Write forRootAsync({ inject: [ConfigService], useFactory: (config) => ({ service: '…' }) }).`,
    );
  }
  const value = written![source];
  if (source !== 'useExisting' && typeof value !== 'function') {
    throw invalid(
      `${source} of RedisCacheModule.forRootAsync must be a ${source === 'useClass' ? 'class' : 'function'}, got ${describeValue(value)}.`,
      `Give one that makes { service: '…' }.`,
    );
  }
  return source;
}

function namesIn(written: unknown): string {
  if (typeof written !== 'object' || written === null) return describeValue(written);
  return `{ ${Object.keys(written).join(', ')} }`.replace('{  }', '{}');
}

/** The module with its options checked when they are made, where it is still known what made them. */
export function withCheckedOptions(definition: DynamicModule, source: Source): DynamicModule {
  const providers = (definition.providers ?? []).map((provider) =>
    isOptionsProvider(provider) ? { ...provider, useFactory: checked(provider.useFactory, source) } : provider,
  );
  return { ...definition, providers };
}

function isOptionsProvider(provider: unknown): provider is FactoryProvider {
  return (provider as FactoryProvider).provide === MODULE_OPTIONS_TOKEN;
}

function checked(make: FactoryProvider['useFactory'], source: Source): FactoryProvider['useFactory'] {
  return async (...injected: unknown[]) => {
    if (source !== 'useFactory') checkFactory(injected[0], source);
    const options: unknown = await make(...injected);
    if (typeof options === 'object' && options !== null) return options;
    throw invalid(
      `${source === 'useFactory' ? 'useFactory' : `createRedisCacheOptions of ${source}`} of RedisCacheModule.forRootAsync must return the options, got ${describeValue(options)}.`,
      `Return an object such as { service: '…' }.`,
    );
  };
}

function checkFactory(factory: unknown, source: Source): void {
  if (typeof (factory as { createRedisCacheOptions?: unknown } | null)?.createRedisCacheOptions === 'function') return;
  throw invalid(
    `${source} of RedisCacheModule.forRootAsync must have a method createRedisCacheOptions, got ${describeValue(factory)}.`,
    `Let the class implement RedisCacheOptionsFactory, or write useFactory.`,
  );
}

function invalid(what: string, cure: string): CacheError {
  return new CacheError('RC_INVALID_OPTION', `${what} ${cure}`);
}
