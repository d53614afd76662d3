import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Makes a throw-away CA with a server and a client certificate in `dir`. @returns what a client needs */
export function makeCerts(dir: string): { ca: Buffer; cert: Buffer; key: Buffer } {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  openssl('req', '-x509', ...EC, '-days', '2', '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test-ca');
  writeFileSync(join(dir, 'ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  for (const [name, subject, ext] of [
    ['srv', '/CN=localhost', ['-extfile', 'ext']],
    ['cli', '/CN=client', []],
  ] as const) {
    openssl('req', ...EC, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, ...ext, '-out', `${name}.crt`);
  }
  const read = (file: string) => readFileSync(join(dir, file));
  return { ca: read('ca.crt'), cert: read('cli.crt'), key: read('cli.key') };
}

/** Lines of the server's configuration for the certificates in `dir`; `port 0` turns the plain port off. */
export function tlsConf(dir: string, tlsPort: number, { authClients = 'yes' as 'yes' | 'no' } = {}): string[] {
  return [
    `tls-port ${tlsPort}`,
    `tls-cert-file ${dir}/srv.crt`,
    `tls-key-file ${dir}/srv.key`,
    `tls-ca-cert-file ${dir}/ca.crt`,
    `tls-auth-clients ${authClients}`,
  ];
}
