import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import { type Type, VersioningType } from '@nestjs/common';
import { type ApplicationConfig, DiscoveryService, type ModuleRef, ModulesContainer } from '@nestjs/core';
import type { NestContainer } from '@nestjs/core/injector/container.js';
import type { AnyFunction } from '../operations/method-types.js';
import type { Exchange } from './exchange.js';
import { RoutePipes } from './route-pipes.js';
import { combined } from './gateway/header-fields.js';

/** What of an application's set-up its cached routes depend on. */
export class NestApplication {
  private readonly container: NestContainer;
  private readonly config: ApplicationConfig;
  private readonly discovery: DiscoveryService;

  constructor(moduleRef: ModuleRef) {
    this.container = containerOf(moduleRef);
    this.config = this.container.applicationConfig!;
    this.discovery = new DiscoveryService(moduleRef.get(ModulesContainer, { strict: false }));
  }

  controllers(): readonly Type<unknown>[] {
    return this.discovery.getControllers().flatMap(({ metatype }) => (metatype ? [metatype as Type<unknown>] : []));
  }

  /** The pipes and parameter decorators of a handler; null: it has none. */
  pipesOf(runtimeClass: Type<unknown>, handler: AnyFunction): RoutePipes | null {
    const wrapper = this.discovery.getControllers().find(({ metatype }) => metatype === runtimeClass);
    return wrapper ? RoutePipes.of(this.container, this.config, wrapper, handler) : null;
  }

  /**
   * Whether an interceptor stands outside of this one on the handler, which may change bodies that come from it.
   */
  hasOuterInterceptors(interceptor: Type<unknown>, runtimeClass: Type<unknown>, handler: AnyFunction): boolean {
    const bound = (target: object) => (Reflect.getMetadata(INTERCEPTORS_METADATA, target) ?? []) as unknown[];
    // REQUEST-scoped ones have no instance yet, and stand after the others
    const scoped = this.config.getGlobalRequestInterceptors().map(({ metatype }) => metatype as unknown);
    const all = [...this.config.getGlobalInterceptors(), ...scoped, ...bound(runtimeClass), ...bound(handler)];
    return all.findIndex((one) => one === interceptor || (one as object).constructor === interceptor) !== 0;
  }

  /** The version that a request has asked for, where the path does not say. */
  versionOf(exchange: Exchange): string {
    const versioning = this.config.getVersioning();
    switch (versioning?.type) {
      case VersioningType.HEADER:
        return combined(exchange.headers, versioning.header.toLowerCase()) ?? '';
      case VersioningType.MEDIA_TYPE:
        return (
          combined(exchange.headers, 'accept')
            ?.split(';')
            .find((one) => one.includes(versioning.key))
            ?.trim() ?? ''
        );
      case VersioningType.CUSTOM:
        return [versioning.extractor(exchange.request)].flat().join(',');
      default:
        return '';
    }
  }
}

/** Global enhancers and versioning are told by no provider of Nest's. */
function containerOf(moduleRef: ModuleRef): NestContainer {
  const { container } = moduleRef as unknown as { container?: NestContainer };
  if (container?.applicationConfig) return container;
  throw new Error("RedisCacheInterceptor cannot read the application's set-up in this version of Nest.");
}
