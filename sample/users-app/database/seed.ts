import type { Database } from './database.js';
import { completeTables, createTables } from './schema.js';

export const SEED = { organisations: 200, users: 10_000, orders: 60_000, logins: 120_000 } as const;

/**
 * Makes the tables, and fills them when there are no users. The data is generated and the same each time: big
 * organisations and small ones, people who order a lot and people who never do.
 *
 * Safe when several instances start at once: the first one seeds, the others wait.
 *
 * @returns true when the tables were empty
 */
export async function prepareDatabase(database: Database): Promise<boolean> {
  await database.execute(`${LOCK}; ${createTables}`);
  const [before] = await database.query<{ filled: boolean }>('select exists (select from users_app.users) as filled');
  if (before!.filled) return false;
  await database.execute(`${LOCK}; ${fillTables}`);
  return true;
}

/** Held to the end of the transaction. */
const LOCK = 'select pg_advisory_xact_lock(7305812)';

const FIRST_NAMES =
  'Ada,Alan,Amina,Anders,Barbara,Bjarne,Carlos,Chen,Claire,Dina,Edsger,Elena,Farid,Frances,Grace,Hana,Hedy,Ines,Ivan,Joan,Jun,Karen,Ken,Kofi,Leslie,Lin,Maria,Mei,Nadia,Niklaus,Omar,Priya,Radia,Rosa,Sofia,Tim,Uma,Vera,Yuki,Zoe';
const LAST_NAMES =
  'Abe,Adeyemi,Allen,Bauer,Berg,Castro,Costa,Dubois,Eriksen,Fischer,Garcia,Haddad,Hoffmann,Ivanov,Jansen,Johnson,Kaya,Khan,Kim,Kowalski,Laurent,Li,Lopez,Mbeki,Moreau,Mwangi,Nakamura,Novak,Okafor,Olsen,Park,Patel,Rossi,Sato,Silva,Singh,Svensson,Tanaka,Weber,Yilmaz';

/**
 * `noise(n, salt)` is a number from 0 to 1 that looks random and depends on nothing else. Squared, it makes a few rows
 * take most.
 */
const fillTables = /* sql */ `
do $seed$ begin
  if exists (select from users_app.users) then return; end if;

  create or replace function pg_temp.noise(n integer, salt bigint) returns float8 language sql immutable as
    $$ select (hashint4extended(n, salt) & 4294967295) / 4294967296.0::float8 $$;

  insert into users_app.organisations (id, name)
  select n, (array['Acme','Blue Fjord','Cobalt','Delta','Ember','Foxglove','Granite','Harbour','Iris','Juniper'])[1 + n % 10] || ' ' ||
    (array['Bank','Clinics','Energy','Foods','Freight','Labs','Media','Metals','Robotics','Schools','Software','Studios','Supply','Travel','Trust','Water','Wind','Wood','Works','Yards'])[1 + n / 10 % 20]
  from generate_series(1, ${SEED.organisations}) n;

  insert into users_app.users (id, org_id, name, email, role, active, created_at, updated_at)
  select n, org_id, first || ' ' || last, lower(first || '.' || last) || n || '@org' || org_id || '.example',
    case when pg_temp.noise(n, 3) < 0.02 then 'owner' when pg_temp.noise(n, 3) < 0.1 then 'admin' else 'member' end,
    pg_temp.noise(n, 4) < 0.95, created_at, created_at
  from (
    select n,
      1 + floor(${SEED.organisations} * pg_temp.noise(n, 5) ^ 2)::integer as org_id,
      (string_to_array('${FIRST_NAMES}', ','))[1 + floor(40 * pg_temp.noise(n, 1))::integer] as first,
      (string_to_array('${LAST_NAMES}', ','))[1 + floor(40 * pg_temp.noise(n, 2))::integer] as last,
      timestamptz '2024-01-01 00:00Z' + interval '700 days' * pg_temp.noise(n, 6) as created_at
    from generate_series(1, ${SEED.users}) n
  ) person;

  insert into users_app.orders (user_id, status, amount_cents, created_at)
  select 1 + floor(${SEED.users} * pg_temp.noise(n, 7) ^ 2)::integer,
    case when pg_temp.noise(n, 8) < 0.9 then 'paid' when pg_temp.noise(n, 8) < 0.97 then 'open' else 'refunded' end,
    200 + floor(50000 * pg_temp.noise(n, 9) ^ 4)::integer,
    timestamptz '2025-12-01 00:00Z' + interval '200 days' * pg_temp.noise(n, 10)
  from generate_series(1, ${SEED.orders}) n;

  insert into users_app.logins (user_id, succeeded, created_at)
  select 1 + floor(${SEED.users} * pg_temp.noise(n, 11))::integer, pg_temp.noise(n, 12) < 0.97,
    timestamptz '2025-12-01 00:00Z' + interval '200 days' * pg_temp.noise(n, 13)
  from generate_series(1, ${SEED.logins}) n;

  ${completeTables}
  perform setval(pg_get_serial_sequence('users_app.organisations', 'id'), ${SEED.organisations}),
    setval(pg_get_serial_sequence('users_app.users', 'id'), ${SEED.users});
  analyze users_app.organisations, users_app.users, users_app.orders, users_app.logins;
end $seed$;
`;
