/** Where in a value something stands: `items[3].name`, for messages. Long names are cut. */
export function formatPath(path: readonly (string | number)[]): string {
  if (path.length === 0) return 'the value itself';
  const shown = path.length > 20 ? [...path.slice(0, 10), '…', ...path.slice(-5)] : path;
  const text = shown.map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    if (/^[\p{L}_$…][\p{L}\d_$]*$/u.test(step) && step.length <= 40) return `.${step}`;
    return `[${JSON.stringify(step.length > 40 ? `${step.slice(0, 40)}…` : step)}]`;
  });
  return text.join('').replace(/^\./, '');
}
