/** How to get user namespaces where a system withholds them. */
export const namespaceHint =
  'allow unprivileged user namespaces: an AppArmor profile for the host program or the sysctl ' +
  'kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), kernel.unprivileged_userns_clone=1 (Debian), ' +
  'user.max_user_namespaces above 0, or in a container a seccomp profile that allows clone, unshare and mount ' +
  '(docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined)'
