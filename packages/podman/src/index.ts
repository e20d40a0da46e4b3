export { createPodman, loadPodman, loadPodmanDriver } from './podman.ts'
