import { openMemoryChannelHarness } from '../support/memory-harness.js';
import { describeChannel } from './channel.contract.js';

describeChannel('memory', () => openMemoryChannelHarness(), {
  'what is not a message is dropped, and what follows arrives':
    'messages pass as objects within the process: nothing else can be published',
});
