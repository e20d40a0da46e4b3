export { createDocker, loadDocker } from './docker.ts'
