// What the kernel templates of metal/ are compiled with by scripts/check-shaders.mjs: the arguments that native/gpu/ gives
// them, for every dtype. Each file's list has [template, arguments] for each instance.

const floats = ['half', 'bfloat', 'float'];
const inexact = [...floats, 'float2'];
const unsigned = ['uchar', 'ushort', 'uint', 'ulong'];
const integers = [...unsigned, 'char', 'short', 'int', 'long'];
const elements = ['mg::BoolElement', ...integers, ...inexact];
/** Where only the low bits matter. */
const wrapping = ['mg::BoolElement', ...unsigned, ...inexact];
const flags = ['false', 'true'];
const sides = ['32', '64'];
const bits = ['2', '3', '4', '5', '6', '8'];

const narrowKeys = [
  ...['uchar', 'ushort', 'uint', 'char', 'short', 'int'].map((type) => `mg::IntegerKey<${type}>`),
  'mg::HalfKey',
  'mg::BfloatKey',
  'mg::FloatKey',
];
const wideKeys = ['mg::UlongKey', 'mg::LongKey', 'mg::ComplexKey'];
const keys = [...narrowKeys.map((key) => [key, 'ulong']), ...wideKeys.map((key) => [key, 'ulong2'])];
const entries = ['ulong', 'ulong2'];

const scans = [
  ...[...unsigned, 'mg::BoolElement'].flatMap((type) => [`mg::ScanSum<${type}>`, `mg::ScanProduct<${type}>`]),
  ...floats.flatMap((type) => [`mg::ScanFloatSum<${type}>`, `mg::ScanFloatProduct<${type}>`]),
  'mg::ScanComplexSum',
  'mg::ScanComplexProduct',
  ...elements.flatMap((type) => flags.map((most) => `mg::ScanExtreme<${type}, ${most}>`)),
  ...inexact.flatMap((type) => flags.map((excess) => `mg::ScanLogSumExp<${type}, ${excess}>`)),
];
const withPositions = scans.flatMap((scan) => (scan.includes('Extreme') ? flags : ['false']).map((flag) => `${scan}, ${flag}`));

const scatters = [
  ...unsigned.map((type) => [type, 'mg::Set']),
  ...wrapping.flatMap((type) => ['mg::Add', 'mg::Multiply'].map((op) => [type, op])),
  ...elements.flatMap((type) => ['mg::Maximum', 'mg::Minimum'].map((op) => [type, op])),
];

/** Every choice of one argument from each list. */
function products(...lists) {
  return lists.reduce((all, list) => all.flatMap((some) => list.map((one) => (some === '' ? one : `${some}, ${one}`))), ['']);
}

const of = (template, all) => all.map((some) => [template, some]);

export const instances = {
  'attention.metal': floats.flatMap((type) => of('attention', products([type], ['mg::BoolElement', type], ['1', '4'], ['2', '4', '8']))),
  'bitcast.metal': of('bitcast', [...unsigned.map((type) => `${type}, false`), 'uchar, true']),
  'convolution.metal': [...of('convolution_tiles', products(floats, sides)), ...of('convolution_direct', inexact)],
  'fourier.metal': ['rows', 'pass', 'chirp', 'kernel', 'multiply', 'finish'].map((name) => [`fourier_${name}`, 'float2']),
  'gather.metal': of('gather', [
    ...products(unsigned, integers, ['int', 'long'], ['kAtIndices']),
    ...products(unsigned, ['uchar'], ['int', 'long'], ['kAtStart']),
    ...products(unsigned, ['long'], ['int', 'long'], ['kAtOffsets']),
  ]),
  'hadamard.metal': [
    ...of('hadamard_block', products(inexact, flags)),
    ...of('hadamard_pass', products(['float', 'float2'], ['2u', '4u', '8u', '16u'])),
    ...of('hadamard_mix', inexact),
  ],
  'index_positions.metal': of('index_positions', products(integers, flags)),
  'matmul.metal': [
    ...of('matmul_plain', wrapping),
    ...floats.flatMap((type) => {
      const results = type === 'float' ? ['float'] : [type, 'float'];
      return [
        ...of('matmul_tiles', products([type], results, sides)),
        ...of('matmul_vector_rows', products([type], results)),
        ...of('matmul_vector_columns', products([type], results)),
        ['matmul_parts', type],
      ];
    }),
  ],
  'norms.metal': [...of('norm_short', products(floats, ['4', '32'])), ...of('norm_long', floats)],
  'quantized.metal': [...of('quantized_vectors', products(floats, bits)), ...of('quantized_tiles', products(floats, bits, sides))],
  'random_bits.metal': of('random_bits', products(['uchar', 'ushort', 'uint'], ['int', 'long'])),
  'rope.metal': of('rope', floats),
  'scan.metal': [
    ...['scan_chunks', 'scan_states'].flatMap((template) => of(template, scans)),
    ...['scan_rows', 'scan_columns'].flatMap((template) => of(template, withPositions)),
    ...of('recurrence', inexact),
  ],
  'scatter.metal': [
    ...of(
      'scatter_in_order',
      scatters.map((some) => some.join(', ')),
    ),
    ['scatter_add_atomic', 'uint'],
    ...of('scatter_entries', flags),
    ...scatters.flatMap(([type, op]) => of('scatter_sorted', products([type], [op], flags, [op === 'mg::Set' ? 'true' : 'false']))),
  ],
  'search.metal': of(
    'searchsorted',
    keys.map(([key]) => key),
  ),
  'softmax.metal': [...of('softmax_short', products(floats, ['4', '32'], flags)), ...of('softmax_long', products(floats, flags))],
  'sort.metal': [
    ...keys.flatMap(([key, entry]) => [
      ...of('sort_rows', products([key], [entry], flags)),
      ['sort_tiles', `${key}, ${entry}`],
      // Floats are stored as integers are: these instances are there.
      ...(/(Half|Bfloat|Float)Key/.test(key) ? [] : of('sort_finish', products([`typename ${key}::Stored`], [entry], flags))),
    ]),
    ...['sort_entries', 'sort_merge'].flatMap((template) => of(template, entries)),
  ],
};
