export { describeRuntime, type RecordedExpectation, type RuntimeUnderTest } from './describe-runtime.ts'
export { toExpectedCells, type ExpectedCells, type NoValue } from './expected-cells.ts'
export { checkCapabilities, listFindings } from './check-capabilities.ts'
export { recordSystem, type RecordingFacts, type SystemRecorder } from './record-system.ts'
export { replaySystem, type SystemReplay } from './replay-system.ts'
export { damageRecording, type DamagedRecording } from './damage.ts'
export {
  parseRecording,
  RECORDED_METHODS,
  scrubRecording,
  type RecordedAnswer,
  type RecordedCall,
  type RecordedExchange,
  type RecordedMethod,
  type Recording,
} from './recording.ts'
export {
  CONTAINER_BEHAVIOURS,
  describeContainers,
  type BehaviourId,
  type ContainersUnderTest,
  type Exceptions,
} from './containers/describe-containers.ts'
export type { Exception } from './containers/exceptions.ts'
export type { Behaviour } from './containers/behaviour.ts'
export type { Bench, BenchSource, ForeignCommands } from './containers/bench.ts'
export {
  buildTar,
  buildTestImage,
  toDockerArchive,
  toOciArchive,
  toOciLayout,
  type TarFile,
  type TarHeader,
  type TestImage,
  type TestImageConfig,
} from './containers/test-image.ts'
