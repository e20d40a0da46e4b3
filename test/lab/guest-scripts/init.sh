#!/bin/busybox sh
busybox=/bin/busybox
$busybox mount -t proc proc /proc
$busybox mount -t sysfs sysfs /sys
$busybox mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do $busybox insmod "$module"; done
tries=0
while [ ! -b /dev/vda ] && [ "$tries" -lt 200 ]; do
  $busybox usleep 50000
  tries=$((tries + 1))
done
$busybox mount -t ext4 -o rw,noatime /dev/vda /root || { echo 'lab: the disk cannot be mounted'; exec $busybox poweroff -f; }
$busybox mount --move /dev /root/dev
$busybox umount /sys
$busybox umount /proc
exec $busybox switch_root /root /sbin/init
