#!/usr/bin/env bash
# Checks the compose stack end to end: builds the image, starts every program, each with a key of its own, refuses who has
# none or asks for more than its rights, serves from three nodes, closes a lap on real decay, survives a killed node and a
# stopped bus, and answers HTTP. Everything it started is removed at the end.
#
# Usage: compose/check.sh [--no-build]
# It needs a Docker engine and docker compose, as the plugin or as docker-compose. HEXLOOP_IMAGE names another image.
set -euo pipefail
cd "$(dirname "$0")/.."

ready_seconds=120
lap_seconds=120
replay_seconds=120
settle_seconds=60

build=true
case "${1:-}" in
    "") ;;
    --no-build) build=false ;;
    *)
        sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac

export COMPOSE_PROJECT_NAME="hexloop-check-$$"
export HEXLOOP_HTTP_PORT=0
export HEXLOOP_SITE=check
work=$(mktemp -d)
began=$SECONDS
step="starting"
publisher=""

say() { printf '%4d s  %s\n' "$((SECONDS - began))" "$1"; }

# A step's title, named again when it fails.
begin() {
    step=$1
    say "$step"
}

fail() {
    echo "compose/check.sh: $step: $1" >&2
    exit 1
}

if docker compose version >/dev/null 2>&1; then
    compose_command=(docker compose)
elif command -v docker-compose >/dev/null; then
    compose_command=(docker-compose)
else
    fail "there is neither 'docker compose' nor 'docker-compose'; install one of them"
fi
docker info >/dev/null 2>&1 || fail "no Docker engine answers; start one"

compose() { "${compose_command[@]}" -f compose/docker-compose.yml "$@"; }

# All containers of this run with their names, states and health.
containers() {
    docker ps -a --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --format '{{.Names}}\t{{.Status}}'
}

# The names of programs that do not run in good health; those that ended with 0 did their work.
failing() { containers | grep -Ev 'publisher|\(healthy\)|Exited \(0\)' | cut -f 1 || true; }

