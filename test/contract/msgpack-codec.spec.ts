import { MsgpackCodec } from '../../lib/codecs/msgpack-codec.js';
import { describeCodec } from './codec.contract.js';

describeCodec('msgpack', () => new MsgpackCodec());
