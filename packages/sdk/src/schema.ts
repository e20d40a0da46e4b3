// The report as data from elsewhere: its schema, and how it is read back. Apart, as it loads zod.
export { hostFactsSchema, parseReport, reportSchema, toReportJsonSchema } from '@rootless-runtime/core/schema'
