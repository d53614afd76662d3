import { checksFaults, checksLateStart } from './fixtures/faults-of-redis.js';

checksFaults({ l1: false });
checksLateStart();
