export { ENGINE_NAMES, ENGINE_TITLES, type EngineName } from './engine.ts'
export { supported, supportedValue, unknown, unsupported, type Finding, type Fix, type SupportedOptions } from './finding.ts'
export { known, knownValue, unknownFact, type Fact } from './fact.ts'
export {
  CGROUP_MANAGERS,
  CGROUP_VERSIONS,
  LIMIT_NAMES,
  NETWORK_DRIVERS,
  NETWORK_PROPERTIES,
  PORT_DRIVERS,
  STORAGE_DRIVERS,
  STORAGE_LAYERS,
  type Capabilities,
  type CgroupCapabilities,
  type CgroupManager,
  type CgroupVersion,
  type DriverUse,
  type LimitName,
  type NetworkDriver,
  type NetworkProperty,
  type NetworkingCapabilities,
  type PortDriver,
  type StorageCapabilities,
  type StorageDriver,
} from './capabilities.ts'
export {
  FILE_KINDS,
  PORT_PROTOCOLS,
  type Answer,
  type Command,
  type CommandAnswer,
  type ConnectOptions,
  type FileContent,
  type FileKind,
  type FileStatus,
  type Machine,
  type PortProtocol,
  type ProcessEnd,
  type ReadOptions,
  type SpawnCommand,
  type SpawnedProcess,
  type System,
  type SystemFiles,
  type SystemUser,
  type WriteOptions,
} from './system.ts'
export {
  PLACE_VERDICTS,
  type AdapterOptions,
  type Availability,
  type Place,
  type PlaceVerdict,
  type RootlessRuntime,
  type Workplace,
} from './runtime.ts'
export { ERROR_CODES, RootlessError, type ErrorCode, type RootlessErrorOptions } from './errors.ts'
export { printable } from './printable.ts'
export {
  DEVICE_NAMES,
  HOST_CONDITION_NAMES,
  SYSCTL_ABSENT,
  SYSCTL_NAMES,
  TOOL_NAMES,
  type Attempt,
  type CgroupFacts,
  type DeviceFact,
  type DeviceName,
  type HomeFacts,
  type HostCondition,
  type HostConditionName,
  type HostFacts,
  type IdRange,
  type LxcUsernetLine,
  type SessionFacts,
  type SysctlName,
  type SystemFacts,
  type ToolFact,
  type ToolName,
  type UserNamespaceFacts,
} from './host-facts.ts'
export { REPORT_VERSION, type EngineReport, type Report } from './report.ts'
export { toMatrix, type Matrix, type MatrixCell, type MatrixRow } from './matrix.ts'
export { ARTICLE_OF_2020, toArticleMatrix } from './article.ts'
export {
  findShortfalls,
  findVersionShortfalls,
  parseRequirement,
  REQUIREMENT_WORDS,
  type RequiredPort,
  type Requirement,
  type Shortfall,
} from './requirement.ts'
export { findMount, parseMountInfo, type Mount } from './mount.ts'
export { setupFix } from './setup-fix.ts'
export {
  delegationFix,
  judgeDelegatedLimit,
  judgeLayouts,
  judgeLimits,
  judgeUserManager,
  LIMIT_CONTROLLERS,
} from './judge-cgroup.ts'
export {
  judgeBtrfs,
  judgeFuseOverlay,
  judgeKernelOverlay,
  judgeLxcUserNic,
  judgePing,
  judgePrivilegedPorts,
  judgeTool,
  judgeUserModeNetwork,
} from './judge-host.ts'
export { judgeIoWeight, readIoWeightRefusal } from './io-weight.ts'
export { markInUse } from './mark-in-use.ts'
export { readMountOf } from './read-mount.ts'
export { toEngineUnavailable } from './engine-unavailable.ts'
export { isAtLeastVersion } from './version.ts'
export { judgeStorage } from './judge-storage.ts'
export type {
  ContainerOptions,
  ExecOptions,
  Healthcheck,
  HostMount,
  Limits,
  MountOptions,
  PortOptions,
  TemporaryMount,
  VolumeMount,
} from './containers/options.ts'
export type {
  Call,
  Container,
  Containers,
  ExecResult,
  ListOptions,
  LogOptions,
  OutputOptions,
  RemoveOptions,
  RunResult,
  RunToEndOptions,
  StopOptions,
  WaitCondition,
  WaitOptions,
} from './containers/container.ts'
export {
  CONTAINER_STATUSES,
  type ContainerEnd,
  type ContainerEvent,
  type ContainerState,
  type ContainerStats,
  type ContainerStatus,
  type ContainerSummary,
  type HealthAnswer,
  type LimitVerdict,
  type LogEntry,
  type PublishedPort,
  type SweepResult,
} from './containers/container-state.ts'
export type { ContainerProcess, TerminalSize } from './containers/process.ts'
export type { Image, ImageConfig, ImageProgress, Images, ImageSource, LoadOptions, PullOptions } from './containers/image.ts'
export type { Networks, NetworkOptions, NetworkState, Volumes, VolumeState } from './containers/network.ts'
export type {
  ContainerDriver,
  ContainerPlan,
  DriverContext,
  DriverState,
  DriverSummary,
  EngineDriver,
  ExecPlan,
  LimitPlan,
} from './containers/driver.ts'
export { createLifecycle, loadLifecycle, type Lifecycle } from './containers/create-lifecycle.ts'
export { createFrameParser, type FrameParser, type FramePiece, type FrameStream } from './containers/stream-frames.ts'
export { LABEL_PREFIX } from './containers/owner.ts'
export { findMemoryKill } from './containers/memory-kills.ts'
export { readOwnAddress } from './containers/own-address.ts'
export { createSecretFolders, SECRETS_TARGET, type SecretFolders } from './containers/secret-folders.ts'
