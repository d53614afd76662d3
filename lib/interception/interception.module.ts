import { Module } from '@nestjs/common';
import { ApplicationModule } from '../application/application.module.js';
import { getCallPlannerToken } from '../shared/tokens.js';
import { ApplicationPlanner } from './application-planner.js';

/** Runs the decorated methods of an application: once, however many caches it has. */
@Module({
  imports: [ApplicationModule],
  providers: [ApplicationPlanner, { provide: getCallPlannerToken(), useExisting: ApplicationPlanner }],
  exports: [ApplicationPlanner],
})
export class InterceptionModule {}
