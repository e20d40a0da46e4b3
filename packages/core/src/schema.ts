// What needs zod, apart: whoever only asks engines does not load it.
export { hostFactsSchema } from './host-facts-schema.ts'
export { parseReport, reportSchema, toReportJsonSchema } from './report-schema.ts'
