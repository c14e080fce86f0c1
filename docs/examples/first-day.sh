#!/bin/sh
# A casino's first day with the HTTP API (docs/api.md), with nothing but curl and sh:
#   PITBOSS_KEY=… first-day.sh https://casino.example http://127.0.0.1:8090
# PITBOSS_KEY is an API key with the scopes rooms:write, money:write, players:read and webhooks:write, or an operator's token.
# The receiver, "pitboss webhook listen", runs here; the casino's node has to reach it, over https if it is elsewhere.
set -eu
base=$1 receiver=$2 run=$(date +%s)-$$
get() { # curl's arguments; the key is not among them, which everybody on this machine can read
  printf 'Authorization: Bearer %s' "$PITBOSS_KEY" | curl -sS --fail-with-body --retry 3 -H @- "$@"
}
ask() { # method, path, body; what is sent again under its Idempotency-Key is not done again
  get -X "$1" "$base$2" -H "Content-Type: application/json" -H "Idempotency-Key: $run-$1-$2" -d "$3"
}
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; } # a member of JSON, for want of jq

for _ in 1 2 3 4 5; do if get "$base/v1/session" >/dev/null 2>&1; then break; fi; sleep 0.3; done # a new key is known within a second
ask POST /v1/rooms "{\"room\":\"first-$run\",\"game\":\"roulette\"}"; echo
endpoint=$(ask POST /v1/webhooks "{\"url\":\"$receiver\",\"types\":[\"player.credited\"],\"reason\":\"first day\"}")
id=$(echo "$endpoint" | member id)
PITBOSS_WEBHOOK_SECRET=$(echo "$endpoint" | member secret) \
  ${PITBOSS:-pitboss} webhook listen --listen "${receiver#http://}" --count 1 --within 60s & listener=$!

ask POST "/v1/players/alice/credit" '{"amount":5000,"reason":"welcome"}'; echo
wait "$listener" # it has printed the message, whose signature was right
for list in rounds transactions; do
  get "$base/v1/players/alice/$list" -H "Accept: text/csv"
done
ask DELETE "/v1/webhooks/$id" '{"reason":"the first day is over"}'; echo
ask POST "/v1/rooms/first-$run/close" '{"reason":"the first day is over"}'; echo
