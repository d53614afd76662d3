import type { InjectionToken } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

/**
 * Whether the module that has this provider is imported, over whatever ways, by the application's root module. One that
 * is not was loaded by `LazyModuleLoader`: Nest runs none of its lifecycle hooks, neither at boot nor at shutdown.
 */
export function isInModuleTree(modules: ModulesContainer, token: InjectionToken): boolean {
  // the first is Nest's own
  const [, root] = modules.values();
  const reached = new Set(root ? [root] : []);
  // a Set goes on to what was added while it is walked
  for (const module of reached) {
    if (module.providers.has(token)) return true;
    for (const imported of module.imports) reached.add(imported);
  }
  return false;
}
