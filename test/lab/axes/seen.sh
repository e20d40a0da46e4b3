# Sourced by the scripts of the axes. Prints what the kernel shows as KEY=VALUE lines; it asks no engine and nothing of ours.
say() { printf '%s=%s\n' "$1" "$(printf '%s' "$2" | tr '\n' ' ' | cut -c1-600)"; }

# The line of a process's root in its mountinfo: the type of the file system, and which folder of it.
say_root() {
  say storage.type "$(awk '$5 == "/" { for (i = 7; i <= NF; i++) if ($i == "-") type = $(i + 1) } END { print type }' "/proc/$1/mountinfo")"
  say storage.folder "$(awk '$5 == "/" { folder = $4 } END { print folder }' "/proc/$1/mountinfo")"
}

say_uid_map() { say uidMap "$(awk '{ print $1, $2, $3 }' "/proc/$1/uid_map" | paste -sd,)"; }

# Bytes sent by a device of the network namespace of a process.
sent_by() { sed -n "s/^ *$2: *//p" "/proc/$1/net/dev" | awk '{ print $9 }'; }

# The device that leads out of the network namespace of a process, where there is one.
way_out() { awk 'NR > 1 && $2 == "00000000" { print $1; exit }' "/proc/$1/net/route"; }

# Whether a process stands below RootlessKit.
is_below_kit() {
  above=$1
  while [ "${above:-0}" -gt 1 ]; do
    [ "$(cat "/proc/$above/comm" 2>/dev/null)" != rootlesskit ] || return 0
    above=$(sed -n 's/^PPid:\t//p' "/proc/$above/status" 2>/dev/null)
  done
  return 1
}

# Programs that carry packets between namespaces: those of RootlessKit (yes) or the others (no).
carriers() {
  for pid in $(pgrep -u "$(id -u)"); do
    name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
    case ${name%.avx2} in slirp4netns | pasta | passt | vpnkit) ;; *) continue ;; esac
    if is_below_kit "$pid"; then below=yes; else below=no; fi
    [ "$below" != "$1" ] || echo "${name%.avx2}"
  done | sort -u
}

# A veth whose other end is a port of the bridge: its index there is what the device inside names as its peer. $1 device, $2... how
# to read a file of /sys/class/net in that namespace.
say_veth_peer() {
  device=$1
  shift
  peer=$("$@" cat "/sys/class/net/$device/iflink" 2>/dev/null)
  for port in /sys/class/net/lxcbr0/brif/*; do
    [ -e "$port" ] || continue
    [ "$(cat "/sys/class/net/${port##*/}/ifindex")" != "$peer" ] || say network.bridgePort "${port##*/}"
  done
}

# The folder of a process in the hierarchy of a controller, on cgroup v2 or v1.
group_of() {
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"
  else
    echo "/sys/fs/cgroup/$2$(grep -E "^[0-9]+:([^:]*,)?$2(,[^:]*)?:" "/proc/$1/cgroup" | cut -d: -f3)"
  fi
}

say_memory_limit() {
  group=$(group_of "$1" memory)
  say limit.group "$group"
  for file in memory.max memory.limit_in_bytes; do
    [ ! -r "$group/$file" ] || say limit.memory "$(cat "$group/$file")"
  done
}
