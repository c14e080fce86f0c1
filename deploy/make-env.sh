#!/usr/bin/env bash
# make-env.sh [FILE]: draws the secrets that docker-compose.yml needs, into .env or FILE.
set -euo pipefail
umask 077

file=${1:-$(dirname "$0")/../.env}
if [[ -s $file ]]; then
	echo "$file is there already; the database cannot be opened without what is in it. Nothing was changed." >&2
	exit 1
fi

random() { head -c "$1" /dev/urandom; }
password() { random 24 | od -An -v -tx1 | tr -d ' \n'; }

cat > "$file" << END
POSTGRES_PASSWORD=$(password)
PITBOSS_OWNER_PASSWORD=$(password)
PITBOSS_APP_PASSWORD=$(password)
REDIS_PASSWORD=$(password)
PITBOSS_MASTER_KEY=$(random 32 | base64)
END
