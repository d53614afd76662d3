import { checksFaults } from './fixtures/faults-of-redis.js';

checksFaults({});
