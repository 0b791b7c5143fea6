#!/bin/sh
# Another system that knows oil prices: hands in the pipeline, lets it learn from the days before FROM, then tells the
# loop of each day, with its label one day late. Started again it goes on with the replay alone.
#
# PUBLISHER_FROM, PUBLISHER_TO (YYYY-MM-DD, default 2020-01-02 and the file's last day)
# PUBLISHER_RATE (days per second, default 20), PUBLISHER_ROWS (days to learn from, default 1250)
set -eu

example=/usr/local/share/hexloop/oil-price
from=${PUBLISHER_FROM:-2020-01-02}
wait_seconds=180

# A model that all nodes have is what a replay needs.
is_serving() {
    hexloop status --json | grep -q '"nodesServing":\["'
}

if ! is_serving; then
    hexloop pipeline push "$example/pipeline.yaml"
    hexloop history-load --csv "$example/wti-daily.csv" --until "$from" --rows "${PUBLISHER_ROWS:-1250}"
    hexloop publish --type dev.hexloop.training.requested.v1 \
        --event-data '{"pipeline": "oil-price", "reason": "the first model of the publisher"}'
    echo "waiting for the first model"
    deadline=$(($(date +%s) + wait_seconds))
    until is_serving; do
        if [ "$(date +%s)" -ge "$deadline" ]; then
            echo "publisher: no node serves a model after $wait_seconds s; see 'hexloop laps' and the programs' logs" >&2
            exit 1
        fi
        sleep 1
    done
fi
exec hexloop replay --csv "$example/wti-daily.csv" --from "$from" ${PUBLISHER_TO:+--to "$PUBLISHER_TO"} \
    --rate "${PUBLISHER_RATE:-20}" --hold-during-laps
