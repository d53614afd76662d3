/** Text for the terminal. @param usersUrl of the users app in this process; undefined: it is another one's */
export function whatToTry(running: { url: string; usersUrl: string | undefined; events: string }): string {
  const { url, events } = running;
  const usersUrl = running.usersUrl ?? 'http://127.0.0.1:3000';
  const json = `-H 'Content-Type: application/json'`;
  const grace = `-d '{"name":"Grace Hopper","email":"grace@example.org","orgId":7}'`;
  return [
    '',
    `profile-app listens on ${url}${running.usersUrl ? `, users-app on ${usersUrl}` : ''}`,
    `  events:   ${events}`,
    '',
    'Try these, one by one:',
    '',
    `  curl -i ${url}/profiles/42`,
    '    # 200: asked from the users app by TCP, and cached',
    `  curl -i -X PUT ${usersUrl}/users/42 ${json} ${grace}`,
    '    # 200: the change and its event are committed together, then published',
    `  curl -i ${url}/profiles/42`,
    '    # 200: Grace Hopper; the event has evicted the old profile',
    `  curl -i ${url}/events`,
    '    # 200: what has been heard, and applied',
    '',
    'Ctrl+C ends it.',
    '',
  ].join('\n');
}
