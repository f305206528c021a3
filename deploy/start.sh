#!/bin/sh
# What a container runs, as nobody, on a root that it cannot write to; EVENKEEL_VAR is its one folder.
#   start.sh serve      (the default) brings database and content up to date, then serves the parts in SERVE
#   start.sh prepare    only brings database and content up to date
#   start.sh actions    serves the custom actions, for others whose ACTION_ENDPOINT names it
#   start.sh COMMAND …  python -m bot COMMAND …
set -eu
cd "$(dirname "$0")/.."
bot=".venv/bin/python -m bot"

case "${1:-serve}" in
serve)
    if [ "${PREPARED:-no}" != yes ]; then
        $bot articles load
    fi
    exec $bot serve
    ;;
prepare)
    exec $bot articles load
    ;;
actions)
    exec $bot actions 5055
    ;;
*)
    exec $bot "$@"
    ;;
esac
