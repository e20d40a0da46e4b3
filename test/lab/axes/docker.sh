#!/bin/sh
# docker.sh up NETWORK PORTS STORAGE HOME | see | down: rootless Docker in one variant, with a folder of its own, and back.
# Runs as the ordinary user. `up` prints what dockerd or RootlessKit said last when it does not start.
set -u
. "$(dirname "$0")/seen.sh"
unit=$HOME/.config/systemd/user/docker.service
drop_in=$unit.d/axis.conf
place=$HOME/.axis-docker-home

wait_for_docker() {
  tries=0
  until docker info >/dev/null 2>&1; do
    tries=$((tries + 1))
    state=$(systemctl --user is-active docker)
    if [ "$tries" -gt 400 ] || [ "$state" = failed ] || [ "$state" = inactive ]; then return 1; fi
    sleep 0.3
  done
}

remove_home() {
  [ -r "$place" ] || return 0
  rootlesskit rm -rf "$(cat "$place")" >/dev/null 2>&1
  rm -f "$place"
}

up() {
  stop
  mkdir -p "${drop_in%/*}"
  echo "$4" >"$place"
  {
    echo '[Service]'
    echo "Environment=DOCKERD_ROOTLESS_ROOTLESSKIT_NET=$1 DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER=$2"
    echo ExecStart=
    echo "$(grep '^ExecStart=' "$unit") --storage-driver=$3 --data-root=$4"
  } >"$drop_in"
  systemctl --user daemon-reload
  since=$(date '+%F %T')
  systemctl --user start docker
  if ! wait_for_docker; then
    say failed "$(journalctl --user -u docker --since "$since" --no-pager -o cat | grep -v -E 'systemd|Stopp|Start|^docker\.service: |^\+' | tail -n 6)"
    return 1
  fi
  docker load -q -i /opt/lab/busybox-image.tar >/dev/null
}

see() {
  if ! words=$(docker run -d --name axis --memory 64m busybox sleep 600 2>&1); then
    say failed "$words"
    return 1
  fi
  pid=$(docker inspect --format '{{.State.Pid}}' axis)
  say_root "$pid"
  say_uid_map "$pid"
  say_memory_limit "$pid"
  daemon=$(pgrep -u "$(id -u)" -x dockerd | head -n 1)
  device=$(way_out "$daemon")
  say network.carrier "$(carriers yes)"
  say network.device "$device"
  say_veth_peer "$device" nsenter -t "$daemon" -U --preserve-credentials -n -m
  before=$(sent_by "$daemon" "$device")
  docker exec axis sh -c 'for i in 1 2 3; do echo axis | nc -w 1 192.0.2.1 9; done' >/dev/null 2>&1
  say network.sentBytes "$(($(sent_by "$daemon" "$device") - before))"
  docker rm -f axis >/dev/null 2>&1
}

stop() {
  docker rm -f axis >/dev/null 2>&1
  systemctl --user stop docker
  # A RootlessKit that waits for an answer of DHCP heeds no TERM.
  systemctl --user kill -s KILL docker 2>/dev/null
  systemctl --user reset-failed docker 2>/dev/null
  rm -f "$drop_in"
  remove_home
}

down() {
  stop
  systemctl --user daemon-reload
  systemctl --user start docker
  wait_for_docker && docker run --rm busybox true
}

"$@"
