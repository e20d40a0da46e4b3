import type { EngineName } from './engine.ts'
import type { Fix } from './finding.ts'

/** Stable codes; messages are free to improve. */
export const ERROR_CODES = [
  /** The engine is not there, not running, or runs as root. */
  'ENGINE_UNAVAILABLE',
  /** The engine did not answer within its time limit. */
  'ENGINE_TIMEOUT',
  /** The engine answered something that we cannot read: cut, huge, not JSON, another engine's. */
  'ENGINE_OUTPUT_UNREADABLE',
  /** The engine said no, in words of its own. */
  'ENGINE_REFUSED',
  /** No engine of this host has what was required. */
  'REQUIREMENT_NOT_MET',
  /** An argument of the caller is not one that we know. */
  'INVALID_ARGUMENT',
  /** The host does not let us do what was asked: a file, a command, a permission. */
  'HOST_REFUSED',
  /** The caller's signal ended it. */
  'ABORTED',
  /** The engine died, or hung up, while it was doing what was asked. */
  'ENGINE_GONE',
  /** No engine of this kind does what was asked, or not on this host. */
  'NOT_SUPPORTED',
  /** A limit would not be applied, or was not: the promise could not be kept. */
  'LIMIT_NOT_ENFORCED',
  /** A command said more than was to be kept. */
  'OUTPUT_TOO_LARGE',
  /** The time that the caller gave is over. */
  'TIMEOUT',
  'IMAGE_NOT_FOUND',
  /** The archive is cut, hostile, of another platform, or no image at all. */
  'IMAGE_INVALID',
  'IMAGE_IN_USE',
  'CONTAINER_NOT_FOUND',
  'NAME_IN_USE',
  /** The container has ended, was never started, or is paused. */
  'NOT_RUNNING',
  /** What was asked needs the container to have ended. */
  'STILL_RUNNING',
  'COMMAND_NOT_FOUND',
  /** The command is there and may not be executed. */
  'COMMAND_NOT_EXECUTABLE',
  'USER_NOT_FOUND',
  'WORKDIR_NOT_FOUND',
  'PORT_IN_USE',
  /** This user may not listen on that port. */
  'PORT_FORBIDDEN',
  'MOUNT_NOT_FOUND',
  /** A path inside the container does not exist. */
  'PATH_NOT_FOUND',
  'NETWORK_NOT_FOUND',
  'NETWORK_IN_USE',
  'VOLUME_NOT_FOUND',
  'VOLUME_IN_USE',
] as const
/** One of `ERROR_CODES`. */
export type ErrorCode = (typeof ERROR_CODES)[number]

/** What an error carries beside its code and its message. */
export interface RootlessErrorOptions {
  readonly engine?: EngineName
  /** What came back, verbatim and cut. */
  readonly evidence?: string
  readonly fix?: Fix
  readonly cause?: unknown
}

/** The one error class of rootless-runtime. Its message says what was asked, what came back, and what to do. */
export class RootlessError extends Error {
  override readonly name = 'RootlessError'
  readonly code: ErrorCode
  readonly engine?: EngineName
  readonly evidence?: string
  readonly fix?: Fix

  constructor(code: ErrorCode, message: string, options: RootlessErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    if (options.engine !== undefined) this.engine = options.engine
    if (options.evidence !== undefined) this.evidence = options.evidence
    if (options.fix !== undefined) this.fix = options.fix
  }
}
