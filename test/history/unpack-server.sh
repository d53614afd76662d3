#!/usr/bin/env bash
# unpack-server.sh DEST SUITE[,SUITE2...] PACKAGE[/SUITE]...
# Unpacks servers of other Debian suites into DEST, with every library they need; nothing of the system changes. For example
#   test/history/unpack-server.sh .services/valkey-8 trixie valkey-server valkey-tools
#   npm run history -- --bin .services/valkey-8/bin/valkey-server --cli .services/valkey-8/bin/valkey-cli
# DEST/bin/redis-server and the like start the program with the unpacked dynamic loader and libraries. x86-64, Debian 12 or newer.
set -euo pipefail
dest=$(mkdir -p "$1" && cd "$1" && pwd); suites=${2//,/ }; shift 2
w=$dest/.apt; mkdir -p "$w/lists/partial" "$w/archives/partial"; : > "$w/status"; : > "$w/d.sources"
for s in $suites; do # the configured mirror, only its suite changed
  awk -v s="$s" 'BEGIN{RS=""} NR==1{gsub(/Suites: [^\n]*/,"Suites: " s); print $0 "\n"}' /etc/apt/sources.list.d/debian.sources >> "$w/d.sources"
done
# lists and cache of its own, and an empty package status, so that apt resolves every library, libc included
apt=(apt-get -o Dir::Etc::sourcelist="$w/d.sources" -o Dir::Etc::sourceparts=- -o Dir::State::Lists="$w/lists"
  -o Dir::State::status="$w/status" -o Dir::Cache="$w" -o Dir::Cache::archives="$w/archives"
  -o APT::Sandbox::User=root -o Debug::NoLocking=1)
"${apt[@]}" update -qq
"${apt[@]}" install -y -qq --no-install-recommends --download-only "$@" > /dev/null
for f in "$w"/archives/*.deb; do dpkg -x "$f" "$dest"; done
rm -rf "$w"
cd "$dest"
ld=$(find . -name ld-linux-x86-64.so.2 -not -path '*/lib64/*' -printf '%P\n' | head -1)
libs=
for l in usr/lib/x86_64-linux-gnu lib/x86_64-linux-gnu; do if [ -d "$l" ]; then libs=$libs:\$d/$l; fi; done
mkdir -p bin
printf '#!/bin/sh\nd=$(dirname "$(dirname "$(readlink -f "$0")")")\nexec "$d/%s" --library-path "%s" "$@"\n' "$ld" "${libs#:}" > bin/run
chmod +x bin/run
for f in usr/bin/* usr/sbin/*; do
  case ${f##*/} in redis-*|valkey-*)
    printf '#!/bin/sh\nd=$(dirname "$(dirname "$(readlink -f "$0")")")\nexec "$d/bin/run" "$d/%s" "$@"\n' "$f" > "bin/${f##*/}"
    chmod +x "bin/${f##*/}";;
  esac
done
ls bin
