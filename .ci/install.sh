#!/usr/bin/env bash
# install.sh [--try] NAME…: makes sure that make, gcc, curl, postgresql, redis, chromium, compose are there, and
# postgresql-newest and pgbouncer, which are unpacked beside the system's (newest.sh). Debian's
# packages are installed where that can be done without a password; elsewhere a sentence says
# what to install. --try never fails.
set -euo pipefail

try=false
if [[ ${1:-} == --try ]]; then try=true; shift; fi

has() { command -v "$1" > /dev/null; }

has_postgresql() {
	[[ -n ${PITBOSS_PG_BIN:-} ]] || has postgres || has initdb ||
		compgen -G '/usr/lib/postgresql/*/bin/postgres' > /dev/null ||
		compgen -G '/usr/pgsql-*/bin/postgres' > /dev/null ||
		compgen -G '/opt/homebrew/opt/postgresql@*/bin/postgres' > /dev/null ||
		compgen -G '/usr/local/opt/postgresql@*/bin/postgres' > /dev/null
}
has_chromium() { has chromium || has chromium-browser || has google-chrome || [[ -n ${CHROMIUM:-} ]]; }
has_gcc() { has gcc || has clang || [[ -n ${CC:-} ]]; } # for the race detector
has_compose() { has docker-compose || docker compose version > /dev/null 2>&1; }

packages=() newest=()
for name in "$@"; do
	case $name in
	make) has make || packages+=(make) ;;
	postgresql) has_postgresql || packages+=(postgresql) ;;
	curl) has curl || packages+=(curl ca-certificates) ;;
	redis) has redis-server || packages+=(redis-server) ;;
	chromium) has_chromium || packages+=(chromium) ;;
	gcc) has_gcc || packages+=(gcc libc6-dev) ;;
	postgresql-newest) [[ -n ${PITBOSS_PG_NEWEST_BIN:-} ]] || newest+=(postgresql) ;;
	pgbouncer) [[ -n ${PITBOSS_PGBOUNCER:-} ]] || newest+=(pgbouncer) ;;
	compose) has_compose || packages+=(docker-compose) ;;
	*) echo "install.sh: what is $name?" >&2; exit 2 ;;
	esac
done
if ! $try; then
	for name in go git node npm; do
		has "$name" || { echo "Please install $name first." >&2; exit 1; }
	done
fi
for name in "${newest[@]}"; do "$(dirname "$0")/newest.sh" "$name" || $try; done
[[ ${#packages[@]} -gt 0 ]] || exit 0

# In a terminal of its own, sudo may ask for a password; a script must not wait for one.
if ! has apt-get; then
	as_root=(false)
elif [[ $(id -u) == 0 ]]; then
	as_root=(env)
elif has sudo && sudo -n true 2> /dev/null; then
	as_root=(sudo -n)
else
	as_root=(false)
fi
if [[ ${as_root[0]} == false ]]; then
	$try && exit 0
	if [[ ${packages[*]} == docker-compose ]]; then exit 0; fi # check-compose.sh says so
	echo "Please install ${packages[*]} (Debian: sudo apt-get install ${packages[*]}), then try again." >&2
	exit 1
fi

# Somebody else's apt may be at work: be patient. apt-get update has no option for that.
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 "$@"; }
update() {
	local until=$((SECONDS + 600)) said
	until said=$(apt update 2>&1); do
		if ((SECONDS > until)) || [[ $said != *"Could not get lock"* ]]; then
			echo "$said" >&2
			return 1
		fi
		sleep 3
	done
}

echo "Installing ${packages[*]} …"
if ! { update && apt install -y --no-install-recommends "${packages[@]}"; }; then
	$try && exit 0
	echo "Installing ${packages[*]} failed; what apt-get said is above." >&2
	exit 1
fi
