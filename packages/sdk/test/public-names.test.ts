import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import * as sdk from '../src/index.ts'

const packageFolder = join(import.meta.dirname, '..')
const manifest = z.object({ version: z.string() })

test('the version is the one of the package', () => {
  expect(sdk.VERSION).toBe(manifest.parse(JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'))).version)
})

/** The names in the braces of every `export { ... }` of a text, without `type`. */
function listExports(text: string): readonly string[] {
  return [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gmu)].flatMap(([, names = '']) =>
    names
      .split(',')
      .map((name) => name.trim().replace(/^type /u, ''))
      .filter((name) => name !== ''),
  )
}

interface Declaration {
  readonly kind: string
  readonly lines: readonly string[]
  readonly line: number
}

function listSources(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
}

function findDeclarations(paths: readonly string[]): ReadonlyMap<string, Declaration> {
  return new Map(
    paths.flatMap((path) => {
      const lines = readFileSync(path, 'utf8').split('\n')
      return lines.flatMap((text, line) => {
        const match = /^export (?:async )?(function|const|interface|type|class) (\w+)/u.exec(text)
        return match?.[1] === undefined || match[2] === undefined ? [] : [[match[2], { kind: match[1], lines, line }] as const]
      })
    }),
  )
}

function isDocumented({ lines, line }: Declaration): boolean {
  return lines[line - 1]?.trimEnd().endsWith('*/') === true
}

const declarations = findDeclarations([
  ...listSources(join(packageFolder, 'src')),
  ...listSources(join(packageFolder, '../core/src')),
])
const names = ['index.ts', 'schema.ts'].flatMap((file) => listExports(readFileSync(join(packageFolder, 'src', file), 'utf8')))

// `export type NetworkDriver = (typeof NETWORK_DRIVERS)[number]`: the list above it says what it means.
function listOf(declaration: Declaration): Declaration | undefined {
  const name = /= \(typeof (\w+)\)\[number\]/u.exec(declaration.lines[declaration.line] ?? '')?.[1]
  return name === undefined ? undefined : declarations.get(name)
}

describe('every public name', () => {
  test('is found by this test', () => {
    expect(names.length).toBeGreaterThan(80)
    expect(names.filter((name) => !declarations.has(name))).toEqual([])
  })

  test('is exported once', () => {
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  test('that is a value is really there', () => {
    const values = names.filter((name) => ['function', 'const', 'class'].includes(declarations.get(name)?.kind ?? ''))
    const schema = listExports(readFileSync(join(packageFolder, 'src/schema.ts'), 'utf8'))
    expect(Object.keys(sdk).toSorted()).toEqual(values.filter((name) => !schema.includes(name)).toSorted())
  })

  test('has a docstring', () => {
    const silent = names.filter((name) => {
      const declaration = declarations.get(name)
      if (declaration === undefined || isDocumented(declaration)) return false
      const list = listOf(declaration)
      return list === undefined || !isDocumented(list)
    })
    expect(silent).toEqual([])
  })
})

const WAITING = ['buildReport', 'discoverRuntimes', 'openRuntime', 'selectRuntime', 'parseReport', 'parseRequirement']

test.each(WAITING)('the docstring of %s says what it throws', (name) => {
  const declaration = declarations.get(name)
  const above = declaration?.lines.slice(0, declaration.line).join('\n') ?? ''
  expect(above.slice(above.lastIndexOf('/**'))).toContain('@throws RootlessError')
})
