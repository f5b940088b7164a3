/** What a test asks of a `.onnx` file, read from its bytes (field numbers as in onnx.proto3). */
export interface OnnxFile {
  readonly producer: string;
  readonly docString: string;
  /** Version by domain. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly nodes: readonly { readonly op: string; readonly domain: string }[];
  readonly initializers: readonly string[];
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly outputs: Readonly<Record<string, readonly (number | string)[]>>;
}

type Message = Map<number, (number | Uint8Array)[]>;

function readMessage(bytes: Uint8Array): Message {
  const fields: Message = new Map();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const length = { 0: 0, 2: -1, 5: 4 }[key & 7];
    if (length === undefined) throw new Error(`Wire type ${key & 7}.`);
    const size = length === -1 ? varint() : length;
    const value = length === 0 ? varint() : bytes.subarray(at, at + size);
    at += size;
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  if (at !== bytes.length) throw new Error('The last field is cut off.');
  return fields;
}

const messages = (message: Message, field: number) =>
  (message.get(field) ?? []).map((bytes) => readMessage(bytes as Uint8Array));
const text = (message: Message, field: number) =>
  Buffer.from((message.get(field)?.[0] ?? new Uint8Array()) as Uint8Array).toString();
const integer = (message: Message, field: number) => Number(message.get(field)?.[0] ?? 0);

export function readOnnx(file: Uint8Array): OnnxFile {
  const model = readMessage(file);
  const [graph] = messages(model, 7) as [Message];
  const shapes = (field: number) =>
    Object.fromEntries(
      messages(graph, field).map((info) => {
        const [shape] = messages(messages(messages(info, 2)[0]!, 1)[0]!, 2);
        return [text(info, 1), messages(shape!, 1).map((dim) => text(dim, 2) || integer(dim, 1))];
      }),
    );
  return {
    producer: text(model, 2),
    docString: text(model, 6),
    opsets: Object.fromEntries(messages(model, 8).map((opset) => [text(opset, 1), integer(opset, 2)])),
    metadata: Object.fromEntries(messages(model, 14).map((entry) => [text(entry, 1), text(entry, 2)])),
    nodes: messages(graph, 1).map((node) => ({ op: text(node, 4), domain: text(node, 7) })),
    initializers: messages(graph, 5).map((tensor) => text(tensor, 8)),
    inputs: shapes(11),
    outputs: shapes(12),
  };
}
