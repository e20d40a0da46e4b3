import type { LimitName } from '../capabilities.ts'
import type { Fact } from '../fact.ts'
import type { PortProtocol } from '../system.ts'
import type { MountOptions } from './options.ts'

/** How a container ended. `outOfMemory`: whether the kernel killed one of its processes for memory. */
export interface ContainerEnd {
  /** 128 and the signal's number when a signal ended it. */
  readonly exitCode: number
  readonly outOfMemory: Fact<boolean>
}

/** The states of a container. */
export const CONTAINER_STATUSES = ['created', 'running', 'paused', 'ended'] as const
/** One of `CONTAINER_STATUSES`. */
export type ContainerStatus = (typeof CONTAINER_STATUSES)[number]

/** What a list tells of a container; `inspect` tells the rest. */
export interface ContainerSummary {
  readonly id: string
  readonly name: string
  readonly status: ContainerStatus
  /** As it was asked for. */
  readonly image: string
  readonly imageId: string
  /** The words of the command, joined by blanks: for people. */
  readonly commandLine: string
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: Date
  /** `null` unless it has ended. */
  readonly exitCode: number | null
  readonly ports: readonly PublishedPort[]
  /** Its network as it was asked for. */
  readonly network: string
}

/** What is known of a container. Times are of the host's clock. */
export interface ContainerState {
  readonly id: string
  readonly name: string
  readonly status: ContainerStatus
  /** As it was asked for. */
  readonly image: string
  readonly imageId: string
  readonly command: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly endedAt: Date | null
  /** `null` unless it has ended. */
  readonly exitCode: number | null
  readonly outOfMemory: Fact<boolean>
  /** Of its first process, in the host's numbering; `null` unless it runs. */
  readonly pid: number | null
  readonly ports: readonly PublishedPort[]
  /** Its network as it was asked for, and its address there; `null` when it has none or nobody could look. */
  readonly network: { readonly name: string; readonly address: string | null }
  readonly mounts: readonly MountOptions[]
  readonly terminal: boolean
}

/** A port of the host that leads into a container. */
export interface PublishedPort {
  readonly container: number
  readonly host: number
  readonly protocol: PortProtocol
  readonly address: string
}

/** Whether a limit holds: seen in the container's cgroup, not there, or nobody could look. */
export interface LimitVerdict {
  readonly limit: LimitName
  /** As `memory.max 67108864`. */
  readonly asked: string
  readonly status: 'applied' | 'not-applied' | 'unknown'
  /** What was read and where, or why it could not be. */
  readonly evidence: string
}

/** What a container uses, read from its own cgroup. A figure that is not the container's own is `unknown`, never the host's. */
export interface ContainerStats {
  readonly memoryBytes: Fact<number>
  readonly memoryLimitBytes: Fact<number | null>
  /** Processor time since its start, in microseconds. */
  readonly cpuMicroseconds: Fact<number>
  readonly pids: Fact<number>
  readonly ioReadBytes: Fact<number>
  readonly ioWriteBytes: Fact<number>
  readonly networkReceivedBytes: Fact<number>
  readonly networkSentBytes: Fact<number>
}

/** What the command wrote in one piece. */
export interface LogEntry {
  readonly stream: 'stdout' | 'stderr'
  readonly data: Uint8Array
  /** `null` when the engine does not say. */
  readonly time: Date | null
}

/** What happened to a container. */
export interface ContainerEvent {
  readonly event: 'created' | 'started' | 'ended' | 'paused' | 'resumed' | 'removed'
  readonly id: string
  readonly name: string
  readonly time: Date
}

/** What a sweep removed and what it could not remove. */
export interface SweepResult {
  /** Names. */
  readonly removed: readonly string[]
  readonly failed: readonly { readonly name: string; readonly reason: string }[]
}

/** What the healthcheck said. */
export type HealthAnswer =
  | { readonly status: 'healthy' }
  | { readonly status: 'unhealthy'; readonly reason: string }
  | { readonly status: 'unknown'; readonly reason: string }
