import type { RootlessRuntime } from 'rootless-runtime'
import type { StartByTool } from './measure-tools.ts'

export function useOurs(runtime: RootlessRuntime): StartByTool {
  return async (image, command, saidWhenReady) => {
    const container = await runtime.containers.run({ image, command })
    await container.waitFor({ log: saidWhenReady })
    return {
      exec: async (words) => {
        const { exitCode, stdout } = await container.exec(words)
        return { exitCode, output: stdout }
      },
      readLog: async () => {
        const parts: Uint8Array[] = []
        for await (const { data } of container.logs()) parts.push(data)
        return Buffer.concat(parts).toString()
      },
      stopAndRemove: async () => {
        await container.stop()
        await container.remove()
      },
    }
  }
}
