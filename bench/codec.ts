// What do the codecs cost beside JSON.stringify and JSON.parse, and beside a reviver? npm run bench -- codec
import { JsonCodec } from '../lib/codecs/json-codec.js';
import { MsgpackCodec } from '../lib/codecs/msgpack-codec.js';
import { ValuePipeline } from '../lib/values/value-pipeline.js';
import { type Candidate, measure, report } from './support/measure.js';

const json = new JsonCodec();
const msgpack = new MsgpackCodec();
const pipelineOf = (codec: JsonCodec | MsgpackCodec) =>
  new ValuePipeline({ codec, type: null, schema: null, mutable: false });

const aUser = (id: number) => ({
  id,
  name: `Ada Lovelace ${id}`,
  email: `ada.${id}@example.com`,
  role: 'admin',
  isActive: true,
  score: id * 1.5,
  address: { street: '12 St James Square', city: 'London', zip: 'SW1Y 4LB' },
});
const aRow = (id: number) => ({
  id,
  name: `Ada Lovelace ${id}`,
  createdAt: new Date(1.7e12 + id * 1_000),
  updatedAt: new Date(1.75e12 + id * 1_000),
  deletedAt: id % 3 ? null : new Date(1.76e12),
});

const values: [title: string, value: unknown, count: number][] = [
  ['200 B, plain', aUser(1), 100_000],
  ['4 KB, plain', Array.from({ length: 21 }, (_, id) => aUser(id)), 8_000],
  ['1,000 rows with Dates', Array.from({ length: 1_000 }, (_, id) => aRow(id)), 60],
];

const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const reviveDate = (_name: string, field: unknown) =>
  typeof field === 'string' && ISO_DATE.test(field) ? new Date(field) : field;

/** What the last operation made, so that none is optimised away. */
let sink: unknown;

function repeat(name: string, operation: () => unknown): Candidate {
  return {
    name,
    async run(count) {
      for (let i = 0; i < count; i++) sink = operation();
    },
  };
}

for (const [title, value, count] of values) {
  const text = JSON.stringify(value);
  const asJson = json.encode(value);
  const asMsgpack = msgpack.encode(value);
  const jsonPipeline = pipelineOf(json);
  const msgpackPipeline = pipelineOf(msgpack);
  const { payload, format } = jsonPipeline.encode(value);
  const packed = msgpackPipeline.encode(value);
  report(
    `Encode ${title}: ${text.length} characters of JSON, ${asMsgpack.payload.length} bytes of msgpack`,
    await measure(
      [
        repeat('JSON.stringify', () => JSON.stringify(value)),
        repeat('JsonCodec', () => json.encode(value)),
        repeat('MsgpackCodec', () => msgpack.encode(value)),
        repeat('pipeline, json, and back', () => jsonPipeline.comeBack(value, jsonPipeline.encode(value))),
      ],
      { chunk: count / 20 },
    ),
    'JSON.stringify',
  );
  report(
    `Decode ${title}`,
    await measure(
      [
        repeat('JSON.parse', () => JSON.parse(text)),
        repeat('JSON.parse with a reviver', () => JSON.parse(text, reviveDate)),
        repeat('JsonCodec', () => json.decode(asJson.payload as string, asJson.meta)),
        repeat('MsgpackCodec', () => msgpack.decode(asMsgpack.payload, asMsgpack.meta)),
        repeat('pipeline, json', () => jsonPipeline.decode(payload, format)),
        repeat('pipeline, msgpack', () => msgpackPipeline.decode(packed.payload, packed.format)),
      ],
      { chunk: count / 20 },
    ),
    'JSON.parse',
  );
}
if (sink === undefined) throw new Error('nothing was measured');
