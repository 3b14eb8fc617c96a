#!/usr/bin/env bash
# Lets mount(8) and fstab(5) mount a space:  mount -t fuse.broch STORE DIR -o OPTIONS
# As root. Installs /sbin/mount.fuse.broch, which calls this copy of Broch; --remove takes it away. docs/mount-options.md
set -euo pipefail
helper=/sbin/mount.fuse.broch
here=$(cd "$(dirname "$0")/.." && pwd)
quote() { printf "'%s'" "${1//\'/\'\\\'\'}"; }

if [ "${1:-}" = --remove ]; then
  rm -f "$helper"
  echo "Removed $helper."
  exit 0
fi
node=$(command -v node) || { echo 'There is no node on the path: install Node 20 or later.' >&2; exit 1; }
[ -w "$(dirname "$helper")" ] || { echo "$helper cannot be written: run this as root." >&2; exit 1; }
[ -e "$here/dist/cli/main.js" ] || { echo "Broch is not built yet. Run: npm start -- --help" >&2; exit 1; }

cat > "$helper.new" <<END
#!/bin/sh
# Made by $(quote "$here/scripts/install-mount-helper.sh"). mount(8) calls it: SPEC DIR [-sfnv] [-N namespace] [-o options] [-t type]
set -eu
node=$(quote "$node")
broch=$(quote "$here/bin/broch")
END
cat >> "$helper.new" <<'END'
[ $# -ge 2 ] || { echo 'usage: mount -t fuse.broch STORE|none DIR [-o OPTIONS]' >&2; exit 1; }
spec=$1 dir=$2 options= fake=
shift 2
while getopts sfnvN:o:t: flag; do
  case $flag in
    f) fake=yes ;;
    o) options=$options,$OPTARG ;;
    '?') exit 1 ;;
  esac
done
[ -z "$fake" ] || exit 0
# the kernel's table then shows what fstab says, and mount -a knows that it is there
options=fsname=$(printf %s "$spec" | sed 's/,/\\,/g')$options
set -- mount "$dir" -o "$options"
[ "$spec" = none ] || set -- "$@" --store "$spec"
# returns when the mount answers; mount(8) has one code for every failure to mount
"$node" "$broch" "$@" > /dev/null || exit 32
END
chmod 755 "$helper.new"
mv "$helper.new" "$helper"
echo "Installed $helper. A line for /etc/fstab:"
echo '/path/of/store  /mnt/space  fuse.broch  passfile=/root/broch.pass,nofail  0  0'
