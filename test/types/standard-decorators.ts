import { Cacheable } from '../../lib/index.js';

/** Compiled with `experimentalDecorators` off by decorator-types.spec.ts alone. */
export class Users {
  @Cacheable({ key: (id: number) => id })
  async find(id: number): Promise<number> {
    return id;
  }

  @Cacheable<Users['findAgain']>({ key: (id) => id })
  async findAgain(id: number): Promise<number> {
    return id;
  }
}
