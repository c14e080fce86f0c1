#!/usr/bin/env bash
# backup.sh FILE: writes a dump of the database of docker compose to FILE, while it is played. Keep .env apart from it: without PITBOSS_MASTER_KEY it is of
# no use, and with it it is everything.
set -euo pipefail
umask 077

file=$(realpath -m -- "${1:?where to: deploy/backup.sh pitboss.dump}") # before the folder is changed
cd "$(dirname "$0")/.."
[[ ! -e $file ]] || { echo "$file is there already; nothing was changed" >&2; exit 1; }
trap 'rm -f "$file.part"' EXIT
# shellcheck disable=SC2016 # the container's shell is to expand it
docker compose exec -T postgres sh -c 'PGPASSWORD="$PITBOSS_OWNER_PASSWORD" pg_dump --format=custom -h 127.0.0.1 -U pitboss_owner pitboss' > "$file.part"
# All of it is read back: --list would read the table of contents, which is at its beginning.
docker compose exec -T postgres pg_restore --file=/dev/null < "$file.part" || { echo "the dump cannot be read to its end; nothing was kept" >&2; exit 1; }
mv "$file.part" "$file"
echo "$file: $(du -h "$file" | cut -f1)"
