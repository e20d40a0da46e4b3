#!/bin/sh
# busybox-image.sh OUTPUT: two archives of this host's static busybox: busybox-image.tar as `docker save` writes it, and
# busybox-rootfs.tar, a plain root file system. No registry.
set -eu
output=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for folder in bin etc tmp proc sys dev root home var usr; do mkdir -p "$work/root/$folder"; done
chmod 1777 "$work/root/tmp"
cp "$(command -v busybox)" "$work/root/bin/busybox"
for applet in $("$work/root/bin/busybox" --list); do
  [ "$applet" = busybox ] || ln -sf busybox "$work/root/bin/$applet"
done
ln -s ../bin "$work/root/usr/bin"
ln -s bin "$work/root/sbin"
echo 'root:x:0:0:root:/root:/bin/sh' >"$work/root/etc/passwd"
echo 'root:x:0:' >"$work/root/etc/group"
pack() { tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 "$@"; }
pack -C "$work/root" -cf "$output/busybox-rootfs.tar" .
mkdir "$work/image"
cp "$output/busybox-rootfs.tar" "$work/image/layer.tar"
layer=$(sha256sum "$work/image/layer.tar" | cut -d' ' -f1)
printf '{"architecture":"amd64","os":"linux","created":"1970-01-01T00:00:00Z","config":{"Env":["PATH=/bin"],"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"1970-01-01T00:00:00Z"}]}' "$layer" >"$work/config"
config=$(sha256sum "$work/config" | cut -d' ' -f1)
mv "$work/config" "$work/image/$config.json"
printf '[{"Config":"%s.json","RepoTags":["docker.io/library/busybox:latest"],"Layers":["layer.tar"]}]' "$config" >"$work/image/manifest.json"
pack -C "$work/image" -cf "$output/busybox-image.tar" manifest.json "$config.json" layer.tar
