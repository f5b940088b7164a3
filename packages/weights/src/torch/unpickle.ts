import { applyGlobal } from './applyGlobal';
import { globalOf, REFUSED, refusedName } from './globalOf';
import { persistent } from './persistent';
import {
  INERT,
  type Inert,
  isKind,
  type PickleMap,
  type PickleObject,
  type PickleValue,
  type Storage,
} from './pickleValue';

/** Longest pickle that is read; one of 1,000 tensors has 200 kB. */
export const MAX_PICKLE_BYTES = 16 * 2 ** 20;
/** About 60,000 tensors, at some 35 opcodes each. */
const MAX_OPCODES = 2 ** 21;
/** Dicts, lists and tuples; about eight for each tensor. One takes some hundred bytes. */
const MAX_CONTAINERS = 2 ** 19;
/** Lists within lists that are open at one time. */
const MAX_DEPTH = 1000;
const MAX_NAME_BYTES = 256;
/** Integers of 64 bits, and the ten bytes of the old format's signature. */
const MAX_INTEGER_BYTES = 16;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export interface Unpickled {
  readonly value: PickleValue;
  /** The byte after the pickle's last. */
  readonly end: number;
}

/**
 * Reads a pickle as data. This machine knows the opcodes that `torch.save` writes for checkpoints (protocols 2 to 5) and
 * a short list of names, builds Maps, arrays and plain data only, and refuses everything else: there is nothing in it
 * that could run a program. Objects of classes that it does not know, such as modules, are their attributes. Time and memory are bounded by the length of `bytes` and by the limits above.
 *
 * @param begin where in `bytes` the pickle begins
 * @param storages the storages met so far, by key; shared by the pickles of one file
 * Opcodes: CPython, Lib/pickletools.py.
 */
