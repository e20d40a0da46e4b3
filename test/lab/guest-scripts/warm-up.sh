#!/bin/sh
# Runs as moby before a guest is frozen: engines up, images loaded, one container made, and everything touched once, so that a
# resumed guest answers at once.
set -eu
lxc-create -n c0 -t busybox >/dev/null
podman load -q -i /opt/lab/busybox-image.tar
systemctl --user start podman.socket
systemctl --user start docker
tries=0
until docker info >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -gt 600 ]; then
    journalctl --user --no-pager -n 20 -u docker >&2
    echo 'rootless dockerd did not answer' >&2
    exit 1
  fi
  sleep 0.3
done
docker load -q -i /opt/lab/busybox-image.tar
docker run --rm busybox true
# An engine that starts no container on this host is a find of the matrix, not a reason to have no guest: crun 1.21 with the
# hybrid cgroups of trixie-v1.
podman run --rm busybox true || echo 'podman runs no container here' >&2
node -e 0
sync
