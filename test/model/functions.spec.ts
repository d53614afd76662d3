import { CoherenceModel } from './coherence-model.js';
import { mutations, secondDefences } from './mutations.js';
import { ruleNames, without } from './rules.js';
import { scenariosOfFunctions as scenarios } from './scenarios-of-functions.js';
import { checks, checksRules } from './suite.js';

checks({
  title: 'reads by function',
  scenarios,
  mutations,
  leastStates: 5_000_000,
  modelOf: (scenario, off) => new CoherenceModel(scenario, without(...off)),
});

checksRules(ruleNames, mutations, secondDefences);
