export { createLxc, loadLxcDriver } from './lxc.ts'
