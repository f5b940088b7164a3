#!/bin/sh
# beit-engine check on any Linux on x64 with glibc 2.28 or later: no Node, no network, and nothing is written here.
# A temporary folder takes Node while it runs. Options: ./check.sh --help
here=$(cd "$(dirname "$0")" && pwd) || exit 1

# A bare system may lack gzip, and have a Python.
python=python3
previous=
for argument; do
  [ "$previous" = --python ] && python=$argument
  case $argument in --python=*) python=${argument#--python=} ;; esac
  previous=$argument
done
unpack() {
  if command -v gzip >/dev/null 2>&1; then
    gzip -dc "$1"
  else
    "$python" -c 'import gzip, shutil, sys; shutil.copyfileobj(gzip.open(sys.argv[1]), sys.stdout.buffer)' "$1"
  fi
}

folder=
node=
trap '[ -z "$folder" ] || rm -rf "$folder"' EXIT
trap '[ -z "$node" ] || kill "$node"; exit 130' INT
trap '[ -z "$node" ] || kill "$node"; exit 143' TERM

# Where programs may not be run, or nothing be written, the next one is tried.
reason='no temporary folder can be written'
for place in "${TMPDIR:-/tmp}" /tmp /dev/shm /var/tmp "${HOME:-/root}" .; do
  folder=$place/beit-check-node-$$
  mkdir -m 700 "$folder" 2>/dev/null || { folder=; continue; }
  unpack "$here/node.gz" >"$folder/node" && chmod 700 "$folder/node" &&
    reason=$("$folder/node" --version 2>&1) && break
  rm -rf "$folder"
  folder=
done
if [ -z "$folder" ]; then
  echo "Node does not start here: $reason" >&2
  exit 1
fi
# Beside the shell, which else would not hear of signals until it ends.
"$folder/node" "$here/check.js" "$@" &
node=$!
wait "$node"
