import * as z from 'zod'
import type { Fix } from './finding.ts'

export const fixSchema: z.ZodType<Fix> = z
  .object({
    summary: z.string(),
    commands: z.array(z.array(z.string())).describe('Each command as an argument array'),
    needsRoot: z.boolean(),
    undo: z.string().exactOptional(),
    check: z.array(z.string()).exactOptional(),
  })
  .meta({ id: 'Fix', description: 'A typed plan that changes a finding' })
