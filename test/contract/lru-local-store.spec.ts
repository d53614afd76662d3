import { ENTRY_OVERHEAD_BYTES, LruLocalStore } from '../../lib/stores/memory/lru-local-store.js';
import { describeLocalStore } from './local-store.contract.js';

describeLocalStore('LRU', async () => ({
  open: (bounds) => new LruLocalStore(bounds),
  overheadBytes: ENTRY_OVERHEAD_BYTES,
  close: async () => {},
}));
