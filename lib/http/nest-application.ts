import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import { type Type, VersioningType } from '@nestjs/common';
import type { ApplicationConfig, ModuleRef } from '@nestjs/core';
import type { AnyFunction } from '../operations/method-types.js';
import type { Exchange } from './exchange.js';
import { combined } from './gateway/header-fields.js';

/** What of an application's set-up its cached routes depend on. */
export class NestApplication {
  private readonly config: ApplicationConfig | undefined;

  constructor(moduleRef: ModuleRef) {
    // no provider of Nest's hands it out
    this.config = (moduleRef as unknown as { container?: { applicationConfig?: ApplicationConfig } }).container
      ?.applicationConfig;
  }

  /**
   * Whether an interceptor stands outside of this one on the handler, which may change bodies that come from it. Where that cannot be
   * seen, one does.
   */
  hasOuterInterceptors(interceptor: Type<unknown>, runtimeClass: Type<unknown>, handler: AnyFunction): boolean {
    if (this.config === undefined) return true;
    const bound = (target: object) => (Reflect.getMetadata(INTERCEPTORS_METADATA, target) ?? []) as unknown[];
    const all = [...this.config.getGlobalInterceptors(), ...bound(runtimeClass), ...bound(handler)];
    return all.findIndex((one) => one === interceptor || (one as object).constructor === interceptor) !== 0;
  }

  /** The version that a request has asked for, where the path does not say. */
  versionOf(exchange: Exchange): string {
    const versioning = this.config?.getVersioning();
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
