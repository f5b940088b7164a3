/**
 * Which parameters decay, as in BEiT's optimizer: all but 1-D ones, names ending in `.bias`, `pos_embed` and
 * `cls_token`. The mask token and relative position tables do decay (timm leaves the tables out).
 * Reference: microsoft/unilm beit/optim_factory.py `get_parameter_groups` @768a3c8.
 */
export function decaysInBeit(name: string, shape: readonly number[]): boolean {
  return shape.length !== 1 && !name.endsWith('.bias') && name !== 'pos_embed' && name !== 'cls_token';
}
