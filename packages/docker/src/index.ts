export { createDocker, loadDocker, loadDockerDriver } from './docker.ts'
