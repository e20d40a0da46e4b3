import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseConfigEntries, toLxcConfig } from '../src/lxc-config.ts'

function read(text: string) {
  return toLxcConfig('/c', parseConfigEntries(text))
}

const MAPS = 'lxc.idmap = u 0 165536 65536\nlxc.idmap = g 0 165536 65536\n'
const U = { kind: 'u', inside: 0, outside: 165_536, count: 65_536 }
const G = { kind: 'g', inside: 0, outside: 165_536, count: 65_536 }

test.each([
  [
    'a veth on a bridge',
    `${MAPS}lxc.net.0.type = veth\nlxc.net.0.link = lxcbr0\n`,
    [U, G],
    { type: 'veth', link: 'lxcbr0', mtuBytes: null },
  ],
  ['an MTU', `${MAPS}lxc.net.0.type=veth\nlxc.net.0.mtu=9000\n`, [U, G], { type: 'veth', link: null, mtuBytes: 9000 }],
  ['no network', MAPS, [U, G], null],
  ['a network that is cleared again', `${MAPS}lxc.net.0.type = veth\nlxc.net =\n`, [U, G], null],
  ['maps that are cleared and set anew', `${MAPS}lxc.idmap =\nlxc.idmap = u 0 165536 65536\n`, [U], null],
  [
    'the last line wins',
    `${MAPS}lxc.net.0.type = veth\nlxc.net.0.type = empty\n`,
    [U, G],
    { type: 'empty', link: null, mtuBytes: null },
  ],
  ['the first network of several', `${MAPS}lxc.net.3.type = none\n`, [U, G], { type: 'none', link: null, mtuBytes: null }],
  ['comments and broken lines', `# lxc.net.0.type = veth\nlxc.net.0.type veth\n${MAPS}`, [U, G], null],
  ['a quoted value', `${MAPS}lxc.net.0.type = "veth"\n`, [U, G], { type: 'veth', link: null, mtuBytes: null }],
  [
    'a link that is no device name',
    `${MAPS}lxc.net.0.type = veth\nlxc.net.0.link = ../../etc/passwd\n`,
    [U, G],
    { type: 'veth', link: null, mtuBytes: null },
  ],
  ['a map with a word too many', 'lxc.idmap = u 0 165536 65536 7\n', [], null],
])('%s', (_, text, idMaps, network) => {
  expect(read(text)).toEqual({ path: '/c', idMaps, network, appArmorProfile: null })
})

test('rubbish never breaks the parser, and a map is four whole words', () => {
  const lines = fc.array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.string().map((value) => `lxc.idmap = ${value}`),
      fc.string().map((value) => `lxc.net.0.type = ${value}`),
    ),
  )
  fc.assert(
    fc.property(lines, (each) => {
      const { idMaps, network } = read(each.join('\n'))
      for (const map of idMaps)
        expect(
          Object.values(map)
            .slice(1)
            .every((value) => Number.isSafeInteger(value)),
        ).toBe(true)
      expect(network?.type ?? '').not.toMatch(/[\u0000-\u001f\u007f]/u)
    }),
    { numRuns: 1000 },
  )
})
