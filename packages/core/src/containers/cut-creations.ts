import type { Call } from './container.ts'
import { isSilence, isUncertain, type Leftovers } from './leftovers.ts'
import type { NetworkOptions } from './network.ts'
import { CREATION_LABEL } from './owner.ts'

interface NamedState {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** What networks and volumes have in common. */
interface NamedParts<State extends NamedState> {
  create(name: string, options?: NetworkOptions): Promise<void>
  list(call?: Call): Promise<readonly State[]>
  remove(name: string, call?: Call): Promise<void>
}

/** Networks or volumes, of which a creation that the engine's death has cut is taken back when the engine is back. */
export function guardCreations<State extends NamedState>(parts: NamedParts<State>, leftovers: Leftovers): NamedParts<State> {
  return {
    create: async (name, options) => {
      // One of them may have the name that is wanted.
      await leftovers.remove(options?.signal === undefined ? {} : { signal: options.signal })
      const creation = crypto.randomUUID()
      try {
        await parts.create(name, { ...options, labels: { ...options?.labels, [CREATION_LABEL]: creation } })
      } catch (error) {
        const remove = (call: Call): Promise<boolean> => removeCut(parts, creation, call)
        if (isUncertain(error)) leftovers.add({ name, remove, mayComeLater: isSilence(error) })
        throw error
      }
    },
    list: async (call) => (await parts.list(call)).map(withoutCreation),
    remove: (name, call) => parts.remove(name, call),
  }
}

async function removeCut(
  { list, remove }: Pick<NamedParts<NamedState>, 'list' | 'remove'>,
  creation: string,
  call: Call,
): Promise<boolean> {
  const found = (await list(call)).find(({ labels }) => labels[CREATION_LABEL] === creation)
  if (found !== undefined) await remove(found.name, call)
  return found !== undefined
}

function withoutCreation<State extends NamedState>(state: State): State {
  return { ...state, labels: Object.fromEntries(Object.entries(state.labels).filter(([name]) => name !== CREATION_LABEL)) }
}
