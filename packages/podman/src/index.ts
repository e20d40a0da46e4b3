export { createPodman, loadPodman } from './podman.ts'
