#!/bin/sh
# A casino from its first to its last day by the platform's API (docs/operations.md), with curl, openssl and, to play, Node:
#   make run, and in another terminal, in this repository:
#   cd docs && npm ci && cd ..
#   PITBOSS_KEY=$(bin/pitboss key api create --platform --name script --reason "a test" --scope tenants:read --scope tenants:write --scope tenants:end | grep -o 'pitboss_[0-9a-z_]*') \
#     sh docs/examples/third-casino.sh http://127.0.0.1:8080 platform.localhost
set -eu
base=$1 platform=$2 slug=third-$(date +%s) port=${1##*:}
casino=$slug.localhost
json="Content-Type: application/json"
get() { # key, host, curl's arguments; the key is not among them, which everybody on this machine can read
  key=$1 host=$2; shift 2
  printf 'Authorization: Bearer %s' "$key" | curl -sS --fail-with-body -H @- -H "Host: $host" "$@"
}
ask() { # path, body: of the platform, which is asked again under the same key if the answer does not come
  get "$PITBOSS_KEY" "$platform" -X POST "$base/v1/tenants$1" -H "$json" -H "Idempotency-Key: $slug$1$(date +%N)" -H "Prefer: wait=25" -d "$2"
}
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; } # a member of JSON, for want of jq
until_known() { # a change is known to every node within a second
  for _ in 1 2 3 4 5 6 7 8 9 10; do if "$@" >/dev/null 2>&1; then return; fi; sleep 0.3; done; "$@"
}
url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

until_known get "$PITBOSS_KEY" "$platform" "$base/v1/tenants"
ask "" "{\"slug\":\"$slug\",\"name\":\"The Third House\",\"domains\":[\"$casino\"],\"currency\":\"EUR\"}"; echo
ops=$(ask "/$slug/keys" '{"name":"script","scopes":["rooms:read","rooms:write","money:write"],"reason":"the first day"}' | member secret)
signing=$(ask "/$slug/signing-keys/rotate" '{"reason":"the first day"}')
until_known get "$ops" "$casino" "$base/v1/rooms"
get "$ops" "$casino" -X POST "$base/v1/rooms" -H "$json" -d '{"room":"roulette-1","game":"roulette","name":"First table","settings":{"betting_ms":5000,"spin_ms":1000,"pause_ms":1000}}'; echo
get "$ops" "$casino" -X POST "$base/v1/players/alice/credit" -H "$json" -H "Idempotency-Key: $slug" -d '{"amount":5000,"reason":"welcome"}'; echo

# A token as the casino's own server would sign it (docs/protocol.md).
now=$(date +%s)
head=$(printf '{"alg":"HS256","typ":"JWT","kid":"%s"}' "$(echo "$signing" | member kid)" | url)
claims=$(printf '{"iss":"third","aud":"pitboss/%s","tid":"%s","sub":"alice","role":"player","iat":%d,"nbf":%d,"exp":%d,"jti":"%s"}' "$slug" "$slug" "$now" "$now" $((now + 3600)) "$now-$$" | url)
secret=$(echo "$signing" | member secret | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
signature=$(printf %s "$head.$claims" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$secret" -binary | url)
node "$(dirname "$0")/../client.mjs" --url "http://$casino:$port" --room roulette-1 --token "$head.$claims.$signature" --amount 100

ask "/$slug/suspend" '{"reason":"an audit"}'; echo
ask "/$slug/resume" '{}'; echo
ask "/$slug/archive" '{"reason":"the licence ended"}'; echo
get "$PITBOSS_KEY" "$platform" "$base/v1/tenants/$slug"; echo
