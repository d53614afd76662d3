import { Inject, Injectable } from '@nestjs/common';
import type { ClientProxy } from '@nestjs/microservices';
import { Cacheable, InvalidateOn } from 'nestjs-redis-cache';
import { lastValueFrom, timeout } from 'rxjs';
import { type Profile, profileOf, type UserAnswer } from './profile.js';

/** Injection token of the client of the users app. */
export const USERS = Symbol('USERS');

/** On whatever shows the name of an organisation. */
const orgTag = (orgId: number): string => `org:${orgId}`;

interface UserEvent {
  userId: number;
  version: number;
}

/** What this service caches is another service's: only its events can tell that it has changed. */
@Injectable()
@InvalidateOn('OrganisationRenamed', (event: { orgId: number }) => ({ tags: [orgTag(event.orgId)] }))
export class ProfilesService {
  constructor(@Inject(USERS) private readonly users: ClientProxy) {}

  /**
   * The version makes events harmless that come twice, or late: an entry that was loaded after the change stays.
   * `staleIfError` answers while the users app is away. That there is no such user is cached as well, until
   * `UserCreated`.
   */
  @InvalidateOn('User*', ({ userId, version }: UserEvent) => ({ key: userId, version }))
  @Cacheable<ProfilesService['find']>({
    region: 'card',
    key: (id) => id,
    version: (profile) => profile?.version ?? 0,
    tags: (profile) => (profile ? [orgTag(profile.organisation.id)] : []),
  })
  async find(id: number): Promise<Profile | null> {
    const answer = this.users.send<UserAnswer | null>('users.find', id).pipe(timeout(2_000));
    const user = await lastValueFrom(answer, { defaultValue: null });
    return user && profileOf(user);
  }
}
