import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ApplicationPlanner } from './interception/application-planner.js';
import { CacheDiscovery } from './interception/cache-discovery.js';
import { CacheRegistry } from './interception/cache-registry.js';
import { getCallPlannerToken } from './shared/tokens.js';

/** What an application has once, however many caches it has. Nest instantiates a static module once per application. */
@Module({
  imports: [DiscoveryModule],
  providers: [
    CacheRegistry,
    ApplicationPlanner,
    CacheDiscovery,
    { provide: getCallPlannerToken(), useExisting: ApplicationPlanner },
  ],
  exports: [CacheRegistry, CacheDiscovery],
})
export class RedisCacheCoreModule {}
