/**
 * Keeps rootless Docker of one user running on a host without systemd, as a POSIX shell script that setup installs.
 *
 * A shell script, because it must outlive the command line tool and whatever Node it came with. It starts the daemon again
 * after 1, 2, 4 ... 30 seconds (again from 1 after a life of a minute), and on TERM ends rootlesskit, and itself after it.
 * What was tried to hold on to: dash returns early from `wait` when a trapped signal comes, so it waits until the child is gone;
 * the lock is closed for the daemon, whose container shims would otherwise keep it for ever.
 */
export const SUPERVISOR_SCRIPT = `#!/bin/sh
# Keeps rootless Docker running on a host without systemd. Written by \`rootless setup\`, ended by \`rootless setup --stop\`.
# supervise-docker.sh start: into the background, once. supervise-docker.sh run: in the foreground.
set -u

log_directory="$HOME/.local/state/rootless-runtime"
log="$log_directory/docker.log"
pid_file="$XDG_RUNTIME_DIR/rootless-runtime-docker.pid"
lock_file="$XDG_RUNTIME_DIR/rootless-runtime-docker.lock"
maximum_log_bytes=10485760

start() {
  mkdir -p -- "$log_directory" || exit 1
  if [ -f "$log" ] && [ "$(stat -c %s -- "$log")" -gt "$maximum_log_bytes" ]; then
    mv -f -- "$log" "$log.1"
  fi
  cd / || exit 1
  exec </dev/null >>"$log" 2>&1
  # Nothing that the caller had open stays open. dash closes only descriptors below ten; bash is on every Debian.
  exec bash -c 'for entry in /proc/$$/fd/*; do number=\${entry##*/}; [ "$number" -le 2 ] || eval "exec $number>&-"; done
    exec setsid --fork sh "$1" run' bash "$0"
}

say() {
  echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) supervise-docker: $*"
}

now_s() {
  read -r uptime rest </proc/uptime
  echo "\${uptime%%.*}"
}

child=''
sleeping=''
stopping=''

stop() {
  stopping=yes
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}

wake() {
  [ -z "$sleeping" ] || kill -TERM "$child" 2>/dev/null
}

# Waits until the child has really gone, and leaves its exit code in $status.
wait_for_child() {
  [ -z "$stopping" ] || kill -TERM "$child" 2>/dev/null
  while :; do
    wait "$child"
    status=$?
    kill -0 "$child" 2>/dev/null || break
  done
  child=''
}

# dockerd takes whatever process has the id of its old pid files for a running one, and waits 15 s for it or gives up: another
# program after a boot, or a zombie where process 1 reaps late.
remove_stale_pid_files() {
  for file in "$XDG_RUNTIME_DIR/docker.pid" "$XDG_RUNTIME_DIR/docker/containerd/containerd.pid"; do
    [ -f "$file" ] || continue
    process=0
    read -r process <"$file" || :
    name=$(basename -- "$file" .pid)
    [ "$name" != docker ] || name=dockerd
    if grep -q "^Name:[[:space:]]*$name$" "/proc/$process/status" 2>/dev/null && ! grep -q '^State:[[:space:]]*[ZX]' "/proc/$process/status"; then
      say "$name runs already as process $process"
    else
      rm -f -- "$file"
    fi
  done
}

run() {
  exec 9>"$lock_file"
  if ! flock --nonblock 9; then
    say 'runs already; it is asked to wait no longer'
    read -r process <"$pid_file" && kill -USR1 "$process"
    exit 0
  fi
  trap stop TERM INT
  trap wake USR1
  echo "$$" >"$pid_file"
  delay_s=1
  while [ -z "$stopping" ]; do
    began_s=$(now_s)
    remove_stale_pid_files
    say 'starting dockerd-rootless.sh'
    setpriv --pdeathsig TERM dockerd-rootless.sh 9>&- &
    child=$!
    wait_for_child
    [ -z "$stopping" ] || break
    lived_s=$(($(now_s) - began_s))
    [ "$lived_s" -lt 60 ] || delay_s=1
    say "dockerd-rootless.sh ended with $status after $lived_s s; starting it again in $delay_s s"
    sleep "$delay_s" 9>&- &
    child=$!
    sleeping=yes
    wait_for_child
    sleeping=''
    delay_s=$((delay_s * 2))
    [ "$delay_s" -le 30 ] || delay_s=30
  done
  say 'stopped'
  rm -f -- "$pid_file"
}

case "\${1-}" in
  start) start ;;
  run) run ;;
  *) echo "usage: $0 start | run" >&2; exit 2 ;;
esac
`
