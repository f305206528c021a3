#!/bin/sh
# Starts scripts/bootstrap.py with the first Python that can run it (3.8 or newer); that one then finds or
# makes the environment the bot itself runs in. The environment's own Python comes first: it is the quickest.
cd "$(dirname "$0")/.." || exit 1

for python in .venv/bin/python python3 python3.12 python3.11 python3.13 python \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[12]*/bin/python3; do
    if "$python" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
        exec "$python" -I -S scripts/bootstrap.py "$@"
    fi
done

if uv --version >/dev/null 2>&1; then
    exec uv run --quiet --no-project --python 3.11 python -I -S scripts/bootstrap.py "$@"
fi

echo "evenkeel: No Python was found. Install Python 3.11 or 3.12 (on Debian or Ubuntu: apt install python3 python3-venv) and run the same command again." >&2
exit 1
