#!/bin/sh
# The steps by which deploy/Containerfile makes the image; tests/deploy has them without a container engine.
#   sh deploy/build.sh packages    exactly what is locked, in .venv; TRACING=on adds OpenTelemetry, BROKER=on RabbitMQ's client
#   sh deploy/build.sh models      safety screen and dialogue model, in models/
set -eu
cd "$(dirname "$0")/.."
base="${PYTHON:-python3}"

install() {
    if command -v uv >/dev/null 2>&1; then
        uv pip install --quiet --no-deps --require-hashes --only-binary :all: --python .venv/bin/python -r "$1"
    else
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-cache-dir --no-deps \
            --require-hashes --ignore-requires-python --only-binary :all: -r "$1"
    fi
}

case "$1" in
packages)
    if command -v uv >/dev/null 2>&1; then
        "$base" -I -m venv --without-pip .venv
    else
        "$base" -I -m venv .venv
    fi
    install requirements.lock
    if [ "${TRACING:-off}" = on ]; then
        install requirements-tracing.lock
    fi
    if [ "${BROKER:-off}" = on ]; then
        install requirements-broker.lock
    fi
    .venv/bin/python -m compileall -q .venv/lib || true # some packages bring files for other Pythons
    ;;
models)
    work="$(mktemp -d)"
    EVENKEEL_VAR="$work" MPLCONFIGDIR="$work" .venv/bin/python -m bot train
    rm -rf "$work"
    .venv/bin/python -m compileall -q bot actions
    ;;
*)
    echo "build.sh packages|models" >&2
    exit 2
    ;;
esac
