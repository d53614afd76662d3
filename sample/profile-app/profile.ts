/** What the users app answers, as JSON. */
export interface UserAnswer {
  id: number;
  name: string;
  email: string;
  role: string;
  organisation: { id: number; name: string };
  version: number;
}

/** What this service shows of a user. */
export interface Profile {
  id: number;
  name: string;
  title: string;
  organisation: { id: number; name: string };
  version: number;
}

export function profileOf({ id, name, role, organisation, version }: UserAnswer): Profile {
  return { id, name, title: `${role} of ${organisation.name}`, organisation, version };
}
