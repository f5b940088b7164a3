import { classNamesOfCard } from '../src/classNamesOfCard';

const card = (info: string) => `---\nlicense: mit\n${info}\n---\n# A data set\n`;
const features = (names: string, indent = '  ') =>
  [
    'features:',
    '- name: image',
    '  dtype: image',
    '- name: label',
    '  dtype:',
    '    class_label:',
    `      names: ${names}`,
  ]
    .map((line) => indent + line)
    .join('\n');

test('names by number, as the library writes them', () => {
  const names = "\n          '0': cat\n          '10': ten\n          '1': two words\n";
  const ten = Array.from({ length: 8 }, (_, i) => `          '${i + 2}': c${i + 2}\n`).join('');
  expect(classNamesOfCard(card(`dataset_info:\n${features(names + ten)}`))).toEqual([
    ...['cat', 'two words'],
    ...Array.from({ length: 8 }, (_, i) => `c${i + 2}`),
    'ten',
  ]);
});

test('of several configurations, where they agree', () => {
  const both = (a: string, b: string) =>
    card(
      `dataset_info:\n- config_name: a\n${features(`{ '0': ${a}, '1': dog }`)}\n- config_name: b\n${features(`{ '0': ${b}, '1': dog }`)}`,
    );
  expect(classNamesOfCard(both('cat', 'cat'))).toEqual(['cat', 'dog']);
  expect(classNamesOfCard(both('cat', 'kitten'))).toBeUndefined();
});

test.each([
  ['no YAML', '# A data set'],
  ['broken YAML', card('dataset_info: [')],
  ['no description', card('tags: [images]')],
  ['a gap', card(`dataset_info:\n${features("{ '0': cat, '2': dog }")}`)],
  ['a column of another name', card(`dataset_info:\n${features("{ '0': cat }").replace('label', 'kind')}`)],
])('nothing where there is %s', (_, readme) => {
  expect(classNamesOfCard(readme)).toBeUndefined();
});
