import type { GraphBuilder } from '../../graph/builder';
import { type Shape4, sizeOf, type Value } from '../../graph/graph';
import { at, ofLength } from '../../graph/lists';
import type { Node, WindowSteps } from '../../graph/ops';
import { taps } from '../../record/windowTaps';

type FilterGradient = Node<'ConvFilterGradient'>;

/**
 * The filter gradient of a depthwise convolution: every channel of every image is convolved with its output gradient,
 * where strides and dilations change places. The zeros are around the images beforehand: with pads, OpenVINO takes a slower kernel.
 */
function convolutionOfChannels(
  { attributes: a, inputs: [x, dy] }: FilterGradient,
  builder: GraphBuilder,
): Value {
  const { filterShape } = a;
  const [o, , ...kernel] = ofLength(filterShape, 4);
  const [n, c] = ofLength(x.shape, 4);
  const wide = padded(x, a.pads, builder);
  const channels = (value: Value, shape: readonly number[]) =>
    builder.emit('Reshape', [value], { shape: [...shape, ...value.shape.slice(2)] });
  const whole = builder.emit('Conv', [channels(wide, [1, n * c]), channels(dy, [n * o, 1])], {
    strides: a.dilations,
    dilations: a.strides,
    pads: [0, 0, 0, 0],
    group: n * c,
  });
  // A strided window that left over a few pixels gives a few offsets too many.
  const offsets = builder.emit('Slice', [whole], {
    begin: whole.shape.map(() => 0),
    size: [1, n * o, ...kernel],
    strides: whole.shape.map(() => 1),
  });
  const perImage = builder.emit('Reshape', [offsets], { shape: [n, o, ...kernel] });
  const terms = builder.emit('Cast', [perImage], { dtype: 'float32' });
  const sum = builder.emit('ReduceSum', [terms], { axes: [0], keepDims: false });
  return builder.emit('Reshape', [builder.emit('Cast', [sum], { dtype: x.dtype })], { shape: filterShape });
}

/**
 * The input and its pads for a convolution with the output gradient. Where windows would have padding alone, of which
 * OpenVINO 2026.4 leaves undefined what comes out, there are zeros around the input instead.
 */
function withPads(x: Value, dy: Value, { strides, pads }: WindowSteps, builder: GraphBuilder) {
  const spans = strides.map((stride, i) => (at(dy.shape, 2 + i) - 1) * stride);
  const isLarge = pads.some((pad, i) => pad > at(spans, i % spans.length));
  return isLarge ? { x: padded(x, pads, builder), pads: pads.map(() => 0) } : { x, pads };
}

/** In a larger window, not every offset gets a product of its own. */
const MOST_PRODUCTS = 9;
/** With fewer rows, two threads do not find enough in a product to share: its halves are what they share. */
const ENOUGH_ROWS = 128;
/** Numbers in a patch that is still worth writing out. */
const LARGEST_PATCH = 1024;
/**
 * Writing a patch out costs as much as that many filters would. Of a strided window the convolution that gives the
 * gradient is dilated, which is slower.
 */
const LARGEST_PATCH_OF_A_FILTER = { dense: 2, strided: 4 };

/**
 * dL/dw [O, C, kh, kw] from the input [N, C, H, W] and dL/dy [N, O, h, w] as matrix products, or `undefined` for what
 * is better a convolution.
 */
export function filterGradientProducts(node: Node, builder: GraphBuilder): Value | undefined {
  if (node.op !== 'ConvFilterGradient') return undefined;
  const { attributes: a } = node;
  const [x, dy] = node.inputs;
  if (a.group > 1) return convolutionOfChannels(node, builder);
  if (x.shape.length !== 4) return productsOfTaps(node, builder);
  const [o, c, kh, kw] = ofLength(a.filterShape, 4);
  const isDense = a.strides.every((stride) => stride === 1);
  if (kh * kw <= MOST_PRODUCTS && isDense) return productsOfShifted(node, builder);
  const most = o * LARGEST_PATCH_OF_A_FILTER[isDense ? 'dense' : 'strided'];
  if (c * kh * kw <= Math.min(LARGEST_PATCH, most)) return productOfPatches(node, builder);
  const own = withPads(x, dy, a, builder);
  return own.x === x ? undefined : builder.emit(node.op, [own.x, dy], { ...a, pads: own.pads });
}

/**
 * The product of the output gradient with the patches that it comes from. A convolution whose filters have a one each
 * writes these out.
 */
function productOfPatches({ attributes: a, inputs: [x, dy] }: FilterGradient, builder: GraphBuilder): Value {
  const { filterShape: shape, strides, dilations, pads } = a;
  const [, c, kh, kw] = ofLength(shape, 4);
  const size = c * kh * kw;
  const identity = new Float32Array(size * size);
  for (let i = 0; i < size; i++) identity[i * size + i] = 1;
  const filters = builder.constant(identity, 'float32', [size, c, kh, kw]);
  const patches = builder.emit('Conv', [x, builder.emit('Cast', [filters], { dtype: x.dtype })], {
    strides,
    dilations,
    pads,
    group: 1,
  });
  const product = builder.emit('MatMul', [asMatrix(dy, builder), asMatrix(patches, builder)], {
    transposeA: true,
    transposeB: false,
  });
  return builder.emit('Reshape', [product], { shape });
}

