// HTTP/1.1 over streams that somebody else opens: for engines that are spoken to through a socket. An entry point of its own, as
// only they load it.
export { createHttpClient, type HttpClient, type HttpConnections } from './http/http-client.ts'
export type { HttpEngine } from './http/http-errors.ts'
export { exchange, type BodySink, type HttpLimits, type OpenAnswer } from './http/http-exchange.ts'
export type { HttpRequest } from './http/http-request.ts'
export { createTextSink, type TextSink } from './http/http-text.ts'
