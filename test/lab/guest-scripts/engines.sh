#!/bin/sh
# engines.sh ROOT: the ordinary user moby with rootless Docker, rootless Podman and unprivileged LXC, as a careful administrator
# sets them up; nothing of it is made by `rootless setup`, which is tested in guests that lack all of it.
set -eu
root=$1
scripts=$(dirname "$(readlink -f "$0")")
inside() { chroot "$root" "$@"; }
home=$root/home/moby

inside useradd -m -u 1000 -s /bin/bash moby
# Mapped root of LXC must pass through.
chmod 755 "$home"
printf 'moby:100000:65536\n' >"$root/etc/subuid"
cp "$root/etc/subuid" "$root/etc/subgid"
mkdir -p "$root/var/lib/systemd/linger" "$home/.ssh" "$home/.config/lxc" "$home/.config/systemd/user"
: >"$root/var/lib/systemd/linger/moby"
cp "$root/root/.ssh/authorized_keys" "$home/.ssh/authorized_keys"
chmod 700 "$home/.ssh"
printf '%s\n' overlay fuse tun bridge veth br_netfilter ip_tables iptable_nat ip6_tables >"$root/etc/modules-load.d/lab.conf"
cp "$scripts/profile.sh" "$root/etc/profile.d/lab.sh"

echo 'moby veth lxcbr0 10' >"$root/etc/lxc/lxc-usernet"
printf 'USE_LXC_BRIDGE="true"\n' >"$root/etc/default/lxc-net"
[ ! -s "$root/etc/lxc/default.conf" ] || sed -i '/lxc.net/d; /apparmor/d' "$root/etc/lxc/default.conf"
printf 'lxc.net.0.type = veth\nlxc.net.0.link = lxcbr0\nlxc.net.0.flags = up\n' >>"$root/etc/lxc/default.conf"
printf '%s\n' 'lxc.include = /etc/lxc/default.conf' 'lxc.idmap = u 0 100000 65536' 'lxc.idmap = g 0 100000 65536' \
  'lxc.apparmor.profile = unconfined' >"$home/.config/lxc/default.conf"
inside systemctl enable lxc-net.service >/dev/null 2>&1

# The unit that dockerd-rootless-setuptool.sh writes; Debian keeps dockerd-rootless.sh outside the PATH.
start=$(cd "$root" && ls usr/share/docker.io/contrib/dockerd-rootless.sh usr/share/docker/contrib/dockerd-rootless.sh usr/bin/dockerd-rootless.sh 2>/dev/null | head -n 1)
[ -n "$start" ] || { echo 'dockerd-rootless.sh is not in the image' >&2; exit 1; }
sed "s|@START@|/$start|" "$scripts/docker.service" >"$home/.config/systemd/user/docker.service"

# No engine of root, and nothing periodic.
for unit in docker.service docker.socket containerd.service podman.service podman.socket podman-auto-update.timer \
  podman-auto-update.service podman-restart.service lxc.service lxc-monitord.service netfilter-persistent.service nftables.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
inside chown -R moby:moby /home/moby /project
