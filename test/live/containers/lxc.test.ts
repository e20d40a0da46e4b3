import { CONTAINER_EXCEPTIONS } from './exceptions.ts'
import { describeContainersHere } from './on-this-machine.ts'

await describeContainersHere('lxc', CONTAINER_EXCEPTIONS.lxc)
