import type { State } from './layout.js';
import { MESSAGE_SIZE, type World } from './world.js';

export const MESSAGE = { entry: 1, tag: 2, clear: 3, flush: 4, other: 5 } as const;
export type MessageKind = (typeof MESSAGE)[keyof typeof MESSAGE];

/** Messages on their way to each instance, in order. */
export class ChannelModel {
  constructor(private readonly world: World) {}

  publish(s: State, kind: MessageKind, stamp: number): void {
    const { world } = this;
    for (let instance = 0; instance < world.instances; instance++) {
      if (s[world.kCutOff + instance]) continue;
      const count = s[world.queued + instance]!;
      if (count === world.queueLength) {
        if (world.scenario.losesMessages) continue;
        throw new Error(`${world.scenario.name}: the queue is too short for messages that must not be lost`);
      }
      const at = this.at(instance, count);
      s[at] = kind;
      s[at + 1] = s[world.mInc]!;
      s[at + 2] = s[world.mSeq]!;
      s[at + 3] = stamp;
      s[world.queued + instance] = count + 1;
    }
  }

  head(s: State, instance: number): { kind: number; inc: number; seq: number; stamp: number } {
    const at = this.at(instance, 0);
    return { kind: s[at]!, inc: s[at + 1]!, seq: s[at + 2]!, stamp: s[at + 3]! };
  }

  dropHead(s: State, instance: number): void {
    const { world } = this;
    const count = s[world.queued + instance]! - 1;
    const start = this.at(instance, 0);
    s.copyWithin(start, this.at(instance, 1), this.at(instance, count + 1));
    s.fill(0, this.at(instance, count), this.at(instance, count + 1));
    s[world.queued + instance] = count;
  }

  private at(instance: number, position: number): number {
    return this.world.queue + (instance * this.world.queueLength + position) * MESSAGE_SIZE;
  }
}
