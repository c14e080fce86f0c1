#!/usr/bin/env bash
# newest.sh postgresql|pgbouncer: unpacks the newest one of a Debian suite into .tools/NAME-newest
# (as root into /var/cache/pitboss, where the user that runs it for root can reach it), with the libraries and the loader that it was built for, beside whatever the system has. Nothing is
# installed and no root is needed: apt-get works on folders of its own and verifies signatures.
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1 suite=${PITBOSS_PG_SUITE:-trixie}
root=$PWD/.tools/$name-newest
if [[ $(id -u) == 0 ]]; then root=/var/cache/pitboss/$name-newest; fi
case $name in
postgresql)
	version=${PITBOSS_PG_NEWEST:-17}
	package=postgresql-$version bin=$root/usr/lib/postgresql/$version/bin program=postgres instead="PITBOSS_PG_NEWEST_BIN to its programs" stamp=$suite-$version
	;;
pgbouncer) # the system's may be older than 1.21, and know no prepared statements
	package=pgbouncer bin=$root/usr/sbin program=pgbouncer instead="PITBOSS_PGBOUNCER to the program" stamp=$suite
	;;
*)
	echo "newest.sh: what is $name?" >&2
	exit 2
	;;
esac
[[ -x $bin/$program && -e $root/.complete-$stamp ]] && exit 0

command -v apt-get > /dev/null && command -v dpkg > /dev/null || {
	echo "$package for the tests is taken from Debian's $suite, and there is no apt-get here: set $instead." >&2
	exit 1
}
rm -rf "$root"
mkdir -p "$root"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,cache/archives/partial,etc}
: > "$work/status" # nothing is installed: every library comes along
arch=$(dpkg --print-architecture)
# The mirror is the one that this machine installs its own release from.
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Identifier: Packages' 'Component: main' | sed -n "s/^$release //p" | sed -n 1p)
[[ -n $mirror ]] || { echo "apt-get knows no mirror of $release to take $package from: set $instead." >&2; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > "$work/etc/sources.list"
apt=(-q -o "Dir::Etc::SourceList=$work/etc/sources.list" -o Dir::Etc::SourceParts=- -o Dir::Etc::Preferences=- -o Dir::Etc::PreferencesParts=-
	-o "Dir::State=$work" -o "Dir::State::Lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache"
	-o "APT::Architecture=$arch" -o Acquire::Languages=none -o APT::Install-Recommends=false -o APT::Sandbox::User="$(id -un)")
# Debug::NoLocking: there is nobody to lock out of folders that are ours alone.
echo "Unpacking $package of Debian's $suite …"
apt-get "${apt[@]}" -o Debug::NoLocking=1 update > "$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
apt-get "${apt[@]}" -o Debug::NoLocking=1 install -y --download-only "$package" > "$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
for deb in "$work"/cache/archives/*.deb; do
	case $(basename "$deb") in
	libllvm* | libz3* | libperl* | libpython*) ;; # for compiled queries and languages that nobody uses
	postgresql* | pgbouncer* | lib*) dpkg -x "$deb" "$root" ;; # no init system, no shell
	esac
done

# The programs need their own C library, and so its loader. They find each other, and their data
# files, by the path under which they were called.
rm -rf "$root"/usr/lib/postgresql/*/lib/{llvmjit*,bitcode}
loader=$(find "$root"/usr/lib/*-linux-gnu -name 'ld-linux*.so.*' -print -quit)
libs=$(dirname "$loader")
for file in "$bin"/*; do
	[[ $(head -c 4 "$file" | tail -c 3) == ELF ]] || continue
	mkdir -p "$bin/elf"
	mv "$file" "$bin/elf/"
	printf '#!/bin/sh\nexec "%s" --library-path "%s" --argv0 "$0" "%s" "$@"\n' "$loader" "$libs" "$bin/elf/$(basename "$file")" > "$file"
	chmod 755 "$file"
done
chmod -R a+rX "$root"
"$bin/$program" --version
touch "$root/.complete-$stamp"
