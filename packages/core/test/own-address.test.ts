import { expect, test } from 'vitest'
import { parseOwnAddress } from '../src/containers/own-address.ts'

const ROUTE = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
lxcbr0	0003000A	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
`

const leaf = (address: string, kind: string): string => `           |-- ${address}\n              ${kind}\n`
const LOOPBACK = leaf('127.0.0.0', '/8 host LOCAL') + leaf('127.0.0.1', '/32 host LOCAL')
const BRIDGE = leaf('10.0.3.1', '/32 host LOCAL') + leaf('10.0.3.255', '/32 link BROADCAST')
const OUTSIDE = leaf('192.0.2.2', '/32 host LOCAL') + leaf('192.0.2.255', '/32 link BROADCAST')

test('the address on the way out comes before that of a bridge', () => {
  expect(parseOwnAddress(ROUTE, LOOPBACK + BRIDGE + OUTSIDE)).toBe('192.0.2.2')
})

test('without a way out it is any address that is no loopback', () => {
  expect(parseOwnAddress('', LOOPBACK + BRIDGE)).toBe('10.0.3.1')
})

test.each([
  ['a loopback alone', LOOPBACK],
  ['nothing', ''],
  ['rubbish', 'host LOCAL\n|-- x'],
])('%s is no address', (_, fibTrie) => {
  expect(parseOwnAddress(ROUTE, fibTrie)).toBeNull()
})
