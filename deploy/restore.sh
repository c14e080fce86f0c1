#!/usr/bin/env bash
# restore.sh FILE: makes the database of docker compose from a dump of backup.sh, on a server whose database is empty: with a new volume, or a new machine with
# the .env of the old one. No node may run. It ends well only if the books of every casino add up.
set -euo pipefail

file=$(realpath -m -- "${1:?from where: deploy/restore.sh pitboss.dump}") # before the folder is changed
cd "$(dirname "$0")/.."
[[ -s $file ]] || { echo "$file is missing or empty" >&2; exit 1; }
running=$(docker compose ps --status running --services | grep -E '^node-' || true)
[[ -z $running ]] || { echo "these nodes run; stop them first: docker compose stop ${running//$'\n'/ }" >&2; exit 1; }

docker compose up --wait -d postgres
inside() { docker compose exec -T postgres "$@"; }
# shellcheck disable=SC2016 # the container's shell is to expand it
owner() { inside sh -c 'PGPASSWORD="$PITBOSS_OWNER_PASSWORD" exec "$@" -h 127.0.0.1 -U pitboss_owner -d pitboss' sh "$@"; }
ask() { owner psql -v ON_ERROR_STOP=1 -qAt -c "$1" < /dev/null; }

schemas=$(ask "select count(*) from pg_namespace where nspname = 'platform'")
[[ $schemas == 0 ]] || { echo "the database is not empty, and stays as it is" >&2; exit 1; }
inside pg_restore --file=/dev/null < "$file" || { echo "$file cannot be read to its end; the database stays empty" >&2; exit 1; }
owner pg_restore --exit-on-error --single-transaction --no-owner --no-privileges < "$file"
docker compose run --rm -T migrate < /dev/null
docker compose run --rm -T migrate tenant list < /dev/null

casinos=$(ask "select slug from platform.tenant order by slug")
broken=0
for casino in $casinos; do
	books=$(docker compose run --rm -T migrate tenant trial-balance "$casino" < /dev/null) || broken=1
	echo "$casino: ${books##*$'\n'}"
done
((broken == 0)) || { echo "restored, but the books of a casino above do not add up or cannot be read: start no node" >&2; exit 1; }
echo "restored; now: docker compose up --wait -d"
