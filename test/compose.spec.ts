import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import { readSettings as profileSettings } from '../sample/profile-app/settings.js';
import { readSettings as usersSettings } from '../sample/users-app/settings.js';

interface Service {
  image?: string;
  build?: { context: string; dockerfile: string };
  command?: string;
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: object;
}

const root = join(import.meta.dirname, '..');
const text = (path: string) => readFileSync(join(root, path), 'utf8');
const { services, volumes } = load(text('docker-compose.yml')) as {
  services: Record<string, Service>;
  volumes: Record<string, null>;
};
const environmentOf = (name: string) => services[name]!.environment!;

describe('docker-compose.yml', () => {
  it('brings up three servers and both samples', () => {
    expect(Object.keys(services)).toEqual(['redis', 'postgres', 'kafka', 'users-app', 'profile-app']);
  });

  it('keeps what Redis acknowledged: AOF, and snapshots', () => {
    expect(services['redis']!.command).toBe('redis-server --appendonly yes --save 900 1');
    expect(services['redis']!.volumes).toEqual(['redis-data:/data']);
  });

  it.each(Object.entries(services))(
    '%s is reached from this machine only, and keeps its data in a named volume',
    (_, one) => {
      for (const port of one.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
      for (const volume of one.volumes ?? []) expect(Object.keys(volumes)).toContain(volume.split(':')[0]);
    },
  );

  it.each(Object.entries(services))(
    '%s waits for services that tell when they are ready',
    (_, { depends_on: others = {} }) => {
      for (const [other, { condition }] of Object.entries(others)) {
        expect({ condition, isChecked: services[other]?.healthcheck !== undefined }).toEqual({
          condition: 'service_healthy',
          isChecked: true,
        });
      }
    },
  );

  it('gives the samples settings that they read, and addresses of its own services', () => {
    const users = usersSettings(environmentOf('users-app'));
    const profile = profileSettings(environmentOf('profile-app'));
    expect(users).toEqual({
      host: '0.0.0.0',
      port: 3000,
      tcpPort: 4000,
      redisUrl: 'redis://redis:6379',
      databaseUrl: 'postgres://users:users@postgres:5432/users',
      kafkaBrokers: ['kafka:9092'],
    });
    expect(profile).toEqual({
      host: '0.0.0.0',
      port: 3001,
      users: { host: 'users-app', port: users.tcpPort },
      redisUrl: users.redisUrl,
      kafkaBrokers: users.kafkaBrokers,
    });
    const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = environmentOf('postgres');
    const { username, password, pathname } = new URL(users.databaseUrl!);
    expect([username, password, pathname]).toEqual([POSTGRES_USER, POSTGRES_PASSWORD, `/${POSTGRES_DB}`]);
    expect(environmentOf('kafka')['KAFKA_ADVERTISED_LISTENERS']).toContain(`PLAINTEXT://${users.kafkaBrokers![0]}`);
  });

  it('gives each sample no variable that it does not read', () => {
    const reads = (folder: string) => text(`sample/${folder}/settings.ts`) + text('sample/users-app/settings.ts');
    for (const name of ['users-app', 'profile-app']) {
      const unknown = Object.keys(environmentOf(name)).filter((variable) => !reads(name).includes(variable));
      expect({ name, unknown }).toEqual({ name, unknown: [] });
    }
  });

  it('runs what the Dockerfile builds', () => {
    const { projects } = JSON.parse(text('nest-cli.json')) as { projects: Record<string, { entryFile: string }> };
    for (const name of ['users-app', 'profile-app']) {
      const { build, command } = services[name]!;
      expect(existsSync(join(root, build!.context, build!.dockerfile))).toBe(true);
      expect(command).toBe(`node dist-sample/${name}/${projects[name]!.entryFile}.js`);
    }
  });

  it('uses the Kafka that the tests use', () => {
    const version = /<version>(.+?)<\/version>/.exec(text('test/support/kafka/pom.xml'))![1];
    expect(services['kafka']!.image).toBe(`apache/kafka:${version}`);
  });
});

describe('sample/Dockerfile', () => {
  const lines = text('sample/Dockerfile').split('\n');

  it('runs scripts and builds projects that there are', () => {
    const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> };
    const { projects } = JSON.parse(text('nest-cli.json')) as { projects: Record<string, object> };
    const run = lines.filter((line) => line.startsWith('RUN')).join('\n');
    for (const [, script] of run.matchAll(/npm run ([\w:]+)/g)) expect(Object.keys(scripts)).toContain(script);
    for (const [, project] of run.matchAll(/nest build ([\w-]+)/g)) expect(Object.keys(projects)).toContain(project);
  });

  it('does not run as root', () => {
    expect(lines.findIndex((line) => line === 'USER node')).toBeGreaterThan(
      lines.findLastIndex((line) => line.startsWith('RUN')),
    );
  });
});
