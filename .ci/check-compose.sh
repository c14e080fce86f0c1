#!/usr/bin/env bash
# Checks docker-compose.yml, with every value that .env.example asks for. No engine is needed.
set -euo pipefail
cd "$(dirname "$0")/.."

if docker compose version > /dev/null 2>&1; then
	compose=(docker compose)
elif command -v docker-compose > /dev/null; then
	compose=(docker-compose)
else
	echo "skipped: docker-compose.yml is not checked, for there is no docker-compose here"
	exit 0
fi

env=$(mktemp)
trap 'rm -f "$env"' EXIT

# Without values it must refuse: nothing secret has a default.
if "${compose[@]}" -f docker-compose.yml --env-file "$env" config -q 2> /dev/null; then
	echo "docker-compose.yml works without secrets: one of them has a default" >&2
	exit 1
fi
deploy/make-env.sh "$env"
"${compose[@]}" -f docker-compose.yml --env-file "$env" config -q
"${compose[@]}" -f docker-compose.yml --env-file "$env" --profile metrics config -q
for overlay in pgbouncer tls; do
	PITBOSS_CERTIFICATE=./certificate.pem "${compose[@]}" -f docker-compose.yml -f "docker-compose.$overlay.yml" --env-file "$env" config -q
done
if command -v shellcheck > /dev/null; then shellcheck deploy/*.sh; fi
# The example names what make-env.sh makes, no more and no less, and gives no value.
diff <(grep -oE '^[A-Z_]+=' .env.example) <(grep -oE '^[A-Z_]+=' "$env") || { echo ".env.example and deploy/make-env.sh differ" >&2; exit 1; }
if grep -E '^[A-Z_]+=.' .env.example; then echo ".env.example has values" >&2; exit 1; fi
echo "docker-compose.yml is fine"
