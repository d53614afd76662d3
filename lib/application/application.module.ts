import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { CacheRegistry } from './cache-registry.js';
import { DeclaredMethods } from './declared-methods.js';

/**
 * What an application has once, however many caches and doors it has: which caches there are, and which methods are
 * decorated. Each door's module imports this one. Nest instantiates a static module once per application.
 */
@Module({
  imports: [DiscoveryModule],
  providers: [CacheRegistry, DeclaredMethods],
  exports: [CacheRegistry, DeclaredMethods],
})
export class ApplicationModule {}
