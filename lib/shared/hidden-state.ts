/** By class: reading a source text costs more than all else that is asked of an instance. */
const known = new WeakMap<object, boolean>();

/**
 * True for a class that keeps content where no property shows it: in `#private` fields, in what compilers make of them
 * below ES2022, or in a map of its own whose key is the instance. By its source, the only place where that shows.
 */
export function hidesState(type: unknown): boolean {
  if (typeof type !== 'function') return false;
  let hides = known.get(type);
  if (hides === undefined) {
    const source = Function.prototype.toString.call(type).replace(TEXTS_AND_COMMENTS, '');
    hides = PRIVATE_FIELD.test(source) || COMPILED_PRIVATE_FIELD.test(source) || KEYED_BY_INSTANCE.test(source);
    known.set(type, hides);
  }
  return hides;
}

const PRIVATE_FIELD = /#[\p{ID_Start}$_]/u;

/** Helpers of TypeScript, Babel and SWC. */
const COMPILED_PRIVATE_FIELD = /class_?private_?(?:field|method)/i;

/** `cents.set(this, …)`; not `Reflect.get(this, …)`. */
const KEYED_BY_INSTANCE = /(?<!\bReflect|\b_|\blodash)\.(?:get|set|has|add)\(\s*this\s*[,)]/;

const TEXTS_AND_COMMENTS = /'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"|`(?:[^`\\]|\\[^])*`|\/\*[^]*?\*\/|\/\/.*/g;
