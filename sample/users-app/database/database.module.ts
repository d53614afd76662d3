import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { SETTINGS, type Settings } from '../settings.js';
import { SettingsModule } from '../settings.module.js';
import { DATABASE, type Database } from './database.js';
import { PostgresDatabase } from './postgres-database.js';
import { TracedDatabase } from './traced-database.js';

@Module({
  imports: [SettingsModule],
  providers: [
    {
      provide: DATABASE,
      inject: [SETTINGS],
      useFactory: async ({ databaseUrl }: Settings) =>
        new TracedDatabase(databaseUrl ? new PostgresDatabase(databaseUrl) : await openPglite()),
    },
  ],
  exports: [DATABASE],
})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Runs after the HTTP server has answered its last request. */
  async onApplicationShutdown(): Promise<void> {
    await this.database.close();
  }
}

/** Loaded when it is needed. */
async function openPglite(): Promise<Database> {
  const { PgliteDatabase } = await import('./pglite-database.js');
  return PgliteDatabase.open();
}
