import { refusedName } from './globalOf';
import { type GlobalName, INERT, isKind, type PickleValue, type StoredView } from './pickleValue';

/** NumPy and PyTorch have no more axes. */
const MAX_AXES = 64;

/** What a call in a pickle stands for: REDUCE with one of the known names. Nothing is called. */
export function applyGlobal(name: GlobalName, args: readonly PickleValue[]): PickleValue {
  switch (name) {
    case 'collections.OrderedDict':
      if (args.length > 0) throw new Error('an OrderedDict in the pickle is made from something.');
      return new Map();
    case 'torch._utils._rebuild_tensor_v2':
      return viewOf(args);
    case 'torch._utils._rebuild_parameter':
      if (!isKind(args[0], 'tensor')) throw new Error('a parameter in the pickle is not made from a tensor.');
      return args[0];
    case 'argparse.Namespace':
    case '_codecs.encode':
    case 'numpy.dtype':
    case 'numpy.core.multiarray.scalar':
    case 'numpy._core.multiarray.scalar':
    case 'functools.partial':
    case 'torch.device':
    case 'torch.Size':
      return INERT;
    case 'numpy.core.multiarray._reconstruct':
    case 'numpy._core.multiarray._reconstruct':
      return { kind: 'inert' };
    case '__builtin__.set':
    case 'builtins.set':
      return Array.isArray(args[0]) ? args[0] : [];
    case '__builtin__.getattr':
    case 'builtins.getattr':
      // A method of a class: nothing is looked up, and what is inert cannot be called.
      if (args.length !== 2 || !isKind(args[0], 'class') || typeof args[1] !== 'string')
        throw refusedName(name);
      return INERT;
    default:
      throw new Error(`the pickle calls ${name}, which checkpoints do not.`);
  }
}

/** `(storage, offset, shape, strides, requires_grad, backward_hooks[, metadata])` */
function viewOf(args: readonly PickleValue[]): StoredView {
  const [storage, offset, , , , , metadata] = args;
  // Copies, since a list in the pickle may still change after this check.
  const [shape, strides] = [copyOf(args[2]), copyOf(args[3])];
  if (!isKind(storage, 'storage') || args.length < 6 || args.length > 7)
    throw new Error('a tensor in the pickle is not made from a storage.');
  // Bits that say that the values are to be negated or conjugated.
  if (metadata instanceof Map ? metadata.size > 0 : (metadata ?? null) !== null)
    throw new Error('a tensor in the pickle is a lazy view; save it again after .clone().');
  if (!isSize(offset) || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length) {
    throw new Error(
      `a tensor in the pickle has shape [${numbers(shape)}], strides [${numbers(strides)}] and offset ${numbers([offset ?? null])}; expected integers that are not negative, as many strides as sides.`,
    );
  }
  if (shape.length > MAX_AXES) throw new Error(`a tensor in the pickle has ${shape.length} axes.`);
  let last = offset;
  let elements = 1;
  shape.forEach((side, axis) => {
    elements *= side;
    last += (side - 1) * strides[axis]!;
  });
  if (!Number.isSafeInteger(elements) || (elements > 0 && !(last < storage.length))) {
    throw new Error(
      `a tensor of shape [${shape}], strides [${strides}] and offset ${offset} reaches out of its storage "${storage.key}" of ${storage.length} elements.`,
    );
  }
  return { kind: 'tensor', storage, offset, shape, strides };
}

const copyOf = (value: PickleValue | undefined) =>
  Array.isArray(value) ? value.slice(0, MAX_AXES + 1) : value;

const isSize = (value: PickleValue | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);

const isSizes = (value: PickleValue | undefined): value is number[] =>
  Array.isArray(value) && value.every(isSize);

/** For messages, where values may be anything. */
const numbers = (values: PickleValue | undefined) =>
  Array.isArray(values)
    ? values.slice(0, MAX_AXES).map((value) => (typeof value === 'number' ? value : typeof value))
    : typeof values;
