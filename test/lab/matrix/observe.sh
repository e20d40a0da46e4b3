#!/bin/sh
# Runs in a guest as its ordinary user, and prints what is there as KEY=VALUE lines. It uses the engines' own commands, /proc and
# /sys alone, nothing of ours: what `rootless compare` says is held against this.
set -u
image=busybox
# Started together, as starts are dear; when that is refused, each apart. The other two are refused by themselves in places.
together='memory cpu pids'
apart='cpuset io'
say() { printf '%s=%s\n' "$1" "$(printf '%s' "$2" | tr '\n' ' ' | cut -c1-1000)"; }
is_v2() { [ -e /sys/fs/cgroup/cgroup.controllers ]; }

# The type of the file system that a process has as its root.
root_of() { awk '$5 == "/" { for (i = 7; i <= NF; i++) if ($i == "-") type = $(i + 1) } END { print type }' "/proc/$1/mountinfo"; }

# Bytes sent through a network device of the namespace of a process.
sent_by() { sed -n "s/^ *$2: *//p" "/proc/$1/net/dev" | awk '{ print $9 }'; }

# The folder of a process in the hierarchy of a controller: $1 pid, $2 controller of cgroup v1.
group_of() {
  if is_v2; then
    echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"
  else
    echo "/sys/fs/cgroup/$2$(grep -E "^[0-9]+:([^:]*,)?$2(,[^:]*)?:" "/proc/$1/cgroup" | cut -d: -f3)"
  fi
}

# What the kernel holds a process to. The first file that is there speaks.
limit_of() {
  case $2 in
    memory) set -- "$1" memory memory.max memory.limit_in_bytes ;;
    cpu) set -- "$1" cpu cpu.max cpu.cfs_quota_us ;;
    pids) set -- "$1" pids pids.max ;;
    cpuset) set -- "$1" cpuset cpuset.cpus cpuset.effective_cpus ;;
    io) set -- "$1" blkio io.weight io.bfq.weight blkio.weight blkio.bfq.weight ;;
  esac
  group=$(group_of "$1" "$2")
  shift 2
  for file in "$@"; do
    if [ -r "$group/$file" ]; then
      cat "$group/$file"
      return
    fi
  done
  echo absent
}

# Controllers that a container of this user can have. $1 pid, $2 a word in the name of its own group.
controllers_of() {
  if is_v2; then
    cat "/sys/fs/cgroup/user.slice/user-$(id -u).slice/user@$(id -u).service/cgroup.controllers"
  else
    grep "$2" "/proc/$1/cgroup" | cut -d: -f2 | grep -v = | tr ',' '\n' | sort | grep .
  fi
}

say_process() {
  say "$1.storage" "$(root_of "$2")"
  say "$1.uidMap" "$(awk '{ print $1, $2, $3 }' "/proc/$2/uid_map" | paste -sd,)"
  if is_v2; then say "$1.group" "$(sed -n 's/^0:://p' "/proc/$2/cgroup")"; else say "$1.group" "$(sed -n 's/^[0-9]*:freezer://p' "/proc/$2/cgroup")"; fi
  say "$1.controllers" "$(controllers_of "$2" "$3" | tr ' ' '\n' | sort | paste -sd' ')"
}

# What became of limits. $1 engine, $2 exit code, $3 its words, $4 pid of the container or 0, $5... the limits.
say_limits() {
  of=$1 code=$2 said=$3 process=$4
  shift 4
  for one in "$@"; do
    say "$of.limit.$one.exitCode" "$code"
    say "$of.limit.$one.words" "$said"
    if [ "${process:-0}" -gt 0 ]; then say "$of.limit.$one" "$(limit_of "$process" "$one")"; else say "$of.limit.$one" refused; fi
  done
}

# Programs of this user that carry packets between namespaces: those below RootlessKit (yes) or the others (no).
carriers() {
  for pid in $(pgrep -u "$(id -u)"); do
    name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
    case ${name%.avx2} in slirp4netns | pasta | passt | vpnkit) ;; *) continue ;; esac
    above=$pid kit=no
    while [ "${above:-0}" -gt 1 ]; do
      above=$(sed -n 's/^PPid:\t//p' "/proc/$above/status" 2>/dev/null)
      [ "$(cat "/proc/${above:-0}/comm" 2>/dev/null)" != rootlesskit ] || kit=yes
    done
    [ "$kit" != "$1" ] || echo "${name%.avx2}"
  done | sort -u
}

