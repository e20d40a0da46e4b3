#!/bin/sh
# lab.delegate=cpu,memory (or none) becomes a drop-in of user@.service, before the first user's systemd starts.
for word in $(cat /proc/cmdline); do
  case $word in
    lab.delegate=*)
      controllers=$(echo "${word#lab.delegate=}" | tr , ' ')
      [ "$controllers" != none ] || controllers=
      mkdir -p /run/systemd/system/user@.service.d
      printf '[Service]\nDelegate=%s\n' "$controllers" >/run/systemd/system/user@.service.d/delegate.conf
      systemctl daemon-reload
      ;;
  esac
done
exit 0
