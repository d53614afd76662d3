import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes the configuration of one broker that is its own controller. @returns the path of the file */
export function writeProperties(directory, { port, controllerPort, data }) {
  const path = join(directory, 'server.properties');
  writeFileSync(path, serverProperties({ port, controllerPort, data }));
  return path;
}

const serverProperties = ({ port, controllerPort, data }) => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${data}
num.partitions=3
auto.create.topics.enable=true
# one broker: without these no group ever finds its coordinator
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# tests send messages of 10 MB
message.max.bytes=16777216
num.network.threads=2
num.io.threads=2
log.index.size.max.bytes=1048576
`;
