#!/bin/sh
# btrfs.sh up | down: a btrfs in a file, mounted for the ordinary user. Runs as root.
set -eu
file=/var/lib/axis.btrfs
place=/srv/axis-btrfs
case $1 in
  up)
    # The loop device is a module of Debian's kernel, like btrfs.
    modprobe btrfs
    modprobe loop
    truncate -s 1G "$file"
    mkfs.btrfs -q -f "$file"
    mkdir -p "$place"
    mount -o loop,user_subvol_rm_allowed "$file" "$place"
    chown moby:moby "$place"
    ;;
  down)
    umount "$place"
    rm -f "$file"
    rmdir "$place"
    ;;
esac
