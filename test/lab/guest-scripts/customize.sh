#!/bin/sh
# mmdebstrap's customize hook: makes a guest of a fresh Debian root file system. Runs as root, outside the chroot.
# customize.sh ROOT PARTS BARE NODE: PARTS holds the public key and the busybox archives; BARE is yes or no.
set -eu
root=$1 parts=$2 bare=$3 node=$4
scripts=$(dirname "$(readlink -f "$0")")
inside() { chroot "$root" "$@"; }

# The kernel is unpacked, not installed: no boot loader, no initramfs-tools.
inside sh -ec 'cd /tmp
  apt-get -qq download "$(apt-cache depends linux-image-cloud-amd64 | sed -n "s/.*Depends: \(linux-image-[0-9].*\)/\1/p")"
  dpkg-deb -x linux-image-*.deb /tmp/kernel
  cp -a /tmp/kernel/boot/. /boot/
  cp -a /tmp/kernel/lib/modules /lib/ 2>/dev/null || cp -a /tmp/kernel/usr/lib/modules /usr/lib/
  rm -rf /tmp/kernel /tmp/linux-image-*.deb'
for version in $(ls "$root/lib/modules"); do
  [ -f "$root/lib/modules/$version/modules.dep" ] || inside depmod "$version"
done

echo lab >"$root/etc/hostname"
printf '127.0.0.1 localhost lab\n' >"$root/etc/hosts"
: >"$root/etc/fstab"
echo 00000000000000000000000000000001 >"$root/etc/machine-id"
# The host's package sources and its resolver are not the guest's.
: >"$root/etc/apt/sources.list"
rm -f "$root"/etc/apt/sources.list.d/*
printf 'nameserver 10.0.2.3\n' >"$root/etc/resolv.conf"

# ssh: one key, no password, nothing that looks up names or prints a greeting.
inside passwd -d root >/dev/null
rm -f "$root"/etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -f "$root/etc/ssh/ssh_host_ed25519_key" -C lab
mkdir -p "$root/etc/ssh/sshd_config.d" "$root/root/.ssh"
printf '%s\n' 'HostKey /etc/ssh/ssh_host_ed25519_key' 'UseDNS no' 'PermitRootLogin yes' 'PasswordAuthentication no' \
  'MaxSessions 100' 'MaxStartups 100' 'X11Forwarding no' 'PrintMotd no' >"$root/etc/ssh/sshd_config.d/lab.conf"
sed -i 's/^session.*pam_motd.*/#&/; s/^session.*pam_mail.*/#&/; s/^session.*pam_lastlog.*/#&/' "$root"/etc/pam.d/*
rm -f "$root"/etc/update-motd.d/*
: >"$root/etc/motd"
cp "$parts/key.pub" "$root/root/.ssh/authorized_keys"
chmod 700 "$root/root/.ssh"
chmod 600 "$root/root/.ssh/authorized_keys"

# Two units: the address of qemu's user network, and what the kernel command line says of the lab.
install -m 755 "$scripts/lab-network.sh" "$root/usr/local/sbin/lab-network"
install -m 755 "$scripts/lab-configuration.sh" "$root/usr/local/sbin/lab-configuration"
cp "$scripts/lab-network.service" "$scripts/lab-configuration.service" "$root/etc/systemd/system/"
inside systemctl enable lab-network.service lab-configuration.service ssh.service >/dev/null 2>&1
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer e2scrub_reap.service \
  systemd-timesyncd.service getty@tty1.service apparmor.service systemd-pstore.service systemd-random-seed.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

cp -L "$node" "$root/usr/local/bin/node"
mkdir -p "$root/opt/lab" "$root/project"
cp "$parts"/busybox-*.tar "$root/opt/lab/"
[ "$bare" = yes ] || "$scripts/engines.sh" "$root"
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/archives/*.deb
