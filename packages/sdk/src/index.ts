export { discoverRuntimes, openRuntime, type DiscoverOptions, type DiscoveredRuntime, type RuntimeOptions } from './runtimes.ts'
export { buildReport, type ReportOptions, type ReportProgress } from './build-report.ts'
export { judgeRequirement, selectRuntime, type RequirementAnswer, type SelectedRuntime, type SelectOptions } from './select-runtime.ts'
export { VERSION } from './version.ts'
