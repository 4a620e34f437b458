# Sourced: counts the test cases in the output of `ctest -V`, also where one program holds many.
# shellcheck shell=bash

# count_tests FILE...: prints "passed failed skipped". A doctest program counts with its test cases, any other test as
# one. A test case that says "skipped: why" counts as skipped.
count_tests() {
    awk '
        /^[0-9]+: \[doctest\] test cases:/ {
            test = FILENAME substr($1, 1, length($1) - 1)
            split($0, parts, "|")
            counted[test] = 1
            cases_passed[test] += parts[2]
            cases_failed[test] += parts[3]
        }
        /^[0-9]+: .*skipped: / { excused[FILENAME substr($1, 1, length($1) - 1)]++ }
        /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
            match($0, /#[0-9]+/)
            test = FILENAME substr($0, RSTART + 1, RLENGTH - 1)
            good = /   Passed /
            if (counted[test]) {
                skips = excused[test] < cases_passed[test] ? excused[test] + 0 : cases_passed[test]
                passed += cases_passed[test] - skips
                skipped += skips
                failed += cases_failed[test] + (!good && cases_failed[test] == 0)
            } else if (good) passed++
            else if (/\*\*\*Skipped/) skipped++
            else failed++
        }
        END { print passed + 0, failed + 0, skipped + 0 }
    ' "$@"
}

# run_tests LOG FOLDER CTEST_ARGUMENT...: runs the tests, shows each and the output of those that fail; never fails.
run_tests() {
    local log=$1 folder=$2
    shift 2
    ctest --test-dir "$folder" -V --timeout 600 -j "$(nproc)" "$@" >"$log" 2>&1 || true
    grep -E '^ *[0-9]+/[0-9]+ Test +#' "$log" || tail -n 20 "$log"
    sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#([0-9]+): .*\*\*\*(Failed|Timeout|Exception|Not Run).*/\1/p' "$log" |
        while read -r test; do
            echo "---- output of test $test"
            grep -E "^$test: " "$log" | tail -n 100
        done
}
