import { JsonCodec } from '../../lib/codecs/json-codec.js';
import { describeCodec } from './codec.contract.js';

describeCodec('json', () => new JsonCodec());
