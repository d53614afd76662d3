/**
 * Text for the terminal: requests to send, in this order, and what their answers show. The e2e test sends these very
 * lines.
 */
export function whatToTry(running: {
  url: string;
  database: string;
  redisUrl: string | undefined;
  events: string;
}): string {
  const { url, database, redisUrl, events } = running;
  const json = `-H 'Content-Type: application/json'`;
  const ada = `-d '{"name":"Ada Lovelace","email":"ada@example.org","orgId":7}'`;
  const steps: [line: string, shows: string][] = [
    [`curl -i ${url}/users/42/summary`, '200, X-Cache: miss: joins and aggregates over 60,000 orders'],
    [`curl -i ${url}/users/42/summary`, '200, X-Cache: l1: compare the Server-Timing'],
    [`curl -i ${url}/users/42`, '200, X-Cache: miss'],
    [`curl -i ${url}/users/42`, '200, X-Cache: l1'],
    [`curl -i -X PUT ${url}/users/42 ${json} ${ada}`, '200: written through to the cache'],
    [`curl -i ${url}/users/42`, '200, X-Cache: l2: Ada Lovelace, and the database was not asked'],
    [`curl -i ${url}/users/42/summary`, '200, X-Cache: miss: the update evicted it'],
    [`curl -i '${url}/users?orgId=7&pageSize=3'`, '200, X-Cache: miss'],
    [`curl -i '${url}/users?orgId=7&pageSize=3'`, '200, X-Cache: l1'],
    [`curl -i -X PUT ${url}/organisations/7 ${json} -d '{"name":"Analytical Engines"}'`, '204: evicts by tag'],
    [`curl -i '${url}/users?orgId=7&pageSize=3'`, '200, X-Cache: miss: every page was evicted'],
    [`curl -i ${url}/users/42`, '200, X-Cache: miss: so was every user of the organisation'],
    [`curl -i -X DELETE ${url}/users/4711`, '204'],
    [`curl -i ${url}/users/4711`, '404, X-Cache: miss'],
    [`curl -i ${url}/users/4711`, '404, X-Cache: l1: that there is no such user is cached as well'],
    [`curl -i ${url}/cache`, '200: the counts of each region'],
    [`curl -i ${url}/health/ready`, '200: what a readiness probe of Kubernetes asks'],
  ];
  const store = redisUrl ? 'Redis at REDIS_URL' : 'embedded, in this process (REDIS_URL=redis://… for Redis)';
  return [
    '',
    `users-app listens on ${url}`,
    `  database: ${database}${database.startsWith('PGlite') ? ' (DATABASE_URL=postgres://… for a server)' : ''}`,
    `  cache:    ${store}`,
    `  events:   ${events}`,
    '',
    'Try these, one by one. X-Cache says where the answer came from, Server-Timing how many milliseconds it took.',
    '',
    ...steps.flatMap(([line, shows]) => [`  ${line}`, `    # ${shows}`]),
    '',
    'Ctrl+C ends it.',
    '',
  ].join('\n');
}
