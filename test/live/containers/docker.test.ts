import { describeContainersHere } from './on-this-machine.ts'

await describeContainersHere('docker')