/**
 * For each offset in the window, the product of the output gradient with the input that it comes from. Over three axes:
 * of the convolution that gives it, OpenVINO 2026.4 computes other numbers where strides are its dilations.
 */
function productsOfTaps({ attributes: a, inputs: [x, dy] }: FilterGradient, builder: GraphBuilder): Value {
  const { filterShape, strides, dilations, pads } = a;
  const windows = { kernel: filterShape.slice(2), strides, dilations, pads, counts: dy.shape.slice(2) };
  const views = taps(builder, x, windows, 0);
  const gradient = asMatrix(dy, builder);
  const products = views.map((view) => {
    const product = builder.emit('MatMul', [gradient, asMatrix(view, builder)], {
      transposeA: true,
      transposeB: false,
    });
    return builder.emit('Reshape', [product], { shape: [...filterShape.slice(0, 2), 1] });
  });
  return builder.emit('Reshape', [builder.emit('Concat', products, { axis: 2 })], { shape: filterShape });
}

/**
 * For each offset in the window, the product of the output gradient with the input shifted by it, over the positions of
 * all images.
 *
 * OpenVINO keeps images with their channels last, so that the positions are the rows of a matrix as they are. With the
 * padding of the input around, and zeros in the output gradient to the same size, an image shifted by an offset is the
 * same matrix some rows later: nothing is copied. What has fewer channels is the one that is shifted.
 */
function productsOfShifted({ attributes: a, inputs: [x, dy] }: FilterGradient, builder: GraphBuilder): Value {
  const [o, c, kh, kw] = ofLength(a.filterShape, 4);
  const [down, across] = ofLength(a.dilations, 2);
  const pads = ofLength(a.pads, 4);
  const reach = [(kh - 1) * down, (kw - 1) * across] as const;
  const around: Shape4 = [reach[0] - pads[0], reach[1] - pads[1], reach[0] - pads[2], reach[1] - pads[3]];
  const offsets = Array.from(
    { length: kh * kw },
    (_, k) => [Math.floor(k / kw) * down, (k % kw) * across] as const,
  );

  /** The products of `shifted`, once it is padded, with `fixed`: one for each place where the latter can begin. */
  function products(shifted: Value, padding: Shape4, fixed: Value, places: typeof offsets): Value {
    const wide = padded(shifted, padding, builder);
    const [n, channels, height, width] = ofLength(wide.shape, 4);
    const rows = n * height * width - reach[0] * width - reach[1];
    const parts = channels < ENOUGH_ROWS && rows % 2 === 0 ? 2 : 1;
    const split = (image: Value, first: number) => {
      const matrix = rowsFrom(asMatrix(image, builder), first, rows, builder);
      return builder.emit('Reshape', [matrix], { shape: [parts, rows / parts, at(image.shape, 1)] });
    };
    const right = split(padded(fixed, [0, 0, ...reach], builder), 0);
    const all = places.map(([top, start]) =>
      builder.emit('MatMul', [split(wide, top * width + start), right], {
        transposeA: true,
        transposeB: false,
      }),
    );
    const stack = all.length === 1 ? at(all, 0) : builder.emit('Concat', all, { axis: 0 });
    return sumOfParts(stack, parts, builder);
  }

  function byOutput() {
    const places = offsets.map(([i, j]) => [reach[0] - i, reach[1] - j] as const);
    return builder.emit('Transpose', [products(dy, around, x, places)], { perm: [1, 2, 0] });
  }
  function byInput() {
    return builder.emit('Transpose', [products(x, pads, dy, offsets)], { perm: [2, 1, 0] });
  }
  const filters = o < c && around.every((pad) => pad >= 0) ? byOutput() : byInput();
  return builder.emit('Reshape', [filters], { shape: [o, c, kh, kw] });
}

/** Matrices, each of them the sum of `parts` in turn. */
function sumOfParts(stack: Value, parts: number, builder: GraphBuilder): Value {
  if (parts === 1) return stack;
  const [count, rows, columns] = ofLength(stack.shape, 3);
  const shape = [count / parts, parts, rows, columns];
  const wide = builder.emit('Cast', [builder.emit('Reshape', [stack], { shape })], { dtype: 'float32' });
  const sum = builder.emit('ReduceSum', [wide], { axes: [1], keepDims: false });
  return builder.emit('Cast', [sum], { dtype: stack.dtype });
}

/** An image [N, C, ...space] as a matrix with a row for each pixel of each image. */
function asMatrix(image: Value, builder: GraphBuilder): Value {
  const [n, c, space] = [at(image.shape, 0), at(image.shape, 1), image.shape.slice(2)];
  const perm = [0, ...space.map((_, i) => i + 2), 1];
  const channelsLast = builder.emit('Transpose', [image], { perm });
  return builder.emit('Reshape', [channelsLast], { shape: [n * sizeOf(space), c] });
}

function rowsFrom(x: Value, first: number, count: number, builder: GraphBuilder): Value {
  const [rows, columns] = ofLength(x.shape, 2);
  if (count === rows) return x;
  return builder.emit('Slice', [x], { begin: [first, 0], size: [count, columns], strides: [1, 1] });
}

function padded(image: Value, pads: readonly number[], builder: GraphBuilder): Value {
  const [top, left, bottom, right] = ofLength(pads, 4);
  if (top === 0 && left === 0 && bottom === 0 && right === 0) return image;
  return builder.emit('Pad', [image], {
    before: [0, 0, top, left],
    after: [0, 0, bottom, right],
    value: 0,
  });
}
