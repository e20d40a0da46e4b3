import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cached, isCached, toKey } from './cache.ts'
import { chooseAccelerator } from './machine.ts'
import { toQemuArguments, type MachineOptions } from './qemu.ts'
import { ALL_GUESTS, CORE_GUESTS, parseKindName, toKindName } from './releases.ts'
import { toStateName } from './start-guest.ts'

// What the lab decides without a guest: names, the cache, qemu's arguments, and what it says to wrong words.

const folder = mkdtempSync(join(tmpdir(), 'lab-test-'))

beforeAll(() => {
  process.env['LAB_CACHE'] = join(folder, 'cache')
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const lab = (words: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'lab.ts'), ...words], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  })

test('every guest has a name that leads back to it', () => {
  expect(ALL_GUESTS.map((kind) => parseKindName(toKindName(kind)))).toEqual(ALL_GUESTS)
  expect(CORE_GUESTS.every((kind) => parseKindName(toKindName(kind)) !== undefined)).toBe(true)
})

describe('wrong words get what is wrong and what to type next:', () => {
  test.each([
    [['start', 'potato-default'], /there is no guest potato-default\nNext: guests are bullseye-default/u],
    [['build', 'potato'], /there is no release potato\nNext: releases are bullseye, bookworm, trixie/u],
    [['run', 'bookworm-default', 'true'], /no guest bookworm-default is running\nNext: pnpm lab start bookworm-default/u],
    [['stop', 'bookworm-default'], /no guest bookworm-default is running/u],
    [['frobnicate'], /unknown command 'frobnicate'/u],
    [['start'], /missing required argument 'guest'/u],
  ])('lab %j', (words, message) => {
    const ended = lab(words)
    expect({ code: ended.status, stderr: ended.stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(message) })
  })

  test('without its tools it names the packages, and how to install them', () => {
    const { stderr } = lab(['build', 'bookworm'], { PATH: '/nowhere' })
    expect(stderr).toMatch(/the lab needs .*qemu-system-x86.*\nNext: as root: apt-get install/u)
  })
})

describe('chooseAccelerator', () => {
  test.each([
    ['flags\t\t: fpu vmx sse', true, 'kvm'],
    ['flags\t\t: fpu svm', true, 'kvm'],
    ['flags\t\t: fpu sse vmxnet', true, 'tcg'],
    ['flags\t\t: fpu vmx', false, 'tcg'],
    ['', true, 'tcg'],
  ])('of %j with /dev/kvm %s is %s', (cpuinfo, opens, name) => {
    expect(chooseAccelerator(cpuinfo, opens)).toMatchObject({ name, reason: expect.stringMatching(/\w/u) })
  })
})

describe('the cache', () => {
  const silent = (): void => {}
  const make = (text: string) => async (unfinished: string) => writeFileSync(join(unfinished, 'file'), text)

  test('makes an entry once', async () => {
    expect(await cached('once', make('a'), silent)).toMatchObject({ made: true })
    expect(await cached('once', make('b'), silent)).toMatchObject({ made: false })
  })

  test('keeps nothing of an entry whose making failed', async () => {
    const failing = async (unfinished: string): Promise<void> => {
      writeFileSync(join(unfinished, 'file'), 'half')
      throw new Error('no space')
    }
    await expect(cached('failed', failing, silent)).rejects.toThrow('no space')
    expect(isCached('failed')).toBe(false)
    expect(await cached('failed', make('whole'), silent)).toMatchObject({ made: true })
  })

  test('makes an entry anew whose file was cut, and says so', async () => {
    const { folder: entry } = await cached('cut', make('0123456789'), silent)
    truncateSync(join(entry, 'file'), 3)
    expect(isCached('cut')).toBe(false)
    const said: string[] = []
    expect(await cached('cut', make('0123456789'), (line) => void said.push(line))).toMatchObject({ made: true })
    expect(said.join()).toMatch(/cut: file has 3 bytes, not 10; made anew/u)
  })

  test('lets one make an entry while another waits for it', async () => {
    let makers = 0
    const slow = async (unfinished: string): Promise<void> => {
      makers += 1
      await new Promise((resolve) => setTimeout(resolve, 300))
      writeFileSync(join(unfinished, 'file'), 'x')
    }
    const both = await Promise.all([cached('both', slow, silent), cached('both', slow, silent)])
    expect(makers).toBe(1)
    expect(both.map(({ made }) => made).toSorted()).toEqual([false, true])
  })

  test('has another key for other parts, wherever they are cut', () => {
    expect(toKey(['ab', 'c'])).not.toBe(toKey(['a', 'bc']))
  })
})

test.each([
  ['another version of qemu', { qemu: 'QEMU emulator version 99.9.9' }],
  ['other parameters of the kernel', { kernelParameters: ['lab.delegate=none'] }],
  ['another accelerator', { accelerator: { name: 'kvm', reason: '' } }],
  ['another image', { image: '1' }],
] as const)('a state frozen with %s is another state', (_, change) => {
  const name = (changed: Partial<Record<'qemu' | 'image', string>> & Partial<MachineOptions>): string => {
    const { qemu = 'QEMU emulator version 7.2.22', image = '0', ...machine } = changed
    return toStateName({ release: 'bookworm', configuration: 'none' }, image, qemu, {
      imageFolder: `/image-${image}`,
      disk: { file: `/image-${image}/disk.ext4`, format: 'raw', keepWrites: false },
      kernelParameters: [],
      accelerator: { name: 'tcg', reason: '' },
      ...machine,
    })
  }
  expect(name({})).toBe(name({ imageFolder: '/moved' }))
  expect(name(change)).not.toBe(name({}))
})

test('a machine of qemu reaches no network, throws its writes away and is reached through this host alone', () => {
  const options: MachineOptions = {
    imageFolder: '/image',
    disk: { file: '/image/disk.ext4', format: 'raw', keepWrites: false },
    kernelParameters: ['lab.delegate=none'],
    accelerator: { name: 'tcg', reason: '' },
    memory: "/state/o'clock",
  }
  const words = toQemuArguments(options, '/run', 2222).join(' ')
  expect(words).toContain('hostfwd=tcp:127.0.0.1:2222-:22,restrict=on')
  expect(words).toContain('snapshot=on')
  expect(words).toContain('lab.delegate=none')
  expect(words).toContain(`exec:zstd -dcq '/state/o'\\''clock'`)
})
