export const ROLES = ['member', 'admin', 'owner'] as const;
export type Role = (typeof ROLES)[number];

/** A user as the API shows it; the name of the organisation comes from a join. */
export interface User {
  id: number;
  name: string;
  email: string;
  role: Role;
  active: boolean;
  organisation: { id: number; name: string };
  createdAt: Date;
  updatedAt: Date;
  /** Raised by the database with each update of the row. */
  version: number;
}

/** What a client sends to create or replace a user. */
export interface UserInput {
  name: string;
  email: string;
  role: Role;
  active: boolean;
  orgId: number;
}

export interface UserQuery {
  /** From 1. */
  page: number;
  pageSize: number;
  orgId?: number | undefined;
  /** Part of the name or of the e-mail address, in any case. */
  search?: string | undefined;
}

export interface UserPage {
  items: User[];
  /** Users that match, on all pages. */
  total: number;
  page: number;
  pageSize: number;
}

/** The figures of a profile page; amounts in cents. */
export interface UserSummary {
  id: number;
  name: string;
  organisation: { id: number; name: string };
  orders: { count: number; totalCents: number; lastAt: Date | null };
  logins: { count: number; failedCount: number; lastAt: Date | null };
  /** 1 is the user of the organisation who spent most. */
  rankInOrganisation: number;
  /** Share of all users who spent less, 0 to 1. */
  spendsMoreThan: number;
}
