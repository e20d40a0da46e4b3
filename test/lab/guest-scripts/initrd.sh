#!/bin/sh
# initrd.sh ROOT KERNEL OUTPUT: a busybox initramfs of about 1 MB that loads the disk's modules and goes on to /sbin/init.
set -eu
root=$1 kernel=$2 output=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/modules" "$work/proc" "$work/sys" "$work/dev" "$work/root"
cp "$(command -v busybox)" "$work/bin/busybox"
number=10
for name in virtio_pci virtio_blk ext4; do
  modprobe -d "$root" -S "$kernel" --show-depends "$name" 2>/dev/null || true
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r file; do
  number=$((number + 1))
  target=$work/modules/$number-$(basename "$file")
  case $file in
    *.xz) xz -dc "$file" >"${target%.xz}" ;;
    *.zst) zstd -qdc "$file" >"${target%.zst}" ;;
    *) cp "$file" "$target" ;;
  esac
done
cp "$(dirname "$(readlink -f "$0")")/init.sh" "$work/init"
chmod +x "$work/init"
(cd "$work" && find . | cpio -o -H newc --quiet) | gzip -1 >"$output"
