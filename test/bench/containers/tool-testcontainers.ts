import { GenericContainer, Wait } from 'testcontainers'
import type { StartByTool } from './measure-tools.ts'

export const useTestcontainers: StartByTool = async (image, command, saidWhenReady) => {
  const container = await new GenericContainer(image)
    .withCommand([...command])
    .withWaitStrategy(Wait.forLogMessage(saidWhenReady))
    .start()
  return {
    exec: async (words) => await container.exec([...words]),
    // Its stream follows the container: what is asked for is there when the last words are.
    readLog: async (lastWords) => {
      const log = await container.logs()
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      let text = ''
      log.on('error', reject).on('data', (chunk: unknown) => {
        text += String(chunk)
        if (text.endsWith(lastWords)) resolve(text)
      })
      const whole = await promise
      log.destroy()
      return whole
    },
    stopAndRemove: async () => {
      await container.stop({ timeout: 10_000 })
    },
  }
}
