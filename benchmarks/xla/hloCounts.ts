/** What a program is made of once XLA has optimized it. */
export interface HloCounts {
  /** Instructions that are run one after the other, by opcode; those that only name memory are left out. */
  readonly run: Readonly<Record<string, number>>;
  /** Instructions inside of fusions, by opcode. */
  readonly fused: Readonly<Record<string, number>>;
  /** Matrix products, fused or not, by the type of their operands. */
  readonly dots: Readonly<Record<string, number>>;
  /** Fusions that a library of kernels runs, as `__ynn_fusion` is YNNPACK's, by kind. */
  readonly libraryFusions: Readonly<Record<string, number>>;
}

interface Instruction {
  readonly name: string;
  readonly opcode: string;
  /** Of its elements, or of the first one's in a tuple. */
  readonly type: string;
  /** What follows the opcode: operands in parentheses, attributes. */
  readonly rest: string;
}

/** They compute nothing. */
const NO_WORK = new Set(['parameter', 'constant', 'bitcast', 'tuple', 'get-tuple-element', 'after-all']);

const COMPUTATION = /^(ENTRY )?%?([\w.-]+) .*\{$/;
const INSTRUCTION = /^\s+(?:ROOT )?%?([\w.-]+) = \(*(\w+).*? ([a-z][\w-]*)\((.*)$/;
/** Computations that an instruction runs as they are, in loops and conditions. */
const CALLED =
  /\b(?:body|condition|true_computation|false_computation)=%?([\w.-]+)|branch_computations=\{([^}]*)\}/g;

/**
 * Counts the instructions of a program in XLA's text format. A loop's body counts once.
 *
 * @throws Error when the text has no entry computation
 */
export function hloCounts(text: string): HloCounts {
  const { computations, entry } = parse(text);
  const counts = { run: {}, fused: {}, dots: {}, libraryFusions: {} };
  const count = (group: Record<string, number>, key: string) => {
    group[key] = (group[key] ?? 0) + 1;
  };
  const visit = (computation: string, group: Record<string, number>) => {
    const instructions = computations.get(computation) ?? [];
    for (const { opcode, rest } of instructions) {
      if (!NO_WORK.has(opcode)) count(group, opcode);
      if (opcode === 'dot') count(counts.dots, operandType(instructions, rest));
      if (opcode === 'fusion') {
        const kind = /"fusion_config":\{"kind":"(\w+)"/.exec(rest)?.[1];
        if (kind) count(counts.libraryFusions, kind);
      }
      for (const [called, within] of calls(opcode, rest))
        visit(called, within === 'fused' ? counts.fused : group);
    }
  };
  visit(entry, counts.run);
  return counts;
}

function parse(text: string) {
  const computations = new Map<string, Instruction[]>();
  let entry: string | undefined;
  let current: Instruction[] = [];
  for (const line of text.split('\n')) {
    const computation = COMPUTATION.exec(line);
    if (computation) {
      current = [];
      computations.set(computation[2]!, current);
      if (computation[1]) entry = computation[2]!;
    }
    const instruction = INSTRUCTION.exec(line);
    if (instruction) {
      const [, name, type, opcode, rest] = instruction as unknown as [string, string, string, string, string];
      current.push({ name, type, opcode, rest });
    }
  }
  if (entry === undefined) throw new Error('The text is no HLO module: it has no entry computation.');
  return { computations, entry };
}

/** The computations that an instruction runs; a reduction's, of two numbers, are none. */
function calls(opcode: string, rest: string): [name: string, within: 'run' | 'fused'][] {
  if (opcode === 'fusion') return [[/\bcalls=%?([\w.-]+)/.exec(rest)![1]!, 'fused']];
  if (opcode === 'call') return [[/\bto_apply=%?([\w.-]+)/.exec(rest)![1]!, 'run']];
  return [...rest.matchAll(CALLED)].flatMap(([, one, several]) =>
    (one ?? several!).split(',').map((name): [string, 'run'] => [name.trim().replace('%', ''), 'run']),
  );
}

/** The type of the first operand, which its own line says. */
function operandType(instructions: readonly Instruction[], rest: string): string {
  const operand = /%?([\w.-]+)[,)]/.exec(rest)?.[1];
  return instructions.find(({ name }) => name === operand)?.type ?? 'unknown';
}
