#!/usr/bin/env bash
# upgrade.sh [--no-build]: brings the running nodes to PITBOSS_VERSION one after the other, so that players are never without one: build, migrate,
# then each node, which drains, is made anew and must be ready before the next one's turn, then migrate what waited for older nodes. At the end .env has the version, so that the next "docker compose up"
# means it too. The way back is the same with the version of before:
# PITBOSS_VERSION=1.2.3 deploy/upgrade.sh --no-build. A node does not start beside steps that it cannot serve beside; release notes say when a
# release needs a full stop instead (docker compose stop, then docker compose up --wait -d).
set -euo pipefail
cd "$(dirname "$0")/.."

version=${PITBOSS_VERSION:?say which version: PITBOSS_VERSION=1.2.3 deploy/upgrade.sh}
nodes=(node-1 node-2)
say() { printf '%s  %s\n' "$(date +%T)" "$*"; }
migrate() { # an older version, on the way back, finds a database that is newer and has nothing to do
	local said
	if said=$(docker compose run --rm migrate 2>&1); then
		echo "$said"
		return
	fi
	echo "$said" >&2
	[[ ${1:-} == --no-build && $said == *"of a newer version than this binary"* ]]
}

if [[ ${1:-} == --no-build ]]; then
	docker image inspect "pitboss:$version" > /dev/null || { echo "there is no image pitboss:$version: leave out --no-build" >&2; exit 1; }
else
	say "building pitboss:$version"
	docker compose build migrate
fi
say "migrating"
migrate "$@"
for node in "${nodes[@]}"; do
	say "$node: drains and is made anew"
	docker compose up --no-deps --no-build --wait --wait-timeout 120 -d "$node" || {
		echo "$node is not ready; the others are as they were. See: docker compose logs $node" >&2
		exit 1
	}
	say "$node: ready"
done
say "migrating what waited for older nodes"
migrate "$@"
if [[ -e .env ]]; then
	umask 077
	{ grep -v '^PITBOSS_VERSION=' .env || true; echo "PITBOSS_VERSION=$version"; } > .env.part
	mv .env.part .env
fi
say "all nodes run $version"
