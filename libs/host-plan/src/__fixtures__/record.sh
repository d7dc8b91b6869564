#!/bin/sh
# Records what readHost() reads of this machine into a folder: `sh record.sh FOLDER`.
# POSIX sh and awk only, so that it runs inside any container. Paths of cgroups are recorded as they are: look at them.
set -eu
out=${1:?usage: sh record.sh FOLDER}
mkdir -p "$out/proc/self"

grep -E '^(Cpus|Mems)_allowed_list:' /proc/self/status >"$out/proc/self/status"
cat /proc/self/cgroup >"$out/proc/self/cgroup"
awk '/ - cgroup2? / || $5 ~ /^(\/|\/etc\/(hosts|hostname|resolv.conf))$/' /proc/self/mountinfo >"$out/proc/self/mountinfo"
awk '/^(MemTotal|MemFree|MemAvailable|Buffers|Cached):/' /proc/meminfo >"$out/proc/meminfo"
# The flags of the first CPU stand for all: a server's CPUs are alike.
awk -F '\t*: ' '/^processor/ { n++ } /^$/ || /^(processor|physical id|core id)/ || (n == 1 && /^(vendor_id|model name|flags)/)' \
  /proc/cpuinfo >"$out/proc/cpuinfo"

keep() { # one file, when it can be read
  if text=$(cat "$1" 2>/dev/null); then
    mkdir -p "$out$(dirname "$1")"
    printf '%s\n' "$text" >"$out$1"
  fi
}

keep /sys/devices/system/cpu/online
for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
  for name in core_cpus_list physical_package_id; do keep "$cpu/topology/$name"; done
done
for node in /sys/devices/system/node/node[0-9]*; do
  for name in cpulist distance; do keep "$node/$name"; done
  mkdir -p "$out$node"
  grep -E ' (MemTotal|MemFree|Inactive\(file\)):' "$node/meminfo" >"$out$node/meminfo"
done
for cpu in /sys/devices/system/cpu/cpu[0-9]*; do keep "$cpu/cpufreq/scaling_governor"; done
for kind in cpu_core cpu_atom; do keep "/sys/devices/$kind/cpus"; done
keep /sys/kernel/mm/transparent_hugepage/enabled
for pool in /sys/kernel/mm/hugepages/hugepages-*; do
  for name in nr_hugepages free_hugepages; do keep "$pool/$name"; done
done
for mark in /.dockerenv /run/.containerenv; do keep "$mark"; done

limits() { # the files of one cgroup
  for name in cpu.max memory.max memory.high memory.current cpu.cfs_quota_us cpu.cfs_period_us memory.limit_in_bytes \
    memory.usage_in_bytes; do keep "$1/$name"; done
  if [ -r "$1/memory.stat" ]; then
    mkdir -p "$out$1"
    awk '/^(inactive_file|total_inactive_file|hierarchical_memory_limit) /' "$1/memory.stat" >"$out$1/memory.stat"
  fi
}

# Every cgroup from this process's own up to the mount point, and the mount point itself.
awk '/ - cgroup2? / { print $5 }' "$out/proc/self/mountinfo" | while read -r mount; do
  limits "$mount"
  cut -d: -f3 /proc/self/cgroup | while read -r path; do
    while [ "$path" != / ] && [ "$path" != . ]; do
      if [ -d "$mount$path" ]; then limits "$mount$path"; fi
      path=$(dirname "$path")
    done
  done
done