clean_up() {
    local code=$?
    trap - EXIT INT TERM
    # Whoever stops the check from outside does not want the logs.
    if [ "$code" -ne 0 ] && [ "$code" -lt 128 ]; then
        {
            echo "compose/check.sh: '$step' failed with $code"
            containers
            local names
            names=$(failing)
            # When all are well, each may have seen why it failed.
            for name in ${names:-$(containers | cut -f 1)}; do
                echo "--- $name"
                docker logs --tail 40 "$name" 2>&1 || true
            done
            [ ! -s "$work/publisher" ] || { echo "--- publisher"; tail -40 "$work/publisher"; }
        } >&2
    fi
    [ -z "$publisher" ] || kill "$publisher" 2>/dev/null || true
    compose --profile demo down -v --remove-orphans -t 20 >"$work/down" 2>&1 || { cat "$work/down" >&2; code=1; }
    # 'run' containers of the publisher may outlive their client.
    docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" | xargs -r docker rm -f >/dev/null
    rm -rf "$work"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Waits until the command succeeds: until SECONDS WHAT COMMAND...
wait_until() {
    local deadline=$((SECONDS + $1)) what=$2 seconds=$1
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "$what did not happen within $seconds s"
        sleep 1
    done
}

# hexloop ARGUMENTS: the operator's command, with the operator's key.
hexloop() { compose exec -T operator hexloop "$@"; }

# as KEY ARGUMENTS: the same command with another key, or with none.
as() { compose exec -T -e HEXLOOP_BUS_KEY="$1" operator hexloop "${@:2}"; }

# denied TEXT: the log holds a refusal that says so.
denied() {
    { timeout 5 "${compose_command[@]}" -f compose/docker-compose.yml exec -T operator \
        timeout 4 hexloop tail --json --from origin --filter event.refused || true; } \
        | grep '"code":"denied"' | grep -qF -- "$1"
}

# http METHOD PATH [TYPE BODY]: the answer's body in $work/body; prints the status.
http() {
    local port line status
    port=$(compose port gateway 8080)
    exec 3<>"/dev/tcp/127.0.0.1/${port##*:}" || return 1
    printf '%s %s HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s' \
        "$1" "$2" "${3:-application/json}" "$(printf %s "${4:-}" | wc -c)" "${4:-}" >&3
    read -r -t 10 line <&3 || return 1
    status=${line#* }
    while read -r -t 10 line <&3 && [ -n "${line%$'\r'}" ]; do :; done
    timeout 10 cat <&3 >"$work/body"
    exec 3>&-
    echo "${status%% *}"
}

# The nodes that say that they are ready, one a line.
ready_nodes() {
    [ "$(http GET /status 2>/dev/null)" = 200 ] || return 0
    grep -o '{[^{}]*}' "$work/body" | grep '"service":"inference-node"' | grep '"ready":true' \
        | grep -o '"instance":"[^"]*"' | cut -d '"' -f 4 | sort -u || true
}

has_ready_nodes() { [ "$(ready_nodes | wc -l)" -eq "$1" ]; }

# The nodes that serve the champion, one a line.
serving_nodes() {
    [ "$(http GET /status 2>/dev/null)" = 200 ] || return 0
    grep -o '"nodesServing":\[[^]]*\]' "$work/body" | grep -o 'node-[0-9]*' | sort -u || true
}

serve_from() { [ "$(serving_nodes | wc -l)" -eq "$1" ]; }

all_healthy() {
    [ -z "$(failing)" ] && [ "$(containers | grep -c '(healthy)')" -ge "$1" ]
}

# Laps that decay began and that put a new model on every node.
closed_laps() {
    hexloop laps --json | grep -o '{[^{}]*}' | grep '"cause":"decay.detected"' | grep -c '"lastNode":' || true
}

# keys FILTER: the keys in all events of that kind, once each.
keys() {
    { timeout 5 "${compose_command[@]}" -f compose/docker-compose.yml exec -T operator \
        timeout 4 hexloop tail --json --from origin --filter "$1" || true; } \
        | grep -o '"key":"[^"]*"' | cut -d '"' -f 4 | sort -u || true
}

# Keeps the keys that were observed but never answered in $work/missing.
all_answered() {
    keys observation.recorded >"$work/observed"
    keys prediction.made >"$work/answered"
    comm -23 "$work/observed" "$work/answered" >"$work/missing"
    [ -s "$work/observed" ] && [ ! -s "$work/missing" ]
}

# replay FROM TO DAYS_PER_SECOND: the publisher, in the background.
replay() {
    PUBLISHER_FROM=$1 PUBLISHER_TO=$2 PUBLISHER_RATE=$3 \
        compose --profile demo run --rm -T --no-deps publisher >"$work/publisher" 2>&1 </dev/null &
    publisher=$!
}

publisher_ended() { ! kill -0 "$publisher" 2>/dev/null; }

finish_replay() {
    wait_until "$replay_seconds" "the end of the replay" publisher_ended
    wait "$publisher" || fail "the publisher ended with $?"
    publisher=""
}

expect_status() {
    local status
    status=$(http "${@:2}")
    [[ "$status" == $1 ]] || fail "$2 $3 was answered with $status, not $1: $(head -c 500 "$work/body")"
    say "  $2 $3: $status $(head -c 160 "$work/body")"
}

observation() {
    printf '{"specversion": "1.0", "id": "%s", "source": "//check", "type": "dev.hexloop.observation.recorded.v1", ' "$1"
    printf '"datacontenttype": "application/json", "data": {"stream": "wti", "key": "%s", "inputs": {"price": %s}}}' "$1" "$2"
}

compose config -q || fail "docker-compose.yml is not right"

if $build; then
    begin "building the image"
    compose build keys >"$work/build" 2>&1 || { tail -40 "$work/build" >&2; fail "the image does not build"; }
    say "  $(docker image inspect --format '{{.Size}}' "${HEXLOOP_IMAGE:-hexloop:latest}") bytes"
    began=$SECONDS
fi

begin "starting every program"
compose up -d >"$work/up" 2>&1 || { cat "$work/up" >&2; fail "the programs do not start"; }
wait_until "$ready_seconds" "the health of all programs" all_healthy 9
expect_status 200 GET /readyz

begin "keys: none, one with few rights, and the same one revoked"
for service in $(compose config --services | grep -Ev '^(keys|publisher)$'); do
    secrets=$(compose exec -T "$service" sh -c 'cat /run/secrets/hexloop/*.key | grep -o "\"name\" : \"[^\"]*\""')
    [ "$secrets" = "\"name\" : \"$service\"" ] || fail "$service sees the secrets of: $secrets"
done
as /nowhere status >"$work/refused" 2>&1 && fail "without a key the bus answers"
as "" status >"$work/refused" 2>&1 && fail "without a key the bus answers"
wait_until "$settle_seconds" "the refusal of a keyless client" denied "showed no key"
compose run --rm -T --no-deps keys hexloop keys make intruder --directory /keys --publish e/check/label/ \
    --source //check/hexloop/ --print >"$work/intruder.key" 2>"$work/keys" || { cat "$work/keys" >&2; fail "no key was made"; }
compose exec -T operator sh -c 'cat >/tmp/intruder.key' <"$work/intruder.key"
label() {
    as /tmp/intruder.key publish --type dev.hexloop.label.recorded.v1 \
        --event-data '{"stream": "none", "key": "1", "value": 1}' >"$work/published" 2>&1
}
wait_until "$settle_seconds" "an event under the new key" label
as /tmp/intruder.key publish --type dev.hexloop.training.requested.v1 \
    --event-data '{"pipeline": "oil-price", "reason": "none"}' >"$work/refused" 2>&1 \
    && fail "a key for labels may ask for training"
grep -q denied "$work/refused" || fail "asking for training was not denied: $(cat "$work/refused")"
wait_until "$settle_seconds" "that refusal in the log" denied "'intruder' may not publish on 'e/check/training/requested/"
compose run --rm -T --no-deps keys hexloop keys revoke intruder --directory /keys >"$work/keys" 2>&1 \
    || { cat "$work/keys" >&2; fail "the key was not revoked"; }
label_refused() { ! label; }
wait_until "$settle_seconds" "the end of the revoked key" label_refused
wait_until "$settle_seconds" "the refusal of a revoked key" denied "the key of 'intruder' was revoked"
say "  refused: no key, outside its topics, revoked"

begin "scaling to three nodes and two monitors"
compose up -d --no-recreate --scale inference-node=3 --scale monitor=2 >"$work/up" 2>&1 || { cat "$work/up" >&2; fail "cannot scale"; }
wait_until "$ready_seconds" "three ready nodes" has_ready_nodes 3
say "  ready: $(ready_nodes | xargs)"

begin "a first model, then the first half of 2020"
replay 2020-01-02 2020-06-30 40
wait_until "$lap_seconds" "the first model on three nodes" serve_from 3
say "  serving: $(serving_nodes | xargs)"
finish_replay
lap_closed() { [ "$(closed_laps)" -ge 1 ]; }
wait_until "$lap_seconds" "a lap that decay began" lap_closed
wait_until "$settle_seconds" "an answer to each observation" all_answered
say "  $(closed_laps) laps closed, $(wc -l <"$work/answered") observations answered"
hexloop laps

begin "killing a node in a replay"
before=$(wc -l <"$work/answered")
victim=$(containers | cut -f 1 | grep inference-node | sort | head -1)
starts() { docker inspect --format '{{.RestartCount}}' "$victim"; }
replay 2020-07-01 2020-08-31 10
sleep 3
# A kill through the engine would count as stopped on purpose; the program has to die by itself.
docker exec "$victim" bash -c 'kill -KILL -1' || true
was_restarted() { [ "$(starts)" -ge 1 ]; }
wait_until "$settle_seconds" "the restart of $victim" was_restarted
finish_replay
wait_until "$settle_seconds" "an answer to each observation" all_answered
after=$(wc -l <"$work/answered")
[ "$after" -gt "$before" ] || fail "no prediction was made after the kill"
wait_until "$settle_seconds" "three nodes that serve again" serve_from 3
say "  $victim was restarted; $before observations answered before, $after after, none lost"

begin "HTTP: events that are right and wrong"
prices='[61.1, 61.2, 61.3, 61.4, 61.5, 61.6, 61.7, 61.8, 61.9, 62.0]'
json="application/cloudevents+json"
expect_status 202 POST /events "$json" "$(observation check-1 "$prices")"
expect_status 4?? POST /events "$json" "$(observation check-2 '[61.1]')"
expect_status 4?? POST /events "$json" "$(observation check-3 '[61, 61, 61, 61, 61, 61, 61, 61, 61, 9999]')"
expect_status 4?? POST /events "$json" '{"specversion": "1.0"}'
expect_status 4?? POST /events "$json" 'no JSON'
wait_until "$settle_seconds" "an answer to each observation" all_answered
grep -qx check-1 "$work/answered" || fail "the observation that came by HTTP was not answered"

begin "stopping the bus in a replay and starting it again"
before=$(wc -l <"$work/answered")
replay 2020-09-01 2020-10-31 10
sleep 3
compose stop -t 20 bus >/dev/null 2>&1
sleep 3
compose start bus >/dev/null 2>&1
finish_replay
wait_until "$settle_seconds" "an answer to each observation" all_answered
after=$(wc -l <"$work/answered")
[ "$after" -gt "$before" ] || fail "no prediction was made after the bus came back"
wait_until "$ready_seconds" "the health of all programs" all_healthy 12
say "  $before observations answered before, $after after, none lost"

begin "stopping"
compose stop -t 30 >/dev/null 2>&1
killed=$(docker ps -a --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" \
    --format '{{.Names}} {{.Status}}' | grep -v 'Exited (0)' || true)
[ -z "$killed" ] || fail "these did not stop in order: $killed"
step="removing"
say "the compose stack works"
