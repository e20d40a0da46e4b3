#!/bin/sh
# lxc.sh up NETWORK STORAGE HOME | see | down: unprivileged LXC in one variant, and back. NETWORK is a type of lxc.net.0
# (veth, empty); STORAGE is dir, overlay (a snapshot of the container c0) or btrfs (HOME is then on one). Runs as the ordinary user.
set -u
. "$(dirname "$0")/seen.sh"
default=$HOME/.config/lxc/default.conf
keys=$HOME/.config/lxc/lxc.conf
saved=$HOME/.axis-lxc

up() {
  clear_up
  mkdir -p "$saved"
  [ -e "$saved/default.conf" ] || cp "$default" "$saved/default.conf"
  [ -e "$saved/c0" ] || cp "$HOME/.local/share/lxc/c0/config" "$saved/c0"
  if [ "$1" = empty ]; then
    # The included file of the system names a veth; an empty lxc.net takes it back.
    printf 'lxc.net =\nlxc.net.0.type = empty\n' >>"$default"
    sed -i '/^lxc\.net\./d' "$HOME/.local/share/lxc/c0/config"
    printf 'lxc.net =\nlxc.net.0.type = empty\n' >>"$HOME/.local/share/lxc/c0/config"
  fi
  case $2 in
    dir) echo c0 >"$saved/name" ;;
    overlay) words=$(lxc-copy -s -B overlay -n c0 -N axis 2>&1) && echo axis >"$saved/name" ;;
    btrfs)
      echo "lxc.lxcpath = $3" >"$keys"
      words=$(lxc-create -B btrfs -n axis -t busybox 2>&1) && echo axis >"$saved/name"
      ;;
  esac || {
    code=$?
    # lxc-copy of 4.0 gives no reason.
    say failed "${words:-lxc-copy ended with $code and said nothing}"
    return 1
  }
}

start() {
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    systemd-run --user --scope -q -p Delegate=yes -- lxc-start "$@"
  else
    lxc-start "$@"
  fi
}

see() {
  name=$(cat "$saved/name")
  limit=lxc.cgroup2.memory.max=64M
  [ -e /sys/fs/cgroup/cgroup.controllers ] || limit=lxc.cgroup.memory.limit_in_bytes=64M
  if ! words=$(start -n "$name" -s "$limit" 2>&1); then
    say failed "$words"
    return 1
  fi
  pid=$(lxc-info -n "$name" -pH)
  say_root "$pid"
  say_uid_map "$pid"
  say_memory_limit "$pid"
  device=$(sed -n 's/^ *\(eth0\): .*/\1/p' "/proc/$pid/net/dev")
  say network.carrier "$(carriers no)"
  say network.device "$device"
  link=$(lxc-info -n "$name" | sed -n 's/^Link: *//p' | head -n 1)
  [ -z "$link" ] || [ ! -e "/sys/class/net/lxcbr0/brif/$link" ] || say network.bridgePort "$link"
  # The container asks for an address by DHCP as soon as it is up: its veth counts.
  tries=0
  while [ -n "$device" ] && [ "$(sent_by "$pid" "$device")" = 0 ] && [ "$tries" -lt 60 ]; do
    tries=$((tries + 1))
    sleep 0.5
  done
  say network.sentBytes "$([ -z "$device" ] || sent_by "$pid" "$device")"
  lxc-stop -n "$name" -k >/dev/null 2>&1
}

clear_up() {
  name=$(cat "$saved/name" 2>/dev/null)
  [ -z "$name" ] || lxc-stop -n "$name" -k >/dev/null 2>&1
  [ "$name" != axis ] || lxc-destroy -n axis >/dev/null 2>&1
  rm -f "$keys"
  [ ! -e "$saved/default.conf" ] || cp "$saved/default.conf" "$default"
  [ ! -e "$saved/c0" ] || cp "$saved/c0" "$HOME/.local/share/lxc/c0/config"
  rm -rf "$saved"
}

down() {
  clear_up
  lxc-info -n c0 >/dev/null
}

"$@"
