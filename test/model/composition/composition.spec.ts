import { checks, checksRules } from '../suite.js';
import { CompositionModel } from './composition-model.js';
import { mutations, secondDefences } from './mutations.js';
import { ruleNames, without } from './rules.js';
import { scenarios } from './scenarios.js';

checks({
  title: 'entries that are made of one another',
  scenarios,
  mutations,
  leastStates: 1_000_000,
  modelOf: (scenario, off) => new CompositionModel(scenario, without(...off)),
});

checksRules(ruleNames, mutations, secondDefences);
