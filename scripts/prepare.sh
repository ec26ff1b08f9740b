# SPDX-License-Identifier: MIT
# Sourced by ./run and ./test in the root of the tree: Debian packages and the build. Speaks on standard error only.

say() { printf '%s\n' "$*" >&2; }

# missing LEVEL...: the packages of these levels (scripts/packages) that are not installed.
missing() {
    local wanted
    wanted=$(awk -v levels=" $* " '!/^#/ && NF && index(levels, " " $2 " ") { print $1 }' scripts/packages)
    # shellcheck disable=SC2086 # one word a package
    comm -23 <(sort <<<"$wanted") \
        <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p' | sort)
}

# packages LEVEL...: installs what is missing. Without "build" nothing works; the rest is done without, and said.
packages() {
    command -v dpkg-query >/dev/null || return 0 # not Debian: the build tells what it does not find
    local must all as=no
    all=$(missing "$@" | tr '\n' ' ')
    [ -n "${all% }" ] || return 0
    must=$(missing build | tr '\n' ' ')
    local command="apt-get update && apt-get install -y --no-install-recommends ${all% }"
    if [ "$(id -u)" = 0 ]; then as=root
    elif sudo -n true 2>/dev/null; then as=sudo
    elif [ -n "$must" ] && [ -t 0 ] && command -v sudo >/dev/null; then as=sudo
    fi
    local type=$command
    [ "$(id -u)" = 0 ] || ! command -v sudo >/dev/null || type="sudo sh -c '$command'"
    if [ "$as" != no ] && [ "$all" != "$(cat build/.packages-refused 2>/dev/null)" ]; then
        say "installing ${all% }"
        ${as/root/env} env DEBIAN_FRONTEND=noninteractive sh -c "$command" >build/packages.log 2>&1 && return 0
        tail -n 5 build/packages.log >&2
        [ -n "$must" ] || printf '%s' "$all" >build/.packages-refused # not again at every start
    fi
    if [ -n "$must" ]; then
        say "Needed and not installed: ${must% }. As root, type:"
        say "    $type"
        exit 2
    fi
    say "going on without ${all% }; as root: $type"
}

# settings KIND: what makes a kind of build.
settings() {
    case $1 in
    release*) echo "-Dbuildtype=debugoptimized" ;;
    debug*) echo "-Dbuildtype=debugoptimized -Dchecks=true" ;;
    sanitize*) echo "-Dbuildtype=debug -Doptimization=1 -Dchecks=true" \
        "-Db_sanitize=address,undefined -Db_lundef=false" ;;
    esac
}

# One line on a terminal, nothing elsewhere.
progress() {
    [ -t 2 ] || { cat >/dev/null; return; }
    local line width
    width=$(tput cols 2>/dev/null || echo 80)
    while IFS= read -r line; do printf '\r\033[K%s' "${line:0:width-1}" >&2; done
    printf '\r\033[K' >&2
}

# build KIND [TARGET...]: brings build/KIND up to date; CC says the compiler of a new one.
build() {
    local dir=build/$1 log=build/$1.log
    # shellcheck disable=SC2046 # several words on purpose
    if [ ! -e "$dir/build.ninja" ] || [ "$(cat "$dir/.source" 2>/dev/null)" != "$PWD" ]; then
        say "building in $dir"
        rm -rf "$dir"
        meson setup "$dir" -Dwerror="${HAWSER_WERROR:-true}" $(settings "$1") >"$log" 2>&1 || failed "$log"
        printf '%s' "$PWD" >"$dir/.source" # a copied tree has a build directory that points elsewhere
    fi
    shift
    ninja -C "$dir" "$@" 2>&1 | tee "$log" | progress || failed "$log" # pipefail is on
}

failed() {
    tail -n 60 "$1" >&2
    say "The build failed; the whole log is $PWD/$1."
    say "If it is only a warning of a compiler that we do not know yet: rm -r build, then set HAWSER_WERROR=false."
    exit 1
}

# prepare KIND LEVELS [TARGET...]: packages and build, one at a time in this tree.
prepare() {
    local kind=$1 levels=$2
    shift 2
    mkdir -p build 2>/dev/null || true
    local dir=build/$kind
    [ -e "$dir" ] || dir=build
    if [ ! -d build ] || [ ! -w "$dir" ]; then
        say "$(id -un) cannot write $PWD/$dir: as $(stat -c %U "$dir" 2>/dev/null || echo its owner), remove it."
        exit 2
    fi
    exec 9>build/.lock
    flock 9
    # shellcheck disable=SC2086 # several levels
    packages $levels
    build "$kind" "$@"
    exec 9>&-
}