export function unpickle(bytes: Uint8Array, begin: number, storages: Map<string, Storage>): Unpickled {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = begin;
  let containers = 0;
  let stack: PickleValue[] = [];
  const marks: PickleValue[][] = [];
  const memo = new Map<number, PickleValue>();

  /** The position of the next `length` bytes, which are then behind. */
  function take(length: number): number {
    const from = at;
    if (length > bytes.length - from) throw truncated();
    at = from + length;
    return from;
  }
  function pop(): PickleValue {
    const value = stack.pop();
    if (value === undefined) throw new Error(`the pickle's stack is empty at byte ${at}.`);
    return value;
  }
  const popMarked = (): PickleValue[] => {
    const values = stack;
    const below = marks.pop();
    if (below === undefined) throw new Error(`the pickle ends a list that it did not begin, at byte ${at}.`);
    stack = below;
    return values;
  };
  const popMany = (count: number): PickleValue[] => Array.from({ length: count }, pop).reverse();
  function container<T extends PickleValue>(value: T): T {
    if (++containers > MAX_CONTAINERS) throw new Error(`the pickle has more than ${MAX_CONTAINERS} lists.`);
    return value;
  }
  function top(): PickleValue {
    const value = stack.at(-1);
    if (value === undefined) throw new Error(`the pickle's stack is empty at byte ${at}.`);
    return value;
  }
  function recall(index: number): PickleValue {
    const value = memo.get(index);
    if (value === undefined) throw new Error(`the pickle asks for its memo ${index}, which is empty.`);
    return value;
  }
  function text(length: number): string {
    const from = take(length);
    try {
      return UTF8.decode(bytes.subarray(from, at));
    } catch (cause) {
      throw new Error(`a string of the pickle at byte ${from} is not UTF-8.`, { cause });
    }
  }
  function line(): string {
    const end = bytes.subarray(at, at + MAX_NAME_BYTES + 1).indexOf(10);
    if (end < 0) throw new Error(`a name in the pickle at byte ${at} has no end.`);
    const name = text(end);
    take(1);
    return name;
  }
  function long(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES)
      throw new Error(`the pickle has an integer of ${length} bytes; at most ${MAX_INTEGER_BYTES} are read.`);
    const from = take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[from + i]!);
    const signed = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }
  function length64(): number {
    const value = data.getBigUint64(take(8), true);
    if (value > BigInt(bytes.length)) throw truncated();
    return Number(value);
  }
  function setItems(target: PickleValue, items: readonly PickleValue[]): void {
    if (!(target instanceof Map) || items.length % 2 !== 0)
      throw new Error(`the pickle sets items of what is not a dict, at byte ${at}.`);
    for (let i = 0; i < items.length; i += 2) target.set(items[i]!, items[i + 1]!);
  }
  function append(target: PickleValue, items: readonly PickleValue[]): void {
    if (!Array.isArray(target)) throw new Error(`the pickle appends to what is not a list, at byte ${at}.`);
    for (const item of items) target.push(item);
  }

  for (let count = 0; ; count++) {
    if (count >= MAX_OPCODES) throw new Error(`the pickle has more than ${MAX_OPCODES} opcodes.`);
    const opcode = data.getUint8(take(1));
    switch (opcode) {
      case 0x80: // PROTO
        assertProtocol(data.getUint8(take(1)));
        break;
      case 0x95: // FRAME: a hint for reading ahead.
        take(8);
        break;
      case 0x2e: // STOP
        return { value: pop(), end: at };
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x4b: // BININT1
        stack.push(data.getUint8(take(1)));
        break;
      case 0x4d: // BININT2
        stack.push(data.getUint16(take(2), true));
        break;
      case 0x4a: // BININT
        stack.push(data.getInt32(take(4), true));
        break;
      case 0x8a: // LONG1
        stack.push(long(data.getUint8(take(1))));
        break;
      case 0x47: // BINFLOAT
        stack.push(data.getFloat64(take(8), false));
        break;
      case 0x58: // BINUNICODE
        stack.push(text(data.getUint32(take(4), true)));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(text(data.getUint8(take(1))));
        break;
      case 0x8d: // BINUNICODE8
        stack.push(text(length64()));
        break;
      case 0x43: // SHORT_BINBYTES
        take(data.getUint8(take(1)));
        stack.push(INERT);
        break;
      case 0x42: // BINBYTES
      case 0x54: {
        // BINSTRING: the same of Python 2
        const length = data.getUint32(take(4), true);
        const from = take(length);
        stack.push(container<Inert>({ kind: 'inert', bytes: bytes.subarray(from, at) }));
        break;
      }
      case 0x55: {
        // SHORT_BINSTRING: a text of Python 2, which says nothing of what it is encoded in
        const length = data.getUint8(take(1));
        const from = take(length);
        stack.push(String.fromCharCode(...bytes.subarray(from, at)));
        break;
      }
      case 0x28: // MARK
        if (marks.length >= MAX_DEPTH)
          throw new Error(`the pickle has lists nested more than ${MAX_DEPTH} deep.`);
        marks.push(stack);
        stack = [];
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(container<PickleMap>(new Map()));
        break;
      case 0x5d: // EMPTY_LIST
        stack.push(container<PickleValue[]>([]));
        break;
      case 0x29: // EMPTY_TUPLE
        stack.push(container<PickleValue[]>([]));
        break;
      case 0x74: {
        // TUPLE
        const items = popMarked();
        stack.push(container(items));
        break;
      }
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        stack.push(container(popMany(opcode - 0x84)));
        break;
      case 0x61: {
        // APPEND
        const item = pop();
        append(top(), [item]);
        break;
      }
      case 0x65: {
        // APPENDS
        const items = popMarked();
        append(top(), items);
        break;
      }
      case 0x73: {
        // SETITEM
        const item = popMany(2);
        setItems(top(), item);
        break;
      }
      case 0x75: {
        // SETITEMS
        const items = popMarked();
        setItems(top(), items);
        break;
      }
      case 0x71: // BINPUT
        memo.set(data.getUint8(take(1)), top());
        break;
      case 0x72: // LONG_BINPUT
        memo.set(data.getUint32(take(4), true), top());
        break;
      case 0x94: // MEMOIZE
        memo.set(memo.size, top());
        break;
      case 0x68: // BINGET
        stack.push(recall(data.getUint8(take(1))));
        break;
      case 0x6a: // LONG_BINGET
        stack.push(recall(data.getUint32(take(4), true)));
        break;
      case 0x63: {
        // GLOBAL
        const module = line();
        stack.push(globalOf(module, line()));
        break;
      }
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = popMany(2);
        stack.push(globalOf(module!, name!));
        break;
      }
      case 0x52: {
        // REDUCE
        const [callable, args] = popMany(2);
        if (isKind(callable, 'class')) throw refusedName(callable.name);
        if (!isKind(callable, 'global') || !Array.isArray(args)) throw notAGlobal(at);
        stack.push(container(applyGlobal(callable.name, args)));
        break;
      }
      case 0x81: {
        // NEWOBJ: the options of argparse, and objects of other classes, modules among them
        const [type, args] = popMany(2);
        if (!(isKind(type, 'global') || isKind(type, 'class')) || !Array.isArray(args)) throw notAGlobal(at);
        if ((type.kind === 'global' && type.name !== 'argparse.Namespace') || args.length > 0)
          throw new Error(`the pickle makes an object of ${type.name}, which checkpoints do not. ${REFUSED}`);
        stack.push(type.kind === 'global' ? INERT : container<PickleObject>({ kind: 'object' }));
        break;
      }
      case 0x62: {
        // BUILD: attributes. Those of an object are kept; of others none matters: `_metadata` of a state dict, options
        const state = pop();
        const target = top();
        if (isKind(target, 'object')) {
          if (target.attributes)
            throw new Error(`the pickle sets an object's attributes twice, at byte ${at}.`);
          if (state instanceof Map) target.attributes = state;
        } else if (isKind(target, 'inert') && target !== INERT) {
          if (Array.isArray(state)) target.state ??= state;
        } else if (!(target instanceof Map) && !isKind(target, 'inert'))
          throw new Error(`the pickle sets attributes of what has none, at byte ${at}. ${REFUSED}`);
        break;
      }
      case 0x51: // BINPERSID
        stack.push(persistent(pop(), storages));
        break;
      default:
        throw new Error(
          `the pickle has opcode 0x${opcode.toString(16).padStart(2, '0')} at byte ${at - 1}, which checkpoints do not need. ${REFUSED}`,
        );
    }
  }
}

function assertProtocol(protocol: number): void {
  if (protocol < 2 || protocol > 5) throw new Error(`the pickle has protocol ${protocol}; 2 to 5 are read.`);
}

function truncated(): Error {
  return new Error('the pickle is cut off: the file is damaged or truncated.');
}

function notAGlobal(at: number): Error {
  return new Error(`the pickle calls what is no function, at byte ${at}. ${REFUSED}`);
}
