import { isAtLeastVersion, known, knownValue } from '@rootless-runtime/core'
import { DONE, byHand, judge, needed, write, type PlanContext, type StepDraft } from './step-draft.ts'
import { CONTAINERS_CONF_TEXT, choosesRuntime, toStorageConf } from './user-files.ts'

export function draftContainersConf({ state, places }: PlanContext): StepDraft | null {
  if (state.cgroupLayout.status === 'known' && state.cgroupLayout.value !== 'hybrid') return null
  const path = places.containersConf
  return {
    id: 'containers-conf',
    title: 'Make Podman use runc',
    why: 'This host mounts cgroup v1 and v2 side by side; crun, the default, starts no container there',
    needsRoot: false,
    undo: `remove ${path}`,
    outcome: judge(state.cgroupLayout, () =>
      judge(state.user?.containersConf ?? known(null, path), (text) => {
        if (text === null) return needed(write('user', path, CONTAINERS_CONF_TEXT))
        return choosesRuntime(text) ? DONE : byHand(`${path} is yours; add to its table [engine]: runtime = "runc"`)
      }),
    ),
  }
}

export function draftStorageConf({ state, places }: PlanContext): StepDraft {
  const path = places.storageConf
  const release = knownValue(state.kernelRelease)
  // The first kernel that lets a user namespace mount overlayfs.
  const kernelMounts = release === undefined || isAtLeastVersion(release, 5, 11)
  return {
    id: 'storage-conf',
    title: 'Make Podman store layers in overlayfs',
    why: `Podman 4 takes vfs without this file, which copies every layer; the choice of the first run stays for ever${
      kernelMounts ? '' : '; before Linux 5.11 fuse-overlayfs mounts it'
    }`,
    needsRoot: false,
    undo: `remove ${path}; images and containers stay with the driver that made them`,
    outcome: judge(state.user?.storageConf ?? known(null, path), (text) =>
      text !== null || state.user?.podmanStorage === true ? DONE : needed(write('user', path, toStorageConf(kernelMounts))),
    ),
  }
}
