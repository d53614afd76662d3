import type { Channel, ChannelMessage } from '../channel.js';
import type { MemoryServer } from './memory-server.js';

/** The coherence channel within one process: nothing is lost, everything arrives later and in order. */
export class MemoryChannel implements Channel {
  private unsubscribe: () => void = () => {};

  constructor(private readonly server: MemoryServer) {}

  async open(listener: (message: ChannelMessage) => void): Promise<void> {
    this.unsubscribe = this.server.subscribe(listener);
  }

  async close(): Promise<void> {
    this.unsubscribe();
  }
}