# How much more a device sent when a container had called outside. $1 engine, $2 whether its carrier lives below RootlessKit, $3 pid.
say_traffic() {
  say "$1.network" "$(carriers "$2")"
  holder=$3
  [ "$2" = no ] || holder=$(pgrep -u "$(id -u)" -x dockerd | head -n 1)
  device=$(awk 'NR > 1 && $2 == "00000000" { print $1; exit }' "/proc/$holder/net/route")
  before=$(sent_by "$holder" "$device")
  $1 exec seen sh -c 'for i in 1 2 3; do echo ping | nc -w 1 10.0.2.2 9; done' >/dev/null 2>&1
  say "$1.device" "$device"
  say "$1.sentBytes" "$(($(sent_by "$holder" "$device") - ${before:-0}))"
}

to_options() {
  for wanted in "$@"; do
    case $wanted in
      memory) echo '--memory 64m' ;;
      cpu) echo '--cpus 0.5' ;;
      pids) echo '--pids-limit 20' ;;
      cpuset) echo '--cpuset-cpus 0' ;;
      io) echo '--blkio-weight 100' ;;
    esac
  done
}
oci_pid() { "$1" inspect --format '{{.State.Pid}}' seen 2>/dev/null; }
oci_remove() {
  # Podman's waits ten seconds for an end by itself.
  [ "$1" = docker ] || "$1" kill seen >/dev/null 2>&1
  "$1" rm -f seen >/dev/null 2>&1
}
# $1 engine, $2... limits. Leaves the exit code in $code, its words in $words, the pid in $pid.
oci_start() {
  oci_remove "$1"
  engine=$1
  shift
  # shellcheck disable=SC2046 # Options are words.
  words=$("$engine" run -d --name seen $(to_options "$@") $image sleep 600 2>&1)
  code=$?
  words=$(echo "$words" | grep -v -E '^[0-9a-f]{64}$')
  pid=$(oci_pid "$engine")
}

# Docker and Podman have one command line. $1 engine, $2 whether its carrier lives below RootlessKit.
observe_oci() {
  oci_start "$1" $together
  if [ "${pid:-0}" -gt 0 ]; then
    say_limits "$1" "$code" "$words" "$pid" $together
    say "$1.inspect.memory" "$("$1" inspect --format '{{.HostConfig.Memory}}' seen 2>&1)"
  else
    for limit in $together; do
      oci_start "$1" "$limit"
      say_limits "$1" "$code" "$words" "$pid" "$limit"
    done
    oci_start "$1"
    if [ "${pid:-0}" -le 0 ]; then say "$1.failed" "$words"; fi
  fi
  if [ "${pid:-0}" -gt 0 ]; then
    say_process "$1" "$pid" "$("$1" inspect --format '{{.Id}}' seen)"
    say_traffic "$1" "$2" "$pid"
  fi
  for limit in $apart; do
    oci_start "$1" "$limit"
    say_limits "$1" "$code" "$words" "$pid" "$limit"
  done
  oci_remove "$1"
}

to_setting() {
  if is_v2; then
    case $1 in
      memory) echo lxc.cgroup2.memory.max=64M ;;
      cpu) echo 'lxc.cgroup2.cpu.max=50000 100000' ;;
      pids) echo lxc.cgroup2.pids.max=20 ;;
      cpuset) echo lxc.cgroup2.cpuset.cpus=0 ;;
      io) echo 'lxc.cgroup2.io.weight=default 910' ;;
    esac
  else
    case $1 in
      memory) echo lxc.cgroup.memory.limit_in_bytes=64M ;;
      cpu) echo lxc.cgroup.cpu.cfs_quota_us=50000 ;;
      pids) echo lxc.cgroup.pids.max=20 ;;
      cpuset) echo lxc.cgroup.cpuset.cpus=0 ;;
      io) echo lxc.cgroup.blkio.weight=100 ;;
    esac
  fi
}

