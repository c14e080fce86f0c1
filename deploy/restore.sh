#!/usr/bin/env bash
# restore.sh FILE: makes the database of docker compose from a dump of backup.sh, on a server whose database is empty: with a new volume, or a new machine with
# the .env of the old one. No node may run.
set -euo pipefail
cd "$(dirname "$0")/.."

file=${1:?from where: deploy/restore.sh pitboss.dump}
[[ -s $file ]] || { echo "$file is missing or empty" >&2; exit 1; }
running=$(docker compose ps --status running --services | grep -E '^node-' || true)
[[ -z $running ]] || { echo "these nodes run; stop them first: docker compose stop ${running//$'\n'/ }" >&2; exit 1; }

docker compose up --wait -d postgres
# shellcheck disable=SC2016 # the container's shell is to expand it
inside() { docker compose exec -T postgres sh -c 'PGPASSWORD="$PITBOSS_OWNER_PASSWORD" '"$1"; }
tables=$(inside 'psql -qAt -h 127.0.0.1 -U pitboss_owner -d pitboss -c "select count(*) from pg_namespace where nspname = '"'platform'"'"')
[[ $tables == 0 ]] || { echo "the database is not empty, and stays as it is" >&2; exit 1; }
inside 'pg_restore --exit-on-error --single-transaction --no-owner --no-privileges -h 127.0.0.1 -U pitboss_owner -d pitboss' < "$file"
docker compose run --rm migrate
docker compose run --rm migrate tenant list
echo "restored; look at the books of each casino (docker compose run --rm migrate tenant trial-balance SLUG), then: docker compose up --wait -d"
