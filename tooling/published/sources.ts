import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import type { PackageUse } from './uses';

const importLines = (name: string, { imports, alsoImports = [] }: PackageUse): string =>
  [[`{ ${imports.join(', ')} }`, name], ...alsoImports]
    .map(([what, from]) => `import ${what} from '${from}';`)
    .join('\n');

const inFunction = (body: string, returns = ''): string => `async function use()${returns} {\n${body}\n}`;

/** A program as an ES module or in CommonJS. */
export const asModule = (text: string, module: ModuleKind): string =>
  transpileModule(text, { compilerOptions: { target: ScriptTarget.ES2022, module, esModuleInterop: true } })
    .outputText;

/** The files of a project that runs a package in each way. */
export function runnableFiles(name: string, use: PackageUse): Record<string, string> {
  const print = 'void use().then((value) => console.log(String(value)));';
  const text = [importLines(name, use), inFunction(use.body), print].join('\n');
  const as = (module: ModuleKind) => asModule(text, module);
  return {
    'use.mjs': as(ModuleKind.ESNext),
    'use.cjs': as(ModuleKind.CommonJS),
    'runBundle.cjs': RUN_BUNDLE,
  };
}

// Runs a bundle in a realm that has the language and what all workers have, and nothing of Node.
const RUN_BUNDLE = `
const vm = require('node:vm');
const bundle = require('node:fs').readFileSync('bundle.js', 'utf8');
const { console, performance, setTimeout, clearTimeout, TextEncoder, TextDecoder, URL, fetch } = globalThis;
const scope = { console, performance, setTimeout, clearTimeout, TextEncoder, TextDecoder, URL, fetch };
vm.createContext(scope);
vm.runInContext('var self = globalThis; class WorkerGlobalScope {} var navigator = { userAgent: "" };', scope);
vm.runInContext('self.WorkerGlobalScope = WorkerGlobalScope;', scope);
vm.runInContext(bundle, scope, { filename: 'bundle.js' });
`;

const COMPILER_OPTIONS = {
  strict: true,
  noEmit: true,
  target: 'es2022',
  types: [],
  exactOptionalPropertyTypes: true,
};

/** The files of a project that type-checks the use of all packages; those of a package begin with its folder. */
export function typedFiles(folders: readonly string[], uses: Readonly<Record<string, PackageUse>>) {
  const typed = folders.flatMap((folder) => {
    const use = uses[folder]!;
    const text = [
      importLines(`@beit/${folder}`, use),
      inFunction(use.body, `: Promise<${use.returns}>`),
      'void use();',
      inFunction(use.body).replace('use', 'inferred'),
      'interface Unrelated { readonly unrelated: symbol }',
      '// @ts-expect-error Only a type that has decayed to `any` can be assigned here.',
      'export const decayed: Promise<Unrelated> = inferred();',
    ].join('\n');
    return [
      [`${folder}.mts`, text],
      [`${folder}.cts`, text],
    ];
  });
  const modules = folders.map((folder) => `${folder}.mts`);
  return {
    ...Object.fromEntries(typed),
    'tsconfig.node16.json': JSON.stringify({
      compilerOptions: { ...COMPILER_OPTIONS, module: 'node16', moduleResolution: 'node16' },
      files: [...modules, ...folders.map((folder) => `${folder}.cts`)],
    }),
    'tsconfig.bundler.json': JSON.stringify({
      compilerOptions: { ...COMPILER_OPTIONS, module: 'esnext', moduleResolution: 'bundler' },
      files: modules,
    }),
  } as Record<string, string>;
}
