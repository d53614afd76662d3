import { CoherenceModel } from './coherence-model.js';
import { mutations } from './mutations.js';
import { without } from './rules.js';
import { scenariosOfInstances as scenarios } from './scenarios-of-instances.js';
import { checks } from './suite.js';

checks({
  title: 'reads of instances',
  scenarios,
  mutations,
  leastStates: 5_000_000,
  modelOf: (scenario, off) => new CoherenceModel(scenario, without(...off)),
});
