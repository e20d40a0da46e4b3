# What a login session gives a user, for the commands that come over ssh.
if [ "$(id -u)" != 0 ]; then
  XDG_RUNTIME_DIR=/run/user/$(id -u)
  DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus
  DOCKER_HOST=unix://$XDG_RUNTIME_DIR/docker.sock
  export XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS DOCKER_HOST
fi
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
