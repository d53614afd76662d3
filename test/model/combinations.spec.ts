import { CoherenceModel } from './coherence-model.js';
import { mutations } from './mutations.js';
import { without } from './rules.js';
import { scenariosOfCombinations as scenarios } from './scenarios-of-combinations.js';
import { checks } from './suite.js';

checks({
  title: 'rules of different kinds',
  scenarios,
  mutations,
  leastStates: 1_500_000,
  modelOf: (scenario, off) => new CoherenceModel(scenario, without(...off)),
});
