#!/bin/sh
# podman.sh up NETWORK STORAGE HOME | see | down: rootless Podman in one variant, with a folder of its own, and back.
# STORAGE is overlay, fuse-overlayfs, vfs or btrfs. Runs as the ordinary user.
set -u
. "$(dirname "$0")/seen.sh"
configuration=$HOME/.config/containers
place=$HOME/.axis-podman-home

forget_service() { systemctl --user stop podman.service 2>/dev/null; }

up() {
  clear_up
  mkdir -p "$configuration"
  echo "$3" >"$place"
  driver=$2
  [ "$2" != fuse-overlayfs ] || driver=overlay
  {
    echo '[storage]'
    echo "driver = \"$driver\""
    echo "graphroot = \"$3\""
    echo "runroot = \"$XDG_RUNTIME_DIR/axis-podman\""
    [ "$2" != fuse-overlayfs ] || printf '[storage.options.overlay]\nmount_program = "/usr/bin/fuse-overlayfs"\n'
  } >"$configuration/storage.conf"
  [ "$1" = default ] || printf '[network]\ndefault_rootless_network_cmd = "%s"\n' "$1" >"$configuration/containers.conf"
  forget_service
  if ! words=$(podman load -q -i /opt/lab/busybox-image.tar 2>&1); then
    say failed "$words"
    return 1
  fi
}

# $1, when given, is a network to ask for by --network.
see() {
  if ! words=$(podman run -d --name axis ${1:+--network=$1} --memory 64m busybox sleep 600 2>&1); then
    say failed "$words"
    podman rm -f axis >/dev/null 2>&1
    return 1
  fi
  pid=$(podman inspect --format '{{.State.Pid}}' axis)
  say_root "$pid"
  say_uid_map "$pid"
  say_memory_limit "$pid"
  device=$(way_out "$pid")
  say network.carrier "$(carriers no)"
  say network.device "$device"
  before=$(sent_by "$pid" "$device")
  podman exec axis sh -c 'for i in 1 2 3; do echo axis | nc -w 1 192.0.2.1 9; done' >/dev/null 2>&1
  say network.sentBytes "$(($(sent_by "$pid" "$device") - before))"
  podman kill axis >/dev/null 2>&1
  podman rm -f axis >/dev/null 2>&1
}

clear_up() {
  podman rm -f axis >/dev/null 2>&1
  rm -f "$configuration/storage.conf" "$configuration/containers.conf"
  [ ! -r "$place" ] || podman unshare rm -rf "$(cat "$place")" "$XDG_RUNTIME_DIR/axis-podman"
  rm -f "$place"
  forget_service
}

down() {
  clear_up
  podman run --rm busybox true
}

"$@"
