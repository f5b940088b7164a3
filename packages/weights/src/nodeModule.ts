type BuiltInModules = {
  'node:fs/promises': typeof import('node:fs/promises');
  'node:path': typeof import('node:path');
};

/**
 * A module of Node, asked for only when a file function is called and invisible to bundlers, so that the rest of
 * this package runs in browsers as it is.
 */
export function nodeModule<ID extends keyof BuiltInModules>(id: ID): BuiltInModules[ID] {
  const get = globalThis.process?.getBuiltinModule as ((id: ID) => BuiltInModules[ID]) | undefined;
  if (get === undefined) {
    throw new Error(
      'Files need Node 20.16 or later; in a browser use parseSafetensors, parseTorch and serializeSafetensors.',
    );
  }
  return get(id);
}
