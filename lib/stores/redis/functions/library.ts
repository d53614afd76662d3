import { entries } from './entries.lua.js';
import { evict } from './evict.lua.js';
import { fence } from './fence.lua.js';
import { fences } from './fences.lua.js';
import { fill } from './fill.lua.js';
import { identity } from './identity.lua.js';
import { mark } from './mark.lua.js';
import { marks } from './marks.lua.js';
import { poll } from './poll.lua.js';
import { probe } from './probe.lua.js';
import { LIBRARY_NAME } from './protocol-version.js';
import { put } from './put.lua.js';
import { readOrLease } from './read-or-lease.lua.js';
import { release } from './release.lua.js';
import { softEvict } from './soft-evict.lua.js';
import { survey } from './survey.lua.js';
import { unfence } from './unfence.lua.js';

/** The whole library, as FUNCTION LOAD takes it. Loaded without REPLACE. */
export const libraryText: string = [
  `#!lua name=${LIBRARY_NAME}`,
  identity,
  entries,
  fences,
  marks,
  readOrLease,
  fill,
  evict,
  softEvict,
  fence,
  unfence,
  put,
  mark,
  release,
  poll,
  survey,
  probe,
].join('\n');
