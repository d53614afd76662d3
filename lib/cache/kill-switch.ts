import type { ResolvedOptions } from '../options/resolved-options.js';
import type { LoggerPort } from '../shared/logger.js';

/** What was switched off at run time: the whole cache, or regions by name. Each change is told in one line. */
export class KillSwitch {
  private isAllOff = false;
  private readonly names = new Set<string>();

  constructor(
    private readonly options: Pick<ResolvedOptions, 'name' | 'enabled'>,
    private readonly logger: LoggerPort,
  ) {}

  /** The whole cache. */
  get isOff(): boolean {
    return this.isAllOff;
  }

  /** Those that were switched off by name. */
  get offRegions(): string[] {
    return [...this.names];
  }

  isOffFor(region: string): boolean {
    return this.isAllOff || this.names.has(region);
  }

  /** @returns false: it stands so already */
  set(isEnabled: boolean): boolean {
    if (this.isAllOff === !isEnabled) return false;
    this.isAllOff = !isEnabled;
    this.tell(`Cache "${this.options.name}"`, isEnabled);
    return true;
  }

  /** @returns false: it stands so already */
  setRegion(region: string, isEnabled: boolean): boolean {
    if (this.names.has(region) === !isEnabled) return false;
    if (isEnabled) this.names.delete(region);
    else this.names.add(region);
    this.tell(`Region "${region}" of cache "${this.options.name}"`, isEnabled);
    return true;
  }

  private tell(what: string, isEnabled: boolean): void {
    const { options, logger } = this;
    if (!options.enabled) logger.warn(`${what}: its switch does nothing, since the option enabled is false.`);
    else if (isEnabled) logger.log(`${what} was switched on: reads use it again.`);
    else logger.warn(`${what} was switched off: reads load, nothing is put, evictions are still sent.`);
  }
}
