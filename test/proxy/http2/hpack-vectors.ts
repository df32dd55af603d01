// RFC 7541, appendix C: header lists, their encodings, and the decoder's dynamic table after each.

export interface Vector {
  readonly block: string;
  readonly headers: readonly string[];
}

export interface VectorSequence {
  readonly name: string;
  readonly tableBytes: number;
  readonly vectors: readonly Vector[];
}

export const SINGLE_FIELDS: readonly Vector[] = [
  // C.2.1: literal with incremental indexing.
  {
    block: '400a637573746f6d2d6b65790d637573746f6d2d686561646572',
    headers: ['custom-key', 'custom-header'],
  },
  // C.2.2: literal without indexing.
  { block: '040c2f73616d706c652f70617468', headers: [':path', '/sample/path'] },
  // C.2.3: literal never indexed.
  { block: '100870617373776f726406736563726574', headers: ['password', 'secret'] },
  // C.2.4: indexed.
  { block: '82', headers: [':method', 'GET'] },
];

const FIRST_REQUEST = [
  ':method',
  'GET',
  ':scheme',
  'http',
  ':path',
  '/',
  ':authority',
  'www.example.com',
];
const REQUESTS: readonly (readonly string[])[] = [
  FIRST_REQUEST,
  [...FIRST_REQUEST, 'cache-control', 'no-cache'],
  [
    ':method',
    'GET',
    ':scheme',
    'https',
    ':path',
    '/index.html',
    ':authority',
    'www.example.com',
    'custom-key',
    'custom-value',
  ],
];

const FIRST_RESPONSE = [
  ':status',
  '302',
  'cache-control',
  'private',
  'date',
  'Mon, 21 Oct 2013 20:13:21 GMT',
  'location',
  'https://www.example.com',
];
const RESPONSES: readonly (readonly string[])[] = [
  FIRST_RESPONSE,
  [':status', '307', ...FIRST_RESPONSE.slice(2)],
  [
    ':status',
    '200',
    'cache-control',
    'private',
    'date',
    'Mon, 21 Oct 2013 20:13:22 GMT',
    'location',
    'https://www.example.com',
    'content-encoding',
    'gzip',
    'set-cookie',
    'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  ],
];

function sequence(
  name: string,
  tableBytes: number,
  lists: readonly (readonly string[])[],
  blocks: readonly string[],
): VectorSequence {
  const vectors = blocks.map((block, index) => ({ block, headers: lists[index] ?? [] }));
  return { name, tableBytes, vectors };
}

export const SEQUENCES: readonly VectorSequence[] = [
  sequence('C.3 requests without Huffman coding', 4096, REQUESTS, [
    '828684410f7777772e6578616d706c652e636f6d',
    '828684be58086e6f2d6361636865',
    '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
  ]),
  sequence('C.4 requests with Huffman coding', 4096, REQUESTS, [
    '828684418cf1e3c2e5f23a6ba0ab90f4ff',
    '828684be5886a8eb10649cbf',
    '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
  ]),
  sequence('C.5 responses without Huffman coding, table of 256 bytes', 256, RESPONSES, [
    '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54' +
      '6e1768747470733a2f2f7777772e6578616d706c652e636f6d',
    '4803333037c1c0bf',
    '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f' +
      '3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076' +
      '657273696f6e3d31',
  ]),
  sequence('C.6 responses with Huffman coding, table of 256 bytes', 256, RESPONSES, [
    '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f' +
      '0b97c8e9ae82ae43d3',
    '4883640effc1c0bf',
    '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335df' +
      'dfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  ]),
];

/** Strings of appendix C.4 and C.6 with their Huffman codes. */
export const HUFFMAN_STRINGS: readonly (readonly [text: string, code: string])[] = [
  ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
  ['no-cache', 'a8eb10649cbf'],
  ['custom-key', '25a849e95ba97d7f'],
  ['custom-value', '25a849e95bb8e8b4bf'],
  ['302', '6402'],
  ['private', 'aec3771a4b'],
  ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
  ['https://www.example.com', '9d29ad171863c78f0b97c8e9ae82ae43d3'],
  ['307', '640eff'],
  ['gzip', '9bd9ab'],
  [
    'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    '94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  ],
];
