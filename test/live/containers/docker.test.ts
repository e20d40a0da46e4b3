import { CONTAINER_EXCEPTIONS } from './exceptions.ts'
import { describeContainersHere } from './on-this-machine.ts'

await describeContainersHere('docker', CONTAINER_EXCEPTIONS.docker)
