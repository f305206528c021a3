#!/bin/sh
# What a container runs, as nobody, on a root that it cannot write to; EVENKEEL_VAR is its one folder.
#   start.sh serve      (the default) brings database and content up to date, then serves the parts in SERVE
#   start.sh prepare    only brings database and content up to date
#   start.sh actions    serves the custom actions, for others whose ACTION_ENDPOINT names it
#   start.sh COMMAND …  python -m bot COMMAND …
set -eu
cd "$(dirname "$0")/.."
bot=".venv/bin/python -m bot"

# Who trusts the image trusts the models in it: they are put on this installation's own list.
accept() {
    if $bot help 2>&1 | grep -q '^  model '; then
        for file in "${EVENKEEL_MODELS:-models}/screen" "${EVENKEEL_MODELS:-models}/dialogue.tar.gz"; do
            $bot model accept "$file"
        done
    fi
}

case "${1:-serve}" in
serve)
    if [ "${PREPARED:-no}" != yes ]; then
        $bot articles load
    fi
    if [ "${SERVE:-}" != webhooks ]; then
        accept
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
