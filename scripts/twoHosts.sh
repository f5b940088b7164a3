#!/usr/bin/env bash
# Two "hosts" on one machine, and a job of two processes between them over TCP: network namespaces, joined by a virtual
# cable, each with an address of its own; mpirun reaches the second one as it would by ssh. Needs Linux, root, iproute2
# and Open MPI. Everything that it makes is gone when it ends.
#
#   sudo scripts/twoHosts.sh                 a short pre-training, and the same by one process, which must be equal
#   sudo scripts/twoHosts.sh --rate 1gbit    over a cable of 1 Gb/s (as tc writes rates)
#   sudo scripts/twoHosts.sh --rate 1gbit --delay 1ms COMMAND...
#                                            another command, one process on each host
set -euo pipefail

fail() {
  echo "$1" >&2
  exit 1
}

rate= delay=
while [ $# -gt 0 ]; do
  case $1 in
    --rate) rate=${2:?'--rate needs a value, such as 1gbit'} && shift 2 ;;
    --delay) delay=${2:?'--delay needs a value, such as 1ms'} && shift 2 ;;
    --help) sed -n '2,10s/^# \{0,1\}//p' "$0" && exit 0 ;;
    --*) fail "There is no option '$1'; expected --rate, --delay or --help." ;;
    *) break ;;
  esac
done
[ "$(id -u)" = 0 ] || fail "Network namespaces need root: sudo $0"
launcher=$(command -v mpirun.openmpi || command -v mpirun || true)
for tool in ip ${rate:+tc} ${delay:+tc}; do
  command -v "$tool" >/dev/null || fail "There is no '$tool' here. Install iproute2."
done
[[ -n $launcher && $("$launcher" --version) == *open-mpi.org* ]] || fail 'There is no mpirun of Open MPI here. Install openmpi-bin.'

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
# Names of interfaces have at most 15 letters.
hosts=("beit-a-$$" "beit-b-$$") cables=("ba$$" "bb$$") addresses=(10.213.77.1 10.213.77.2)

clean() {
  local host running
  running=$(jobs -p)
  [ -z "$running" ] || kill $running 2>/dev/null || true
  for host in "${hosts[@]}"; do
    # Who is still in it would keep it alive.
    ip netns pids "$host" 2>/dev/null | xargs -r kill 2>/dev/null || true
    ip netns del "$host" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

# What a host sends over its end of the cable. Every kernel has tbf; delays need netem, which is a module of its own.
shape() {
  local shaped=()
  if [ -n "$delay" ]; then
    shaped=(netem delay "$delay" limit 100000 ${rate:+rate "$rate"})
  elif [ -n "$rate" ]; then
    shaped=(tbf rate "$rate" burst 256kb latency 50ms)
  else
    return 0
  fi
  ip netns exec "$1" tc qdisc add dev "$2" root "${shaped[@]}" ||
    fail "This system's tc does not take '${shaped[*]}'; --delay needs the kernel module sch_netem."
}

for host in "${hosts[@]}"; do
  ip netns add "$host" || fail 'This system permits no network namespaces (in a container: --privileged).'
done
ip link add "${cables[0]}" netns "${hosts[0]}" type veth peer name "${cables[1]}" netns "${hosts[1]}"
for i in 0 1; do
  ip -n "${hosts[i]}" address add "${addresses[i]}/24" dev "${cables[i]}"
  ip -n "${hosts[i]}" link set "${cables[i]}" up
  ip -n "${hosts[i]}" link set lo up
  shape "${hosts[i]}" "${cables[i]}"
done

# In place of ssh, which mpirun calls as: AGENT HOST COMMAND...
cat >"$work/agent" <<AGENT
#!/usr/bin/env bash
while [[ \$1 == -* ]]; do shift; done
case \$1 in
  ${addresses[0]}) host=${hosts[0]} ;;
  ${addresses[1]}) host=${hosts[1]} ;;
  *) echo "There is no host '\$1'." >&2 && exit 1 ;;
esac
shift
exec ip netns exec "\$host" /bin/sh -c "\$*"
AGENT
chmod +x "$work/agent"
printf '%s slots=1\n' "${addresses[@]}" >"$work/hosts"

# bash hears of a signal at once only while it waits.
waited() {
  "$@" &
  wait $!
}

received() { ip netns exec "${hosts[0]}" cat "/sys/class/net/${cables[0]}/statistics/rx_bytes"; }

# One process on each host, and between them TCP over the cable alone: the hosts are one machine, whose shared memory
# must not be found.
together() {
  ip netns exec "${hosts[0]}" "$launcher" --allow-run-as-root --hostfile "$work/hosts" --map-by node -n 2 --bind-to none \
    --mca plm_rsh_agent "$work/agent" --mca pml ob1 --mca btl self,tcp \
    --mca btl_tcp_if_include "${addresses[0]%.*}.0/24" --mca oob_tcp_if_include "${addresses[0]%.*}.0/24" \
    -x PATH "$@"
}

echo "Hosts: ${addresses[*]}; the cable: ${rate:-no limit}${delay:+, $delay later}"
before=$(received)
if [ $# -gt 0 ]; then
  waited together "$@"
else
  node=(node --conditions=@beit/source --import tsx src/main.ts --recipe "$work/recipe.json" --quiet)
  # Shared by one or two processes it has the same micro-batches, and so the same numbers.
  cat >"$work/recipe.json" <<'RECIPE'
{
  "extends": "emoji",
  "tokenizer": { "model": { "vocabSize": 64, "hiddenDim": 8, "decoderInitDim": 8 }, "microBatchSize": 16, "epochs": 0.2 },
  "mim": { "model": { "embedDim": 64, "depth": 2 }, "microBatchSize": 32, "epochs": 0.4, "warmupEpochs": 0.1 }
}
RECIPE
  cd "$root/apps/pretrain"
  echo '== two processes, one on each host'
  waited together "${node[@]}" --out "$work/together"
  echo '== one process'
  waited "${node[@]}" --out "$work/alone" >/dev/null
  node --conditions=@beit/source --import tsx src/scaling/compareRuns.ts "$work/alone" "$work/together"
fi
echo "$((($(received) - before) / 1024)) KiB came over the cable to the first host."
