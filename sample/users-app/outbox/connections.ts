import { Kafka, logLevel } from 'kafkajs';
import { USER_EVENTS } from './domain-event.js';

/**
 * The connection of Nest's Redis transport. Without `retryAttempts` it would end for good with the first lost
 * connection.
 */
export function redisConnection(redisUrl: string) {
  const { protocol, hostname, port, username, password } = new URL(redisUrl);
  return {
    host: hostname,
    port: Number(port || 6379),
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
    retryAttempts: Number.MAX_SAFE_INTEGER,
    retryDelay: 500,
  };
}

/** Nest's listener ends with an error when there is no such topic. */
export async function makeTopic(clientId: string, brokers: readonly string[]): Promise<void> {
  const admin = new Kafka({ ...kafkaClient(clientId, brokers), logLevel: logLevel.NOTHING }).admin();
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: USER_EVENTS, numPartitions: 3 }], waitForLeaders: true });
  } finally {
    await admin.disconnect();
  }
}

export function kafkaClient(clientId: string, brokers: readonly string[]) {
  return { clientId, brokers: [...brokers] };
}
