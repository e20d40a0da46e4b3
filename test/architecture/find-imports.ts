const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s(?!type\b)(?:[^'"\n;]|\n)*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/gu

/** The modules that a source imports at run time, statically or lazily. Type-only imports are left out. */
export function findImports(source: string): readonly string[] {
  return [...source.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}
