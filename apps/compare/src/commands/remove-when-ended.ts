import type { EngineWords } from '../containers/engines.ts'
import { findContainer } from '../containers/engines.ts'
import { EXIT } from '../io.ts'

/** What `rootless run -d --rm` leaves running: whatever ends the container, it is removed then. */
export async function removeWhenEnded(id: string, words: EngineWords): Promise<number> {
  const container = await findContainer(id, words)
  await container.wait()
  await container.remove()
  return EXIT.fine
}