# On cgroup v2 a scope of the user's systemd, which LXC 6 asks for itself; on v1 the groups that libpam-cgfs gave this login.
lxc_start() {
  lxc-stop -n c0 -k >/dev/null 2>&1
  for wanted in "$@"; do set -- "$@" -s "$(to_setting "$wanted")" && shift; done
  case $(lxc-start --version) in
    [0-5].*) if is_v2; then set -- systemd-run --user --scope -q -p Delegate=yes -- lxc-start -n c0 "$@"; else set -- lxc-start -n c0 "$@"; fi ;;
    *) set -- lxc-start -n c0 "$@" ;;
  esac
  words=$("$@" 2>&1)
  code=$?
  pid=$(lxc-info -n c0 -p -H 2>/dev/null)
}

observe_lxc() {
  lxc_start $together
  if [ "${pid:-0}" -gt 0 ]; then
    say_limits lxc "$code" "$words" "$pid" $together
  else
    for limit in $together; do
      lxc_start "$limit"
      say_limits lxc "$code" "$words" "$pid" "$limit"
    done
    lxc_start
    if [ "${pid:-0}" -le 0 ]; then say lxc.failed "$words"; fi
  fi
  if [ "${pid:-0}" -gt 0 ]; then
    say_process lxc "$pid" lxc.payload
    # A veth: its other end is a port of the bridge, and no process carries its packets.
    peer=$(lxc-info -n c0 | sed -n 's/^Link: *//p' | head -n 1)
    if [ -n "$peer" ] && [ -e "/sys/class/net/lxcbr0/brif/$peer" ]; then say lxc.network lxc-user-nic; else say lxc.network none; fi
    # What reached the other end: asking for an address needs none.
    before=$(cat "/sys/class/net/$peer/statistics/rx_bytes")
    lxc_attach udhcpc -n -q -t 2 -T 1 -i eth0 -s /bin/true >/dev/null 2>&1
    say lxc.device "$peer"
    say lxc.sentBytes "$(($(cat "/sys/class/net/$peer/statistics/rx_bytes") - before))"
  fi
  for limit in $apart; do
    lxc_start "$limit"
    say_limits lxc "$code" "$words" "$pid" "$limit"
  done
  lxc-stop -n c0 -k >/dev/null 2>&1
}
# As one would type it in a login, without a scope around it.
observe_plain_lxc() {
  lxc-stop -n c0 -k >/dev/null 2>&1
  lxc-start -n c0 -s lxc.cgroup2.memory.max=64M >/dev/null 2>&1
  say lxc.plain.exitCode "$?"
  pid=$(lxc-info -n c0 -p -H 2>/dev/null)
  say lxc.plain.group "$(sed -n 's/^0:://p' "/proc/${pid:-0}/cgroup" 2>/dev/null)"
  if grep -q lxc.payload "/proc/${pid:-0}/cgroup" 2>/dev/null; then say lxc.plain.ownGroup yes; else say lxc.plain.ownGroup no; fi
  lxc-stop -n c0 -k >/dev/null 2>&1
}
lxc_attach() {
  if is_v2; then systemd-run --user --scope -q -p Delegate=yes -- lxc-attach -n c0 -- "$@"; else lxc-attach -n c0 -- "$@"; fi
}

if is_v2; then
  say host.cgroup v2
elif [ -d /sys/fs/cgroup/unified ]; then
  say host.cgroup hybrid
else
  say host.cgroup v1
fi
say host.kernel "$(uname -r)"
say host.systemd "$(systemctl --version | sed -n '1s/^systemd \([^ ]*\).*/\1/p')"
say docker.version "$(dpkg-query -W -f '${Version}' docker.io)"
say podman.version "$(dpkg-query -W -f '${Version}' podman)"
say lxc.version "$(dpkg-query -W -f '${Version}' lxc)"
observe_lxc
if is_v2; then observe_plain_lxc; fi
observe_oci podman no
observe_oci docker yes
say done yes
