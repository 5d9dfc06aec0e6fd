#!/usr/bin/env bash
# Do the committed fixtures still say what the SageMaker SDK writes, and do fluentpipe and the SDK understand each other?
#
#   tests/sdk/check_fixtures.sh FOLDER            compare; exit status 1 and a diff where they differ
#   tests/sdk/check_fixtures.sh FOLDER --update   write them anew
#   tests/sdk/check_fixtures.sh FOLDER --install  make the environments, and no more
#
# FOLDER gets an environment for each major version, about 1.6 GB; one that is there already is used again. After the
# comparison fluentpipe is installed into each, and the tests in with_sdk run there.
# PYTHON chooses the interpreter of the environments (python3).
set -euo pipefail

# The newest of each major when the fixtures were written, with those of its parts that write definitions; raise them
# here, then --update. Each line becomes an environment named for its first word.
releases='sagemaker==2.257.7
sagemaker==3.27.0 sagemaker-core==2.27.0 sagemaker-mlops==1.27.0 sagemaker-serve==1.27.0 sagemaker-train==1.27.0'

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [[ $# -lt 1 || ($# -gt 1 && $2 != --update && $2 != --install) ]]; then
    sed -n '4,6s/^# *//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

rm -rf "$folder/written" # what the SDK uploads for the pipelines that run_written.py runs

each() { # do something with each environment, side by side: a command, to which the packages are given
    local tasks=() task
    while read -r -a packages; do
        environment=$folder/${packages[0]/==/-} "$1" "${packages[@]}" </dev/null &
        tasks+=($!)
    done <<<"$releases"
    for task in "${tasks[@]}"; do wait "$task"; done
}

make() {
    if [[ ! -e $environment/complete ]]; then
        echo "installing $* into $environment"
        rm -rf "$environment"
        "${PYTHON:-python3}" -m venv "$environment"
        "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
        touch "$environment/complete"
    fi
}

write() { # run from the empty folder, so that nothing of the project can be imported but the script's neighbours
    (cd "$fresh" && "$environment/bin/python" "$here/write_fixtures.py" "$fresh" "$folder/written")
}

take() {
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
        -e "$here/../..[local]" 'moto[server]>=5.1' hypothesis pytest pytest-socket pytest-xdist
}

each make
if [[ ${2-} == --install ]]; then
    exit 0
fi
each write
if [[ ${2-} == --update ]]; then
    cp "$fresh"/*.json "$here/fixtures/"
    echo "fixtures written; look at git diff, then at tests/sdk/differences.py"
    exit 0
elif diff -ru "$here/fixtures" "$fresh"; then
    echo "the fixtures are what SDK 2 and 3 write"
else
    echo "The SDK no longer writes what the fixtures say (diff above: - fixture, + SDK)." >&2
    echo "fix: $0 $1 --update, then make tests/sdk/differences.py or the steps agree" >&2
    exit 1
fi

each take
cd "$here/../.."
while read -r -a packages; do
    environment=$folder/${packages[0]/==/-}
    echo "fluentpipe with ${packages[0]}"
    # The SDK warns of itself. The tests are named check_*, so that nothing without the SDK collects them.
    "$environment/bin/python" -m pytest -q -n 2 -o python_files='check_*.py' -o filterwarnings=ignore tests/sdk/with_sdk </dev/null
done <<<"$releases"
