import type { Schedule } from '../schedule.js';
import { composedSchedules } from './composed.js';
import { driverSchedules } from './driver.js';
import { groupSchedules } from './groups.js';
import { loadSchedules } from './loads.js';
import { localSchedules } from './local.js';
import { plainReadSchedules } from './plain-reads.js';
import { releaseSchedules } from './releases.js';
import { staleSchedules } from './stale.js';
import { writeSchedules } from './writes.js';

export const schedules: readonly Schedule[] = [
  ...composedSchedules,
  ...driverSchedules,
  ...groupSchedules,
  ...loadSchedules,
  ...localSchedules,
  ...plainReadSchedules,
  ...releaseSchedules,
  ...staleSchedules,
  ...writeSchedules,
];
