// The system files that setup reads and writes. Ours carry our name, so that removing them is safe.
export const DELEGATE_DROP_IN = '/etc/systemd/system/user@.service.d/rootless-runtime.conf'
export const PING_RANGE_FILE = '/etc/sysctl.d/60-rootless-runtime.conf'
export const UDEV_RULES_FILE = '/etc/udev/rules.d/60-rootless-runtime.rules'
export const LXC_USERNET = '/etc/lxc/lxc-usernet'
