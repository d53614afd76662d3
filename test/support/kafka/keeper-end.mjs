/** Ends what keeper.mjs keeps. */
export default function endKeeper() {
  globalThis.endKafkaKeeper?.();
}
