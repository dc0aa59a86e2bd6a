# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests of this directory share; to be sourced. They run in a container of their own, as root, and speak TAP.

set -uo pipefail

# How long anything may take, in seconds.
deadline=30
number=0
failed=0

# Ends the test. What the machine had to say comes first if anything failed.
finish() {
    if [ "$failed" -gt 0 ]; then
        journalctl --boot --no-pager --output=short-monotonic | sed 's/^/# /'
    fi
    echo "1..$number"
    exit $((failed > 0))
}

# What follows would only fail as well.
give_up() {
    number=$((number + 1))
    failed=$((failed + 1))
    echo "not ok $number - $1"
    finish
}

result() {
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        failed=$((failed + 1))
        echo "not ok $number - $2"
    fi
}

# succeeds DESCRIPTION COMMAND...
succeeds() {
    local description=$1 output status=0

    shift
    output=$(timeout "$deadline" "$@" 2>&1) || status=$?
    result "$status" "$description"
    if [ "$status" -ne 0 ]; then
        printf '%s\n' "'$*' ended with status $status:" "$output" | sed 's/^/# /'
    fi
}

# refused DESCRIPTION TEXT COMMAND...: it fails, and says TEXT.
refused() {
    local description=$1 text=$2 output status=0

    shift 2
    output=$(timeout "$deadline" "$@" 2>&1) || status=$?
    [[ $status -ne 0 && $status -ne 124 && $output == *"$text"* ]]
    result $? "$description"
    if [[ $status -eq 0 || $status -eq 124 || $output != *"$text"* ]]; then
        printf '%s\n' "'$*' ended with status $status:" "$output" | sed 's/^/# /'
    fi
}

# same DESCRIPTION EXPECTED GOT
same() {
    [ "$2" = "$3" ]
    result $? "$1"
    if [ "$2" != "$3" ]; then
        printf '%s\n' "expected: $2" "got:      $3" | sed 's/^/# /'
    fi
}

# matches DESCRIPTION GLOB GOT
matches() {
    # shellcheck disable=SC2053 # it is a pattern
    if [[ $3 == $2 ]]; then
        result 0 "$1"
    else
        result 1 "$1"
        printf '%s\n' "expected: $2" "got:      $3" | sed 's/^/# /'
    fi
}

# Begins to write down what fleetd announces.
watch_fleet() {
    exec {changes}< <(exec fleetctl monitor 2>&1)
    seen=
    wait_for "Watching the fleet*"
}

# wait_for GLOB...: reads what is announced up to the first line that matches all of them. All lines are in $seen.
wait_for() {
    local line glob

    while IFS= read -r -t "$deadline" -u "$changes" line; do
        seen+=$line$'\n'
        for glob; do
            # shellcheck disable=SC2053 # it is a pattern
            [[ $line == $glob ]] || continue 2
        done
        return
    done
    printf '%s' "$seen" | sed 's/^/# /'
    give_up "fleetd announces $*"
}
