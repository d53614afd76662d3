/** The topic, or channel, of all events of this service. */
export const USER_EVENTS = 'user-events';

/** What other services hear of. `version` is the row's: of two events the higher one is the later one. */
export type DomainEvent =
  | { type: 'UserCreated' | 'UserUpdated' | 'UserDeleted'; userId: number; version: number }
  | { type: 'OrganisationRenamed'; orgId: number };

/** Events of one key are published in the order of their commits. */
export function keyOf(event: DomainEvent): string {
  return 'userId' in event ? `user:${event.userId}` : `organisation:${event.orgId}`;
}
