#!/usr/bin/env bash
# pin.sh: writes docker-compose.pinned.yml, which names the images that docker-compose.yml names by tag by their digests, as this machine has them (docker compose
# --profile metrics pull first). Use it with: docker compose -f docker-compose.yml -f docker-compose.pinned.yml up
set -euo pipefail
cd "$(dirname "$0")/.."

{
	echo "# Written by deploy/pin.sh."
	echo "services:"
	docker compose --profile metrics config | awk '/^  [a-z0-9-]+:$/ { sub(":", ""); service = $1 } /^    image:/ && $2 !~ /^pitboss:/ { print service, $2 }' |
		while read -r service image; do
			digest=$(docker image inspect --format '{{join .RepoDigests "\n"}}' "$image" | head -n 1)
			[[ -n $digest ]] || { echo "$image has no digest here: docker compose --profile metrics pull" >&2; exit 1; }
			printf '  %s:\n    image: %s\n' "$service" "$digest"
		done
} > docker-compose.pinned.yml.part
mv docker-compose.pinned.yml.part docker-compose.pinned.yml
echo "docker-compose.pinned.yml is written"
