export { createDocker } from './docker.ts'
export { loadDocker } from './docker-api.ts'
