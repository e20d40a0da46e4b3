export { createLxc } from './lxc.ts'
